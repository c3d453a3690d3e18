/* A .npy is the same array mapped from a file and read from a pipe, and a file that is cut short or says more than it holds is refused; lines of
   rows are those that were put in. */
#include "format/array_file.h"
#include "format/row_places.h"
#include "kt_test.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/* 128 bytes of header for so many doubles, and n of them. */
static size_t write_npy(char *dst, const char *shape, size_t n)
{
    char header[119];
    int used = snprintf(header, sizeof(header), "{'descr': '<f8', 'fortran_order': False, 'shape': (%s,), }", shape);
    memset(header + used, ' ', sizeof(header) - (size_t)used);
    memcpy(dst, "\x93NUMPY\x01\x00\x76\x00", 10);
    memcpy(dst + 10, header, 118);
    dst[127] = '\n';
    for (size_t i = 0; i < n; i++)
        memcpy(dst + 128 + 8 * i, &(double){ 1.5 * (double)i }, 8);
    return 128 + 8 * n;
}

static kt_rc read_bytes(const char *bytes, size_t n, bool piped, kt_arena *a, kt_array_file *ret, kt_err *err)
{
    kt_row_stream s;
    int end[2], fd = memfd_create("array", MFD_CLOEXEC);
    assert_int_equal(pwrite(fd, bytes, n, 0), (ssize_t)n);
    if (piped) {
        assert_int_equal(pipe(end), 0);
        assert_int_equal(write(end[1], bytes, n), (ssize_t)n);
        close(end[1]);
        close(fd);
        fd = end[0];
    }
    assert_int_equal(kt_row_stream_from(&s, fd, 4096, "array", a, err), 0);
    assert_true(kt_array_file_is(&s));
    kt_rc rc = kt_array_file_read(&s, "votes", a, ret, err);
    kt_row_stream_done(&s);
    return rc;
}

static void test_both_ways(void **state)
{
    (void)state;
    char bytes[2048];
    size_t n = write_npy(bytes, "100", 100);
    for (int piped = 0; piped < 2; piped++) {
        KT_AUTO(kt_arena) a = KT_ARENA_INIT;
        kt_array_file f;
        kt_err err = { 0 };
        assert_int_equal(read_bytes(bytes, n, piped, &a, &f, &err), 0);
        assert_int_equal(f.map != NULL, !piped);
        assert_int_equal(f.n, 1);
        assert_int_equal(f.array[0].array.n, 100);
        for (size_t i = 0; i < 100; i++)
            assert_true(kt_npy_number(&f.array[0].array, i) == 1.5 * (double)i);
        kt_array_file_done(&f);
    }
}

static void test_short(void **state)
{
    (void)state;
    char bytes[2048];
    for (int piped = 0; piped < 2; piped++)
        for (size_t n = 8; n < 128 + 80; n += 1) {
            KT_AUTO(kt_arena) a = KT_ARENA_INIT;
            kt_array_file f;
            kt_err err = { 0 };
            write_npy(bytes, n % 2 ? "10" : "1000000000", 10);
            assert_true(read_bytes(bytes, n, piped, &a, &f, &err) < 0);
            assert_true(err.what[0] && f.map == NULL);
        }
}

static void test_places(void **state)
{
    (void)state;
    kt_row_places p = { 0 };
    uint64_t line[1000], at = 2;
    assert_int_equal(kt_row_places_line(&p, 0), 0);
    for (size_t i = 0; i < 1000; i++) {
        line[i] = at;
        kt_row_places_add(&p, at);
        at += 1 + (i % 97 == 0 ? i % 5 : 0); /* blank lines and quoted line ends now and then */
    }
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(kt_row_places_line(&p, i), line[i]);
    assert_true(p.jump.n < 20);
    kt_row_places_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_both_ways), cmocka_unit_test(test_short), cmocka_unit_test(test_places) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
