/* A filter of the command line on files of any bytes, one target a verb (KT_FUZZ_FILTER). The first byte chooses a line of arguments; what follows
   is the first file and, behind a form feed, the second. Whatever is in them, the filter ends with its answer or with a message. What a
   command keeps until its process ends is not freed here either. */
#include "fuzz.h"

#include "cli/cli.h"
#include "base/pool.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/* A and B: the files. */
typedef struct line {
    const char *verb;
    const char *arg[10];
} line;

static const line lines[] = {
    { "aggregate", { "A", "--method", "rover", "--json" } },
    { "aggregate", { "A", "--method", "medoid", "--explain", "1" } },
    { "aggregate", { "A", "--method", "segmentation", "--set", "method=em", "--json" } },
    { "aggregate", { "A", "--method", "segmentation", "--explain", "1" } },
    { "aggregate", { "A", "--method", "boxes", "--json" } },
    { "aggregate", { "A", "--method", "spans", "--explain", "1" } },
    { "aggregate", { "A", "--method", "polygons", "--json" } },
    { "aggregate", { "A", "--method", "keypoints", "--sources", "-" } },
    { "aggregate", { "A", "--method", "sequences", "--json" } },
    { "aggregate", { "A", "--method", "sequences", "--explain", "1" } },
    { "aggregate", { "A", "--method", "taxonomy", "--json" } },
    { "aggregate", { "A", "--method", "taxonomy", "--taxonomy", "B", "--explain", "1" } },
    { "aggregate", { "A", "--method", "multi_label", "--json" } },
    { "aggregate", { "A", "--method", "numeric", "--explain", "1" } },
    { "aggregate", { "A", "--method", "bradley_terry", "--json" } },
    { "aggregate", { "A", "--method", "plackett_luce", "--set", "prior=0.5", "--sources", "-" } },
    { "aggregate", { "A", "--gold", "B", "--json" } },
    { "aggregate", { "A", "--probs", "B" } },
    { "aggregate", { "A", "--method", "mace", "--start", "B" } },
    { "ask", { "A" } },
    { "ask", { "A", "--follow", "--json" } },
    { "ask", { "A", "--prices", "B", "--explain", "1" } },
    { "ask", { "A", "--labels", "a,b", "--json" } },
    { "near", { "A" } },
    { "near", { "A", "--json", "--threshold", "0.3" } },
    { "near", { "A", "--compare" } },
    { "near", { "A", "--signatures" } },
    { "route", { "A", "--budget", "0.3" } },
    { "route", { "A", "--budget", "0.3", "--by", "lang", "--explain", "--annotator", "0.05:0.9" } },
    { "route", { "A", "--budget", "0.3", "--json" } },
    { "errors", { "--labels", "A", "--probs", "B", "--json" } },
    { "errors", { "--labels", "A", "--probs", "B", "--explain" } },
    { "errors", { "--labels", "A", "--probs", "B", "--task", "tokens" } },
    { "errors", { "--labels", "A", "--probs", "B", "--task", "multilabel", "--json" } },
    { "errors", { "--labels", "A", "--probs", "B", "--task", "values" } },
    { "errors", { "--labels", "A", "--probs", "B", "--task", "boxes", "--json" } },
    { "errors", { "--labels", "A", "--probs", "B", "--task", "pixels" } },
    { "errors", { "A", "--task", "outliers" } },
    { "errors", { "A", "--task", "annotators", "--json" } },
    { "errors", { "A", "--task", "rate", "--strata", "s=100,o=300" } },
    { "errors", { "A", "--task", "duplicates" } },
    { "score", { "A", "B", "--json" } },
    { "score", { "B", "--probs", "A", "--explain" } },
    { "score", { "A", "B", "--task", "spans", "--json" } },
    { "score", { "A", "B", "--task", "boxes", "--json" } },
    { "score", { "A", "B", "--task", "masks" } },
    { "score", { "A", "B", "--task", "segments" } },
    { "score", { "A", "B", "--task", "tracks" } },
    { "score", { "A", "B", "--task", "text" } },
    { "score", { "A", "B", "--task", "iou" } },
    { "score", { "A", "--task", "uncertainty", "--json" } },
    { "agree", { "A", "--explain" } },
    { "agree", { "A", "--per", "pair", "--json" } },
    { "agree", { "A", "--method", "krippendorff_alpha", "--distance", "edit" } },
    { "agree", { "A", "--method", "krippendorff_alpha", "--distance", "boxes" } },
    { "agree", { "A", "--method", "krippendorff_alpha", "--distance", "spans" } },
    { "denoise", { "A", "--json" } },
    { "denoise", { "A", "--explain", "1" } },
    { "model", { "cross", "A", "--folds", "2" } },
    { "model", { "cross", "A", "--folds", "2", "--set", "task=multi" } },
    { "model", { "cross", "A", "--folds", "2", "--set", "task=tree", "--parents", "B" } },
    { "model", { "cross", "A", "--folds", "2", "--kind", "crf" } },
    { "model", { "cross", "A", "--folds", "2", "--kind", "knn", "--labels", "B" } },
    { "model", { "cross", "A", "--folds", "2", "--kind", "prototypes", "--labels", "B" } },
    { "model", { "cross", "A", "--folds", "2", "--kind", "dense", "--labels", "B" } },
    { "model", { "show", "A" } },
    { "model", { "predict", "A", "B" } },
};

#ifdef KT_LIBFUZZER
/* libFuzzer asks for leaks after every input; a command's end is its process's. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
    return 1;
}
#endif

static const char *write_file(int which, const uint8_t *data, size_t n, char path[40])
{
    static int fd[2] = { -1, -1 };
    if (fd[which] < 0)
        fd[which] = memfd_create("file", MFD_CLOEXEC);
    snprintf(path, 40, "/proc/self/fd/%d", fd[which]);
    return fd[which] >= 0 && ftruncate(fd[which], 0) == 0 && pwrite(fd[which], data, n, 0) == (ssize_t)n ? path : NULL;
}

/* The nth line of this target's verb. */
static const line *choose(uint8_t byte)
{
    size_t n = 0, at = 0;
    for (size_t i = 0; i < KT_LEN(lines); i++)
        n += strcmp(lines[i].verb, KT_FUZZ_FILTER.name) == 0;
    KT_ASSERT(n > 0);
    for (size_t nth = byte % n;; at++)
        if (strcmp(lines[at].verb, KT_FUZZ_FILTER.name) == 0 && nth-- == 0)
            return &lines[at];
}

void fuzz_one(const uint8_t *data, size_t n)
{
    static bool quiet;
    static kt_pool *pool;
    char path[2][40], *argv[KT_LEN(lines[0].arg)];
    if (n == 0)
        return;
    if (!quiet) {
        quiet = freopen("/dev/null", "w", stdout) != NULL;
        pool = kt_pool_new(1);
    }
    const line *l = choose(data[0]);
    const uint8_t *cut = memchr(data + 1, '\f', n - 1);
    size_t first = cut ? (size_t)(cut - data - 1) : n - 1;
    if (!write_file(0, data + 1, first, path[0]) || !write_file(1, cut ? cut + 1 : NULL, cut ? n - first - 2 : 0, path[1]))
        return;
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    kt_progress progress = { 0 };
    kt_cli cli = { .argv = argv, .arena = &a, .pool = pool, .progress = &progress };
    for (; cli.argc < (int)KT_LEN(argv) && l->arg[cli.argc]; cli.argc++) {
        const char *arg = l->arg[cli.argc];
        argv[cli.argc] = kt_strdup(strcmp(arg, "A") == 0 ? path[0] : strcmp(arg, "B") == 0 ? path[1] : arg);
    }
    kt_err err = { 0 };
    kt_rc rc = KT_FUZZ_FILTER.run(&cli, &err);
    KT_ASSERT(rc >= 0 || err.what[0]);
    for (int i = 0; i < cli.argc; i++)
        kt_free(argv[i]);
}
