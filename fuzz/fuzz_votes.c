/* Votes from a file, as karat agree, aggregate and denoise read them: ids in range, every name used, or an error. The first
   byte chooses the options. */
#include "fuzz.h"

#include "base/file.h"
#include "base/str.h"
#include "cli/votes_file.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static void check(const kt_votes_file *f)
{
    const kt_votes *v = &f->votes;
    for (size_t i = 0; i < v->n; i++)
        KT_ASSERT(v->item[i] < v->n_items && v->source[i] < v->n_sources && v->label[i] >= KT_ABSTAIN && v->label[i] < (int32_t)v->n_labels);
    for (uint32_t i = 0; i < v->n_items; i++)
        KT_ASSERT(f->item[i].n > 0);
    for (uint32_t i = 1; i < v->n_labels; i++)
        KT_ASSERT(!f->value || f->value[i] == f->value[i]);
}

void fuzz_one(const uint8_t *data, size_t n)
{
    static int fd = -1;
    char path[40];
    if (n == 0)
        return;
    if (fd < 0)
        fd = memfd_create("votes", MFD_CLOEXEC);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    kt_err err = { 0 };
    if (fd < 0 || ftruncate(fd, 0) || pwrite(fd, data + 1, n - 1, 0) != (ssize_t)(n - 1))
        return;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_str given[] = { KT_S("a"), KT_S("b") };
    kt_votes_file_opts o = { .duplicates = (kt_duplicates)(data[0] % 3), .minus_one_abstains = data[0] & 4, .pairs = data[0] & 8 };
    if (data[0] & 16)
        o.labels = (kt_strs){ given, 2 };
    kt_votes_file f;
    kt_rc rc = kt_votes_file_read(path, &o, &a, &f, &err);
    KT_ASSERT(rc <= 0 && (rc == 0 || err.what[0]));
    if (rc < 0)
        return;
    check(&f);
    kt_votes_file_done(&f);
}
