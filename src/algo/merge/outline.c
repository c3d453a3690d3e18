#include "algo/merge/outline.h"

#include "base/err.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

#define LINES 256

double kt_outline_area(const double *p, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        const double *a = p + 2 * i, *b = p + 2 * ((i + 1) % n);
        sum += (a[0] - p[0]) * (b[1] - p[1]) - (b[0] - p[0]) * (a[1] - p[1]);
    }
    return sum / 2;
}

void kt_outline_bounds(const double *p, size_t n, double ret[4])
{
    memcpy(ret, (double[]){ p[0], p[1], p[0], p[1] }, 4 * sizeof(*ret));
    for (size_t i = 1; i < n; i++) {
        ret[0] = KT_MIN(ret[0], p[2 * i]);
        ret[1] = KT_MIN(ret[1], p[2 * i + 1]);
        ret[2] = KT_MAX(ret[2], p[2 * i]);
        ret[3] = KT_MAX(ret[3], p[2 * i + 1]);
    }
}

/* Where the line at y crosses the outline, ascending; ret: n numbers. Returns their number, which is even. */
static size_t crossings(const double *p, size_t n, double y, double *ret)
{
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        const double *a = p + 2 * i, *b = p + 2 * ((i + 1) % n);
        if ((a[1] <= y) == (b[1] <= y))
            continue;
        double x = a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]);
        size_t at = m++;
        for (; at > 0 && ret[at - 1] > x; at--)
            ret[at] = ret[at - 1];
        ret[at] = x;
    }
    return m;
}

static double length(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i + 1 < n; i += 2)
        sum += x[i + 1] - x[i];
    return sum;
}

static double shared_length(const double *x, size_t n, const double *y, size_t m)
{
    double sum = 0;
    for (size_t i = 0, j = 0; i + 1 < n && j + 1 < m;) {
        sum += KT_MAX(KT_MIN(x[i + 1], y[j + 1]) - KT_MAX(x[i], y[j]), 0);
        if (x[i + 1] < y[j + 1])
            i += 2;
        else
            j += 2;
    }
    return sum;
}

double kt_outline_iou(const double *a, size_t n, const double *b, size_t m)
{
    double one[4], other[4], both = 0, either = 0;
    if (n == 0 || m == 0)
        return 0;
    kt_outline_bounds(a, n, one);
    kt_outline_bounds(b, m, other);
    if (one[2] < other[0] || other[2] < one[0] || one[3] < other[1] || other[3] < one[1])
        return 0;
    double from = KT_MIN(one[1], other[1]), to = KT_MAX(one[3], other[3]);
    double *x = kt_alloc_array(n + m, sizeof(*x)), *y = x + n;
    for (int line = 0; line < LINES; line++) {
        double at = from + (to - from) * (line + 0.5) / LINES;
        size_t in_a = crossings(a, n, at, x), in_b = crossings(b, m, at, y);
        double shared = shared_length(x, in_a, y, in_b);
        both += shared;
        either += length(x, in_a) + length(y, in_b) - shared;
    }
    kt_free(x);
    return either > 0 ? both / either : 0;
}

static double turn(const double *a, const double *b, const double *c)
{
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
}

/* c, on the line through a and b, lies between them. */
static bool between(const double *a, const double *b, const double *c)
{
    return c[0] >= KT_MIN(a[0], b[0]) && c[0] <= KT_MAX(a[0], b[0]) && c[1] >= KT_MIN(a[1], b[1]) && c[1] <= KT_MAX(a[1], b[1]);
}

static bool touch(const double *a, const double *b, const double *c, const double *d)
{
    double p = turn(a, b, c), q = turn(a, b, d), r = turn(c, d, a), s = turn(c, d, b);
    if (((p > 0 && q < 0) || (p < 0 && q > 0)) && ((r > 0 && s < 0) || (r < 0 && s > 0)))
        return true;
    return (p == 0 && between(a, b, c)) || (q == 0 && between(a, b, d)) || (r == 0 && between(c, d, a)) || (s == 0 && between(c, d, b));
}

bool kt_outline_simple(const double *p, size_t n)
{
    if (n < 3)
        return false;
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 2; j < n; j++)
            if (!(i == 0 && j == n - 1) && touch(p + 2 * i, p + 2 * (i + 1), p + 2 * j, p + 2 * ((j + 1) % n)))
                return false;
    return true;
}

static double distance(const double *a, const double *b, double x, double y)
{
    double dx = b[0] - a[0], dy = b[1] - a[1], length2 = dx * dx + dy * dy;
    double t = length2 > 0 ? ((x - a[0]) * dx + (y - a[1]) * dy) / length2 : 0;
    t = KT_MIN(KT_MAX(t, 0), 1);
    return hypot(x - a[0] - t * dx, y - a[1] - t * dy);
}

void kt_outline_distance(const double *p, size_t n, const kt_grid *g, double most, double *ret)
{
    double *cross = kt_alloc_array(n, sizeof(*cross));
    for (uint32_t j = 0; j < g->h; j++) {
        double y = g->y0 + j * g->step;
        size_t m = crossings(p, n, y, cross), passed = 0;
        for (uint32_t i = 0; i < g->w; i++) {
            double x = g->x0 + i * g->step, least = most;
            while (passed < m && cross[passed] <= x)
                passed++;
            for (size_t e = 0; e < n; e++) {
                const double *a = p + 2 * e, *b = p + 2 * ((e + 1) % n);
                if (y < KT_MIN(a[1], b[1]) - least || y > KT_MAX(a[1], b[1]) + least || x < KT_MIN(a[0], b[0]) - least || x > KT_MAX(a[0], b[0]) + least)
                    continue;
                least = KT_MIN(least, distance(a, b, x, y));
            }
            ret[(size_t)j * g->w + i] = passed % 2 ? least : -least;
        }
    }
    kt_free(cross);
}

/* ---- marching squares ---- */

/* A square has its corners at (i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1), counter-clockwise; side s goes from corner s to the next.
   A piece of the contour enters where a walk round the square leaves the inside, and so has it on its left. */
struct tracing {
    const double *field;
    const kt_grid *g;
    uint8_t *done; /* of each side between two points: 2 · point for the one to the right, + 1 for the one above */
};

static double value(const struct tracing *t, uint32_t i, uint32_t j)
{
    bool border = i == 0 || j == 0 || i + 1 == t->g->w || j + 1 == t->g->h;
    double v = t->field[(size_t)j * t->g->w + i];
    return border && v >= 0 ? -1e-9 : v;
}

static double corner(const struct tracing *t, uint32_t i, uint32_t j, int c)
{
    return value(t, i + (c == 1 || c == 2), j + (c == 2 || c == 3));
}

static size_t side_id(const struct tracing *t, uint32_t i, uint32_t j, int s)
{
    return 2 * ((size_t)(j + (s == 2)) * t->g->w + i + (s == 1)) + (s == 1 || s == 3);
}

static bool leaves(const struct tracing *t, uint32_t i, uint32_t j, int s)
{
    return corner(t, i, j, s) >= 0 && corner(t, i, j, (s + 1) % 4) < 0;
}

/* The side by which the piece that starts on side s ends. Where two opposite corners are inside, the middle says whether they
   belong together. */
static int end_side(const struct tracing *t, uint32_t i, uint32_t j, int s)
{
    double middle = 0;
    for (int c = 0; c < 4; c++)
        middle += corner(t, i, j, c);
    for (int x = 1; x < 4; x++) {
        int e = middle >= 0 ? (s + x) % 4 : (s + 4 - x) % 4;
        if (corner(t, i, j, e) < 0 && corner(t, i, j, (e + 1) % 4) >= 0)
            return e;
    }
    KT_ASSERT(false);
    return s;
}

static void crossing(const struct tracing *t, uint32_t i, uint32_t j, int s, double *ret)
{
    static const int dx[] = { 0, 1, 1, 0 }, dy[] = { 0, 0, 1, 1 };
    int n = (s + 1) % 4;
    double a = corner(t, i, j, s), b = corner(t, i, j, n), part = KT_MIN(KT_MAX(a / (a - b), 1e-6), 1 - 1e-6);
    ret[0] = t->g->x0 + (i + dx[s] + part * (dx[n] - dx[s])) * t->g->step;
    ret[1] = t->g->y0 + (j + dy[s] + part * (dy[n] - dy[s])) * t->g->step;
}

typedef KT_VEC(double) corners;

static void follow(struct tracing *t, uint32_t i, uint32_t j, int s, corners *out)
{
    out->n = 0;
    while (!t->done[side_id(t, i, j, s)]) {
        double at[2];
        t->done[side_id(t, i, j, s)] = 1;
        crossing(t, i, j, s, at);
        KT_PUSH(out, at[0]);
        KT_PUSH(out, at[1]);
        int e = end_side(t, i, j, s);
        i += (e == 1) - (e == 3);
        j += (e == 2) - (e == 0);
        s = (e + 2) % 4;
    }
}

/* Marks the corners between a and b (indices along the ring) that stand out more than slack (Douglas and Peucker 1973). */
static void mark(const double *p, size_t n, size_t a, size_t b, double slack, uint8_t *keep)
{
    KT_VEC(size_t) todo = { 0 };
    KT_PUSH(&todo, a);
    KT_PUSH(&todo, b);
    while (todo.n) {
        b = todo.v[--todo.n];
        a = todo.v[--todo.n];
        size_t far = a;
        double most = slack;
        for (size_t i = a + 1; i < b; i++) {
            double d = distance(p + 2 * a, p + 2 * (b % n), p[2 * i], p[2 * i + 1]);
            far = d > most ? i : far;
            most = KT_MAX(most, d);
        }
        if (far == a)
            continue;
        keep[far] = 1;
        KT_PUSH(&todo, a);
        KT_PUSH(&todo, far);
        KT_PUSH(&todo, far);
        KT_PUSH(&todo, b);
    }
    KT_VEC_DONE(&todo);
}

static size_t thin(const double *p, size_t n, double slack, double *ret)
{
    uint8_t *keep = kt_zalloc_array(n, 1);
    size_t far = 0, m = 0;
    for (size_t i = 1; i < n; i++)
        far = hypot(p[2 * i] - p[0], p[2 * i + 1] - p[1]) > hypot(p[2 * far] - p[0], p[2 * far + 1] - p[1]) ? i : far;
    keep[0] = keep[far] = 1;
    mark(p, n, 0, far, slack, keep);
    mark(p, n, far, n, slack, keep);
    for (size_t i = 0; i < n; i++)
        if (keep[i]) {
            ret[2 * m] = p[2 * i];
            ret[2 * m++ + 1] = p[2 * i + 1];
        }
    kt_free(keep);
    return m;
}

double *kt_outline_trace(const double *field, const kt_grid *g, double slack, kt_arena *a, size_t *ret_n)
{
    struct tracing t = { field, g, kt_zalloc_array((size_t)g->w * g->h, 2) };
    corners ring = { 0 }, best = { 0 };
    double most = 0;
    for (uint32_t j = 0; j + 1 < g->h; j++)
        for (uint32_t i = 0; i + 1 < g->w; i++)
            for (int s = 0; s < 4; s++) {
                if (!leaves(&t, i, j, s) || t.done[side_id(&t, i, j, s)])
                    continue;
                follow(&t, i, j, s, &ring);
                double area = kt_outline_area(ring.v, ring.n / 2);
                if (area > most) {
                    corners x = best;
                    best = ring;
                    ring = x;
                    most = area;
                }
            }
    double *ret = kt_arena_alloc(a, best.n * sizeof(double) + 1);
    size_t n = best.n / 2;
    *ret_n = 0;
    for (int tries = 0; tries < 4 && n && *ret_n == 0; tries++, slack /= 4) {
        size_t m = thin(best.v, n, slack, ret);
        *ret_n = kt_outline_simple(ret, m) ? m : 0;
    }
    if (n && *ret_n == 0) { /* as traced: its pieces lie in squares of their own */
        memcpy(ret, best.v, best.n * sizeof(double));
        *ret_n = n;
    }
    KT_VEC_DONE(&ring);
    KT_VEC_DONE(&best);
    kt_free(t.done);
    return ret;
}
