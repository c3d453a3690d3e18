/* libFuzzer's entry, and without libFuzzer a main that runs files and folders of inputs: each whole, and each small one cut
   at every byte, since most parsers fail at ends. */
#include "fuzz.h"

#include "base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    fuzz_one(data, n);
    return 0;
}

#ifndef KT_LIBFUZZER
#include <dirent.h>
#include <sys/stat.h>

#define CUT_BELOW 1024

/* In an allocation of its very size, so that a sanitizer sees a read past the end. */
static void run_copy(const char *p, size_t n)
{
    uint8_t *copy = kt_alloc(n);
    if (n)
        memcpy(copy, p, n);
    fuzz_one(copy, n);
    kt_free(copy);
}

static int run_path(const char *path, size_t *ret_n)
{
    struct stat st;
    kt_err err = { 0 };
    if (stat(path, &st)) {
        fprintf(stderr, "cannot look at %s\n", path);
        return 1;
    }
    if (S_ISDIR(st.st_mode)) {
        struct dirent **names;
        int n = scandir(path, &names, NULL, alphasort), bad = n < 0;
        for (int i = 0; i < n; i++) {
            char sub[4096];
            if (names[i]->d_name[0] != '.' && kt_path_join(sub, sizeof(sub), path, names[i]->d_name, &err) == 0)
                bad |= run_path(sub, ret_n);
            free(names[i]);
        }
        if (n >= 0)
            free(names);
        return bad;
    }
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)64 << 20);
    if (kt_file_read(path, &b, &err) < 0) {
        fprintf(stderr, "%s\n", err.what);
        return 1;
    }
    fprintf(stderr, "%s\n", path); /* the last one named is the one that crashed */
    for (size_t n = b.n < CUT_BELOW ? 0 : b.n; n <= b.n; n++)
        run_copy(b.p, n);
    ++*ret_n;
    return 0;
}

int main(int argc, char **argv)
{
    size_t n = 0;
    int bad = argc < 2;
    for (int i = 1; i < argc; i++)
        bad |= run_path(argv[i], &n);
    printf("%zu inputs\n", n);
    return bad || n == 0;
}
#endif
