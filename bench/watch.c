/* watch REPLAYS BUDGET TRUSTED EVERY BY_CLASS NAME SET: the promise of a project that learns on while people work, over and over. What the flow
   does (stage/route.c, stage/watch.c) without a store, through the functions it does it with: a model of a few random items, a trusted sample, a first
   routing; then batches of what people answer, each a training set, and a look at what else the model may take. SET is a file of lines "label
   TAB text" (the text model is trained anew in every round of every replay), or planted: 4,000 items whose chance of being wrong is known and
   falls as labels are learned ("learning"), the same with the surest twentieth bad ("surest"), or all just over the budget ("bad"). BY_CLASS 1: every class
   has the budget for itself. Prints a line of a table. bench/replay.py builds and drives it. */
#include "algo/learn/linear.h"
#include "algo/route/look.h"
#include "algo/route/spend.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/rng.h"
#include "base/str.h"

#include <math.h>
#include <stdio.h>

#define DELTA 0.05
enum { START = 60, ROUNDS = 5, PLANTED_ITEMS = 4000, BITS = 18, MOST_LABELS = 100 };

typedef struct world {
    const char *name;
    double budget;
    size_t trusted, every;
    bool by_class;
    uint32_t n, k;
    int32_t *truth;
    kt_features x;
    double (*wrong)(double u, double learned, double budget); /* planted */
} world;

static double learning(double u, double learned, double budget)
{
    (void)budget;
    return 0.5 * pow(1 - u, 1 + learned / 150);
}

static double surest_are_wrong(double u, double learned, double budget)
{
    (void)budget;
    return u > 0.95 ? 0.1 : 0.45 * pow(1 - u, 1 + learned / 150);
}

static double just_bad(double u, double learned, double budget)
{
    (void)u;
    (void)learned;
    return 1.02 * budget;
}

/* Scores of all items, and which the machine has right, when it has learned from some. */
static void predict(const world *w, const uint8_t *learned, uint64_t replay, float *score, uint8_t *right, uint32_t *cell)
{
    if (w->wrong) {
        double c = 0;
        for (uint32_t i = 0; i < w->n; i++)
            c += learned[i];
        for (uint32_t i = 0; i < w->n; i++) {
            kt_rng g = kt_rng_keyed(replay, i, (uint64_t)c);
            score[i] = (float)kt_rng_unit(&g);
            right[i] = kt_rng_unit(&g) >= w->wrong((double)score[i], c, w->budget);
        }
        return;
    }
    int32_t *label = kt_alloc_array(w->n, sizeof(*label));
    uint16_t *said = kt_alloc_array(w->n, sizeof(*said));
    for (uint32_t i = 0; i < w->n; i++)
        label[i] = learned[i] ? w->truth[i] : -1;
    kt_linear m;
    kt_linear_data d = { .x = &w->x, .n_labels = w->k, .label = label };
    kt_linear_options o = KT_LINEAR_OPTIONS_INIT;
    o.prior_weight = 0; /* several times as fast; what is promised does not depend on the model */
    KT_ASSERT(kt_linear_fit(&d, &o, NULL, &m, NULL) == 0);
    kt_linear_top(&m, &w->x, 1, NULL, said, score);
    for (uint32_t i = 0; i < w->n; i++) {
        right[i] = said[i] == w->truth[i];
        cell[i] = w->by_class ? said[i] : 0;
    }
    kt_linear_done(&m);
    kt_free(label);
    kt_free(said);
}

typedef struct outcome {
    bool broken, broken_all; /* a batch over the budget: of what was approved; with the judged items above the same threshold */
    bool once_broken;
    double once, share[ROUNDS + 1]; /* approved by routing once with the whole of delta; by the first routing and after each look */
    double error;            /* of all that was approved */
} outcome;

typedef struct state {
    const world *w;
    uint64_t replay;
    float *score;
    uint8_t *right, *learned, *human, *out, *learn;
    uint32_t *cell, n_cells;
    double budget[MOST_LABELS];
    double n, wrong;
} state;

/* Batches of one look: of those in `items` (the first m judged them), who is at or above their cell's threshold. */
static void approve(state *s, const kt_look_item *items, size_t n, size_t m, const kt_cell *cell, bool *ret_broken, bool *ret_all)
{
    double size[MOST_LABELS][2] = { { 0 } }, wrong[MOST_LABELS][2] = { { 0 } };
    for (size_t i = 0; i < n; i++) {
        uint32_t item = items[i].item, c = s->cell[item];
        if (!cell[c].found || (double)s->score[item] < cell[c].score)
            continue;
        size[c][0]++;
        wrong[c][0] += !s->right[item];
        if (i < m)
            continue;
        size[c][1]++;
        wrong[c][1] += !s->right[item];
        s->out[item] = 1;
    }
    for (uint32_t c = 0; c < s->n_cells; c++) {
        *ret_all |= wrong[c][0] > s->budget[c] * size[c][0];
        *ret_broken |= wrong[c][1] > s->budget[c] * size[c][1];
        s->n += size[c][1];
        s->wrong += wrong[c][1];
    }
}

static void first_routing(state *s, outcome *o)
{
    const world *w = s->w;
    kt_cell cell[MOST_LABELS];
    kt_look open = { .left = kt_alloc_array(w->n, sizeof(*open.left)), .n_batch = w->trusted };
    uint8_t *right = kt_alloc(w->trusted);
    bool ignored = false;
    for (uint32_t i = 0; i < w->n; i++)
        if (!s->learned[i])
            open.left[open.n_left++] = (kt_look_item){ kt_look_key(s->replay ^ 0x747275, i), i };
    qsort(open.left, open.n_left, sizeof(*open.left), kt_look_order);
    for (size_t i = 0; i < open.n_batch; i++)
        right[i] = s->right[open.left[i].item];
    KT_ASSERT(kt_look_find(&open, s->score, s->cell, right, s->budget, s->n_cells, KT_ROUTE_THRESHOLD, kt_spend_round(DELTA, 0), cell, NULL) == 0);
    approve(s, open.left, open.n_left, open.n_batch, cell, &o->once_broken, &ignored);
    o->once = s->n / w->n;
    memset(s->out, 0, w->n);
    s->n = s->wrong = 0;
    KT_ASSERT(kt_look_find(&open, s->score, s->cell, right, s->budget, s->n_cells, KT_ROUTE_THRESHOLD, kt_spend_half(DELTA), cell, NULL) == 0);
    approve(s, open.left, open.n_left, open.n_batch, cell, &o->broken, &o->broken_all);
    o->share[0] = s->n / w->n;
    for (size_t i = open.n_batch; i < open.n_left; i++)
        s->human[open.left[i].item] = !s->out[open.left[i].item];
    kt_look_done(&open);
    kt_free(right);
}

/* False: nothing is left. */
static bool one_round(state *s, int round, uint64_t *cut, outcome *o)
{
    const world *w = s->w;
    kt_look l;
    kt_cell cell[MOST_LABELS];
    memcpy(s->learn, s->learned, w->n);
    double delta = kt_spend_looks(DELTA, kt_spend_half(DELTA)) / ROUNDS;
    kt_look_plan(s->replay, s->human, s->out, w->n, round > 0, *cut, round ? kt_look_size(w->every, w->budget, delta) : w->every, s->learn, &l);
    bool some = l.n_batch > 0;
    uint8_t *right = kt_alloc(l.n_batch + 1);
    for (size_t i = 0; round == 0 && i < l.n_batch; i++)
        s->learn[l.left[i].item] = 1;
    if (some && round > 0) {
        predict(w, s->learn, s->replay, s->score, s->right, s->cell);
        for (size_t i = 0; i < l.n_batch; i++)
            right[i] = s->right[l.left[i].item];
        KT_ASSERT(kt_look_find(&l, s->score, s->cell, right, s->budget, s->n_cells, KT_ROUTE_THRESHOLD, delta, cell, NULL) == 0);
        approve(s, l.left, l.n_left, l.n_batch, cell, &o->broken, &o->broken_all);
    }
    *cut = l.cut;
    kt_look_done(&l);
    kt_free(right);
    return some;
}

typedef struct replays {
    const world *w;
    outcome *of;
} replays;

static void one_replay(void *ctx, size_t i)
{
    replays *all = ctx;
    const world *w = all->w;
    outcome *o = &all->of[i];
    state s = { .w = w, .replay = i + 1, .n_cells = w->by_class ? w->k : 1 };
    uint8_t *bytes = kt_zalloc(5 * (size_t)w->n);
    s.right = bytes;
    s.learned = bytes + w->n;
    s.human = bytes + 2 * (size_t)w->n;
    s.out = bytes + 3 * (size_t)w->n;
    s.learn = bytes + 4 * (size_t)w->n;
    s.score = kt_alloc_array(w->n, sizeof(*s.score));
    s.cell = kt_zalloc_array(w->n, sizeof(*s.cell));
    for (uint32_t c = 0; c < s.n_cells; c++)
        s.budget[c] = w->budget;
    uint64_t start[START], cut = 0;
    kt_rng g = kt_rng_keyed(17, i, 0);
    kt_rng_sample(&g, w->n, START, start);
    for (int k = 0; k < START; k++)
        s.learned[start[k]] = 1;
    predict(w, s.learned, s.replay, s.score, s.right, s.cell);
    first_routing(&s, o);
    bool more = true;
    for (int round = 0; round <= ROUNDS; round++) {
        more = more && one_round(&s, round, &cut, o);
        o->share[round] = s.n / w->n;
    }
    o->error = s.n > 0 ? s.wrong / s.n : 0;
    kt_free(bytes);
    kt_free(s.score);
    kt_free(s.cell);
}

static void read_texts(world *w, const char *path, kt_pool *pool)
{
    FILE *f = fopen(path, "rb");
    KT_ASSERT(f && fseek(f, 0, SEEK_END) == 0);
    size_t n = (size_t)ftell(f);
    char *bytes = kt_alloc(n + 1);
    rewind(f);
    KT_ASSERT(fread(bytes, 1, n, f) == n);
    fclose(f);
    kt_str all = { bytes, n }, line, label, name[MOST_LABELS];
    KT_VEC(kt_str) text = { 0 };
    KT_VEC(int32_t) truth = { 0 };
    while (kt_str_cut(&all, '\n', &line)) {
        if (!line.n || !kt_str_cut(&line, '\t', &label))
            continue;
        uint32_t c = 0;
        while (c < w->k && !kt_str_eq(name[c], label))
            c++;
        KT_ASSERT(c < MOST_LABELS);
        name[c] = label;
        w->k = KT_MAX(w->k, c + 1);
        KT_PUSH(&truth, (int32_t)c);
        KT_PUSH(&text, line);
    }
    w->n = (uint32_t)text.n;
    w->truth = truth.v;
    kt_features_options o = { BITS, 2, 0, 0 };
    kt_idf idf;
    KT_ASSERT(kt_features_make(text.v, text.n, &o, pool, &w->x, NULL) == 0);
    kt_idf_init(&idf, BITS);
    kt_idf_add(&idf, &w->x);
    kt_features_weigh(&w->x, &idf, pool);
}

static void print(const world *w, const outcome *of, size_t n)
{
    double broken = 0, all = 0, once_broken = 0, once = 0, error = 0, share[ROUNDS + 1] = { 0 };
    for (size_t i = 0; i < n; i++) {
        broken += of[i].broken;
        all += of[i].broken_all;
        once_broken += of[i].once_broken;
        once += of[i].once;
        error += of[i].error;
        for (int k = 0; k <= ROUNDS; k++)
            share[k] += of[i].share[k];
    }
    double r = (double)n;
    printf("| %s | %.1f%% | %zu, %zu | %.1f%%, %.1f%% | %.1f%% | %.1f%% |", w->name, 100 * w->budget, w->trusted, w->every, 100 * broken / r, 100 * all / r,
           100 * once_broken / r, 100 * once / r);
    for (int k = 0; k <= ROUNDS; k++)
        printf(" %.1f%%%s", 100 * share[k] / r, k < ROUNDS ? "," : " |");
    printf(" %.2f%% |\n", 100 * error / r);
}

static double number(const char *s)
{
    double v;
    KT_ASSERT(kt_parse_f64(kt_str_of(s), &v));
    return v;
}

int main(int argc, char **argv)
{
    KT_ASSERT(argc == 8);
    size_t n = (size_t)number(argv[1]);
    world w = { .name = argv[6], .budget = number(argv[2]), .trusted = (size_t)number(argv[3]), .every = (size_t)number(argv[4]), .by_class = number(argv[5]) > 0 };
    kt_pool *pool = kt_pool_new(0);
    w.wrong = strcmp(argv[7], "learning") == 0 ? learning : strcmp(argv[7], "surest") == 0 ? surest_are_wrong : strcmp(argv[7], "bad") == 0 ? just_bad : NULL;
    w.n = PLANTED_ITEMS;
    if (!w.wrong)
        read_texts(&w, argv[7], pool);
    replays all = { &w, kt_zalloc_array(n, sizeof(outcome)) };
    kt_pool_run(pool, n, one_replay, &all);
    print(&w, all.of, n);
    return 0;
}
