/* What every unit test includes: cmocka and a comparison of doubles. */
#ifndef KT_TEST_H
#define KT_TEST_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define kt_assert_close(a, b, tol)                                                                         \
    do {                                                                                                   \
        double kt_a_ = (a), kt_b_ = (b);                                                                   \
        if (!(fabs(kt_a_ - kt_b_) <= (tol)))                                                               \
            fail_msg("%s = %.17g, expected %.17g within %g", #a, kt_a_, kt_b_, (double)(tol));             \
    } while (0)

#endif
