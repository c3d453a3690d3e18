/* The network is a list of slots; a slot holds words with the sources that said them, the empty word among them. */
#include "algo/merge/rover.h"

#include "base/mem.h"
#include "base/str.h"

#include <math.h>

#define RIGHT 4.0 /* pseudo-slots of a text in which it is right, */
#define WRONG 1.0 /* and wrong */
#define ROUNDS 10

typedef struct words {
    kt_str *v;
    size_t n;
} words;

typedef struct option {
    kt_str word; /* n 0: the empty word */
    size_t sources;
    double prob; /* that it is what should stand there */
    struct option *next;
} option;

typedef struct slot {
    option *options;
    option **said; /* of each text so far */
    const option *best;
} slot;

typedef struct network {
    slot *v;
    size_t n, aligned, texts; /* slots, texts so far, texts in all */
    kt_arena *a;
} network;

static words cut(kt_str text, kt_arena *a)
{
    words w = { kt_arena_array(a, text.n / 2 + 1, sizeof(kt_str)), 0 };
    for (size_t i = 0; i < text.n;) {
        size_t from = i;
        while (i < text.n && text.p[i] != ' ')
            i++;
        if (i > from)
            w.v[w.n++] = (kt_str){ text.p + from, i - from };
        i += i < text.n;
    }
    return w;
}

static option *find(const slot *s, kt_str word)
{
    for (option *o = s->options; o; o = o->next)
        if (kt_str_eq(o->word, word))
            return o;
    return NULL;
}

/* The texts from .. to - 1 say word there. */
static void add(network *net, slot *s, kt_str word, size_t from, size_t to)
{
    option *o = find(s, word);
    if (!o) {
        o = kt_arena_zalloc(net->a, sizeof(*o));
        o->word = word;
        o->next = s->options;
        s->options = o;
    }
    if (!s->said)
        s->said = kt_arena_array(net->a, net->texts, sizeof(option *));
    for (size_t t = from; t < to; t++)
        s->said[t] = o;
    o->sources += to - from;
}

enum { STAY, DELETE, INSERT };

/* cost: (slots + 1) × (words + 1) of the best alignment of the first slots and words; how: the last step of it. Stepping over
   a slot is free where it holds the empty word, but not before the first word. */
static void measure(const network *net, const words *w, uint32_t *cost, uint8_t *how)
{
    size_t m = w->n + 1;
    for (size_t s = 0; s <= net->n; s++)
        for (size_t x = 0; x <= w->n; x++) {
            uint32_t best = s || x ? UINT32_MAX : 0, c;
            uint8_t step = STAY;
            if (s && x)
                best = cost[(s - 1) * m + x - 1] + (find(&net->v[s - 1], w->v[x - 1]) ? 0 : 1);
            if (s && (c = cost[(s - 1) * m + x] + (x && find(&net->v[s - 1], KT_S("")) ? 0 : 1)) < best) {
                best = c;
                step = DELETE;
            }
            if (x && (c = cost[s * m + x - 1] + 1) < best) {
                best = c;
                step = INSERT;
            }
            cost[s * m + x] = best;
            how[s * m + x] = step;
        }
}

static void align(network *net, const words *w)
{
    size_t m = w->n + 1, s = net->n, x = w->n, n = 0;
    uint32_t *cost = kt_alloc_array((net->n + 1) * m, sizeof(*cost));
    uint8_t *how = kt_alloc_array((net->n + 1) * m, 1);
    measure(net, w, cost, how);
    slot *turned = kt_arena_array(net->a, net->n + w->n, sizeof(*turned)); /* last slot first */
    while (s || x) {
        uint8_t step = how[s * m + x];
        slot *to = &turned[n++];
        if (step != INSERT)
            *to = net->v[--s];
        if (step != DELETE)
            add(net, to, w->v[--x], net->aligned, net->aligned + 1);
        else
            add(net, to, KT_S(""), net->aligned, net->aligned + 1);
        if (step == INSERT && net->aligned)
            add(net, to, KT_S(""), 0, net->aligned);
    }
    net->v = kt_arena_array(net->a, n, sizeof(slot));
    for (size_t i = 0; i < n; i++)
        net->v[i] = turned[n - 1 - i];
    net->n = n;
    net->aligned++;
    kt_free(cost);
    kt_free(how);
}

static size_t letters(kt_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += (s.p[i] & 0xc0) != 0x80;
    return n;
}

static bool beats(const option *x, const option *y)
{
    if (!y || x->sources != y->sources)
        return !y || x->sources > y->sources;
    if (letters(x->word) != letters(y->word))
        return letters(x->word) > letters(y->word);
    return kt_str_cmp(x->word, y->word) > 0; /* UTF-8 sorts as its code points */
}

/* Share of the words of text that stand in the chosen text too, in order. */
static double share_in(kt_str text, kt_str chosen, kt_arena *a)
{
    size_t n = cut(chosen, a).n, m = cut(text, a).n, edits = kt_word_edits(text, chosen);
    return KT_MAX(n, m) ? 1 - (double)edits / (double)KT_MAX(n, m) : 1;
}

/* Chance of every word of every slot, each text being right in a slot with one chance of its own, and wrong words spread over those that were said
   and one more. accuracy: of each text, moved by a round of EM. */
static void weigh(const network *net, double *accuracy, double *right)
{
    memset(right, 0, net->texts * sizeof(*right));
    for (size_t s = 0; s < net->n; s++) {
        double top = -INFINITY, all = 0, others = 0;
        for (option *o = net->v[s].options; o; o = o->next, others++)
            o->prob = 0;
        for (size_t t = 0; t < net->texts; t++)
            net->v[s].said[t]->prob += log(accuracy[t] / (1 - accuracy[t]) * others);
        for (option *o = net->v[s].options; o; o = o->next)
            top = KT_MAX(top, o->prob);
        for (option *o = net->v[s].options; o; o = o->next)
            all += o->prob = exp(o->prob - top);
        for (option *o = net->v[s].options; o; o = o->next)
            o->prob /= all + exp(-top); /* none of them: no text was right */
        for (size_t t = 0; t < net->texts; t++)
            right[t] += net->v[s].said[t]->prob;
    }
    for (size_t t = 0; t < net->texts; t++)
        accuracy[t] = (right[t] + RIGHT) / ((double)net->n + RIGHT + WRONG);
}

/* Share of the true text that each text has. The merged text is not the truth, and each text is a part of it; so what a text has in common with it
   counts as far as it is likely to be right, and so does what it says otherwise. The edits themselves are not counted in slots: of those a
   network has more than two texts need. */
static void set_shares(const network *net, const kt_str *text, kt_str merged, kt_arena *a, double *ret)
{
    double *accuracy = kt_arena_array(a, 2 * net->texts, sizeof(double)), *right = accuracy + net->texts;
    size_t length = cut(merged, a).n;
    for (size_t t = 0; t < net->texts; t++)
        accuracy[t] = RIGHT / (RIGHT + WRONG);
    for (int round = 0; round < ROUNDS; round++)
        weigh(net, accuracy, right);
    for (size_t t = 0; t < net->texts; t++) {
        size_t longer = KT_MAX(cut(text[t], a).n, length);
        double more = 0;
        for (size_t s = 0; s < net->n; s++) {
            const option *said = net->v[s].said[t];
            more += said->prob - (said == net->v[s].best);
        }
        ret[t] = longer ? KT_MIN(KT_MAX(share_in(text[t], merged, a) + more / (double)longer, 0), 1) : 1;
    }
}

kt_text_merge kt_rover(const kt_str *text, size_t n, kt_arena *a)
{
    network net = { .a = a, .texts = n };
    kt_text_merge ret = { .text = { "", 0 }, .source_share = kt_arena_array(a, n, sizeof(double)) };
    size_t bytes = 0, slots = 0;
    for (size_t i = 0; i < n; i++) {
        words w = cut(text[i], a);
        align(&net, &w);
        bytes += text[i].n + 1;
    }
    char *out = kt_arena_alloc(a, bytes + 1);
    ret.word_share = kt_arena_array(a, net.n, sizeof(double));
    for (size_t s = 0; s < net.n; s++) {
        const option *best = NULL;
        for (const option *o = net.v[s].options; o; o = o->next)
            best = beats(o, best) ? o : best;
        net.v[s].best = best;
        ret.agreement += (double)best->sources / (double)n;
        slots++;
        if (best->word.n == 0)
            continue;
        if (ret.text.n)
            out[ret.text.n++] = ' ';
        memcpy(out + ret.text.n, best->word.p, best->word.n);
        ret.text.n += best->word.n;
        ret.word_share[ret.n_words++] = (double)best->sources / (double)n;
    }
    ret.text.p = out;
    ret.agreement = slots ? ret.agreement / (double)slots : 1;
    if (n > 2)
        set_shares(&net, text, ret.text, a, ret.source_share);
    for (size_t i = 0; i < n && n <= 2; i++) /* nobody to tell them apart */
        ret.source_share[i] = share_in(text[i], ret.text, a);
    return ret;
}

size_t kt_word_edits(kt_str a, kt_str b)
{
    KT_AUTO(kt_arena) own = KT_ARENA_INIT;
    words x = cut(a, &own), y = cut(b, &own);
    size_t *row = kt_arena_alloc(&own, (y.n + 1) * sizeof(*row));
    for (size_t j = 0; j <= y.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= x.n; i++) {
        size_t before = row[0];
        row[0] = i;
        for (size_t j = 1; j <= y.n; j++) {
            size_t stay = before + !kt_str_eq(x.v[i - 1], y.v[j - 1]);
            before = row[j];
            row[j] = KT_MIN(stay, KT_MIN(row[j], row[j - 1]) + 1);
        }
    }
    return row[y.n];
}

kt_text_merge kt_text_medoid(const kt_str *text, size_t n, kt_arena *a)
{
    kt_text_merge ret = { .text = { "", 0 }, .source_share = kt_arena_array(a, n, sizeof(double)) };
    size_t best = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++) {
            double share = share_in(text[i], text[j], a);
            ret.source_share[i] += share / (double)(n - 1);
            ret.source_share[j] += share / (double)(n - 1);
        }
    if (n == 1)
        ret.source_share[0] = 1;
    for (size_t i = 1; i < n; i++)
        if (ret.source_share[i] > ret.source_share[best] * (1 + 1e-12))
            best = i;
    if (n) {
        ret.text = text[best];
        ret.agreement = ret.source_share[best];
    }
    return ret;
}
