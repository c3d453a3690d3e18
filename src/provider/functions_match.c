/* Words, phrases and regexes of one slot as one Vectorscan database, read in one pass.

   A word of ASCII without white space is a plain literal whose ends are looked at here: compiled and found faster than \bword\b, so
   that dictionaries of thousands cost little. What Vectorscan does not take (back references, look-around) goes to PCRE2 with a step
   limit; where Vectorscan can prefilter it, PCRE2 only looks at texts that may match. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "provider/functions_int.h"

#include "base/buf.h"
#include "base/str.h"

#include <hs.h>
#include <pcre2.h>

#define STEP_LIMIT 200000     /* of PCRE2's matcher on one text: some milliseconds */
#define HEAP_LIMIT_KB 20000

struct compiled {
    uint32_t rule;
    uint8_t clause;
    bool front, back;  /* a letter or digit must not go on here */
    uint32_t n;        /* bytes of a literal; 0: a regex */
    pcre2_code *pcre;  /* decides; NULL: Vectorscan did */
    bool prefiltered;
    pcre2_code *find;  /* says where a match is, when that is asked; a literal's place is known */
};

struct kt_matcher {
    struct compiled *pattern;
    size_t n, n_pcre;
    hs_database_t *hs;
};

struct kt_match_scratch {
    hs_scratch_t *hs;
    uint32_t *seen;    /* per pattern: the pass it last matched in */
    uint32_t pass;
    size_t most;       /* patterns of the largest matcher */
    pcre2_match_data *data;
    pcre2_match_context *limits;
};

static bool is_word(unsigned char c)
{
    return c == '_' || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

static bool plain(kt_str w)
{
    for (size_t i = 0; i < w.n; i++)
        if ((unsigned char)w.p[i] <= ' ' || (unsigned char)w.p[i] >= 0x80)
            return false;
    return true;
}

/* A word or phrase as a regex; spaces match any white space. Without ends when they are looked at after the match. */
static char *keyword_regex(kt_arena *a, kt_str w, bool ends)
{
    KT_AUTO(kt_buf) b = KT_BUF_INIT((size_t)1 << 20);
    if (ends && is_word((unsigned char)w.p[0]))
        kt_buf_puts(&b, "\\b");
    for (size_t i = 0; i < w.n; i++) {
        unsigned char c = (unsigned char)w.p[i];
        if (c <= ' ') {
            while (i + 1 < w.n && (unsigned char)w.p[i + 1] <= ' ')
                i++;
            kt_buf_puts(&b, "\\s+");
        } else if (c >= 0x80 || is_word(c)) {
            kt_buf_char(&b, (char)c);
        } else {
            kt_buf_printf(&b, "\\x%02x", c);
        }
    }
    if (ends && is_word((unsigned char)w.p[w.n - 1]))
        kt_buf_puts(&b, "\\b");
    return kt_arena_cstr(a, KT_BUF_STR(&b));
}

#define REGEX_FLAGS (HS_FLAG_SINGLEMATCH | HS_FLAG_DOTALL | HS_FLAG_UTF8 | HS_FLAG_ALLOWEMPTY)

static bool vectorscan_takes(const char *expr, unsigned flags)
{
    hs_database_t *db = NULL;
    hs_compile_error_t *bad = NULL;
    bool ok = hs_compile(expr, flags, HS_MODE_BLOCK, NULL, &db, &bad) == HS_SUCCESS;
    hs_free_compile_error(bad);
    hs_free_database(db);
    return ok;
}

static kt_rc pcre_compile(const kt_pattern *p, kt_str text, uint32_t more, const char *file, pcre2_code **ret, kt_err *err)
{
    int code;
    PCRE2_SIZE at;
    *ret = pcre2_compile((PCRE2_SPTR)text.p, text.n, more | PCRE2_UTF | PCRE2_DOTALL | PCRE2_NEVER_BACKSLASH_C | PCRE2_MATCH_INVALID_UTF, &code, &at, NULL);
    if (*ret) {
        kt_ignore(pcre2_jit_compile(*ret, PCRE2_JIT_COMPLETE), "without a compiler PCRE2 interprets");
        return 0;
    }
    PCRE2_UCHAR said[120];
    pcre2_get_error_message(code, said, sizeof(said));
    kt_fail(err, KT_RANGE, "regex %.*s: %s (at byte %zu)", (int)KT_MIN(p->text.n, 80), p->text.p, (const char *)said, (size_t)at);
    kt_hint(err, "write a backslash twice in double quotes, once in single ones");
    return kt_at(err, file, p->line, "functions"), KT_RANGE;
}

kt_rc kt_regex_check(const kt_pattern *p, const char *file, kt_err *err)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    pcre2_code *code = NULL;
    if (memchr(p->text.p, 0, p->text.n) == NULL && vectorscan_takes(kt_arena_cstr(&a, p->text), REGEX_FLAGS))
        return 0;
    kt_rc rc = pcre_compile(p, p->text, 0, file, &code, err);
    pcre2_code_free(code);
    return rc;
}

struct building {
    kt_arena arena;
    const char **expr;
    unsigned *flags, *ids;
    unsigned n; /* for Vectorscan */
};

static kt_rc add_one(struct building *b, const kt_pattern *p, unsigned id, const char *file, struct compiled *ret, size_t *n_pcre, kt_err *err)
{
    *ret = (struct compiled){ .rule = p->rule, .clause = (uint8_t)p->clause };
    unsigned flags = REGEX_FLAGS;
    if (p->clause != KT_CLAUSE_REGEX) {
        bool literal = plain(p->text);
        if (literal) {
            ret->n = (uint32_t)p->text.n;
            ret->front = is_word((unsigned char)p->text.p[0]);
            ret->back = is_word((unsigned char)p->text.p[p->text.n - 1]);
        }
        b->expr[b->n] = keyword_regex(&b->arena, p->text, !literal);
        flags = literal ? HS_FLAG_CASELESS : REGEX_FLAGS | HS_FLAG_CASELESS;
    } else {
        b->expr[b->n] = kt_arena_cstr(&b->arena, p->text);
        if (memchr(p->text.p, 0, p->text.n) || !vectorscan_takes(b->expr[b->n], flags)) {
            KT_TRY(pcre_compile(p, p->text, 0, file, &ret->pcre, err));
            ++*n_pcre;
            flags |= HS_FLAG_PREFILTER;
            ret->prefiltered = !memchr(p->text.p, 0, p->text.n) && vectorscan_takes(b->expr[b->n], flags);
            if (!ret->prefiltered)
                return 0;
        }
    }
    b->flags[b->n] = flags;
    b->ids[b->n++] = id;
    return 0;
}

/* A second engine for where: Vectorscan only knows where a match ends. */
static kt_rc add_find(const kt_pattern *p, const char *file, struct compiled *c, kt_err *err)
{
    KT_AUTO(kt_arena) a = KT_ARENA_INIT;
    if (c->n || p->clause == KT_CLAUSE_NONE)
        return 0;
    if (p->clause == KT_CLAUSE_REGEX)
        return pcre_compile(p, p->text, 0, file, &c->find, err);
    return pcre_compile(p, kt_str_of(keyword_regex(&a, p->text, true)), PCRE2_CASELESS, file, &c->find, err);
}

static kt_rc build(kt_matcher *m, const kt_patterns *p, const char *file, bool regions, kt_err *err)
{
    struct building b = { .expr = kt_alloc_array(p->n, sizeof(*b.expr)), .flags = kt_alloc_array(p->n, sizeof(*b.flags)),
                          .ids = kt_alloc_array(p->n, sizeof(*b.ids)) };
    kt_rc rc = 0;
    for (; m->n < p->n && rc == 0; m->n++) {
        rc = add_one(&b, &p->v[m->n], (unsigned)m->n, file, &m->pattern[m->n], &m->n_pcre, err);
        if (rc == 0 && regions)
            rc = add_find(&p->v[m->n], file, &m->pattern[m->n], err);
    }
    hs_compile_error_t *bad = NULL;
    if (rc == 0 && b.n && hs_compile_multi(b.expr, b.flags, b.ids, b.n, HS_MODE_BLOCK, NULL, &m->hs, &bad) != HS_SUCCESS) {
        const kt_pattern *at = &p->v[bad->expression >= 0 ? b.ids[bad->expression] : 0];
        rc = kt_fail(err, KT_RANGE, "%.*s: %.120s", (int)KT_MIN(at->text.n, 80), at->text.p, bad->message);
        kt_at(err, file, at->line, "functions");
        hs_free_compile_error(bad);
    }
    kt_free(b.expr);
    kt_free(b.flags);
    kt_free(b.ids);
    kt_arena_done(&b.arena);
    return rc;
}

kt_rc kt_matcher_new(const kt_patterns *p, const char *file, bool regions, kt_matcher **ret, kt_err *err)
{
    kt_matcher *m = kt_zalloc(sizeof(*m));
    m->pattern = kt_zalloc_array(p->n, sizeof(*m->pattern));
    kt_rc rc = build(m, p, file, regions, err);
    if (rc < 0) {
        kt_matcher_free(m);
        return rc;
    }
    *ret = m;
    return 0;
}

kt_matcher *kt_matcher_free(kt_matcher *m)
{
    if (!m)
        return NULL;
    hs_free_database(m->hs);
    for (size_t i = 0; i < m->n; i++)
        pcre2_code_free(m->pattern[i].pcre), pcre2_code_free(m->pattern[i].find);
    kt_free(m->pattern);
    return kt_free(m);
}

kt_rc kt_match_scratch_new(kt_matcher *const *m, size_t n, kt_match_scratch **ret, kt_err *err)
{
    kt_match_scratch *s = kt_zalloc(sizeof(*s));
    size_t most = 1;
    kt_rc rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (!m[i])
            continue;
        most = KT_MAX(most, m[i]->n);
        if (m[i]->hs && hs_alloc_scratch(m[i]->hs, &s->hs) != HS_SUCCESS)
            rc = kt_fail(err, KT_NOMEM, "no memory for pattern matching");
    }
    s->most = most;
    s->seen = kt_zalloc_array(most, sizeof(*s->seen));
    s->data = pcre2_match_data_create(2, NULL);
    s->limits = pcre2_match_context_create(NULL);
    KT_ASSERT(s->data && s->limits);
    pcre2_set_match_limit(s->limits, STEP_LIMIT);
    pcre2_set_heap_limit(s->limits, HEAP_LIMIT_KB);
    if (rc < 0)
        return kt_match_scratch_free(s), rc;
    *ret = s;
    return 0;
}

kt_match_scratch *kt_match_scratch_free(kt_match_scratch *s)
{
    if (!s)
        return NULL;
    hs_free_scratch(s->hs);
    pcre2_match_data_free(s->data);
    pcre2_match_context_free(s->limits);
    kt_free(s->seen);
    return kt_free(s);
}

struct scan {
    const kt_matcher *m;
    kt_match_scratch *s;
    kt_str text;
    const atomic_bool *off;
    kt_hit *hit;
    kt_regions *regions;
};

static void add_region(const struct scan *sc, uint32_t rule, size_t start, size_t end)
{
    if (sc->regions->n >= KT_MAX_REGIONS)
        sc->hit[rule].flood = true;
    else if (start < end)
        KT_PUSH(sc->regions, ((kt_region){ rule, (uint32_t)start, (uint32_t)end }));
}

/* Every match of one pattern, one after the other; an empty one is stepped over. */
static void find_all(const struct scan *sc, const struct compiled *p)
{
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(sc->s->data);
    size_t from = 0;
    while (p->find && from <= sc->text.n && !sc->hit[p->rule].flood) {
        int rc = pcre2_match(p->find, (PCRE2_SPTR)(sc->text.p ? sc->text.p : ""), sc->text.n, from, 0, sc->s->data, sc->s->limits);
        if (rc < 0) {
            sc->hit[p->rule].gave_up |= rc != PCRE2_ERROR_NOMATCH;
            return;
        }
        bool group = (rc == 0 || rc > 1) && at[2] != PCRE2_UNSET;
        add_region(sc, p->rule, at[group ? 2 : 0], at[group ? 3 : 1]);
        from = at[1] > from ? at[1] : from + 1;
        while (from < sc->text.n && ((unsigned char)sc->text.p[from] & 0xc0) == 0x80)
            from++;
    }
}

static void mark(const struct scan *sc, unsigned id)
{
    kt_hit *h = &sc->hit[sc->m->pattern[id].rule];
    sc->s->seen[id] = sc->s->pass;
    if (sc->regions)
        find_all(sc, &sc->m->pattern[id]);
    switch (sc->m->pattern[id].clause) {
    case KT_CLAUSE_ANY: h->any = true; break;
    case KT_CLAUSE_ALL: h->all++; break;
    case KT_CLAUSE_NONE: h->none = true; break;
    case KT_CLAUSE_DICTIONARY: h->dictionary = true; break;
    case KT_CLAUSE_REGEX: h->regex = true; break;
    default: break;
    }
}

static void ask_pcre(const struct scan *sc, unsigned id)
{
    const struct compiled *p = &sc->m->pattern[id];
    if (atomic_load_explicit(&sc->off[p->rule], memory_order_relaxed))
        return;
    int rc = pcre2_match(p->pcre, (PCRE2_SPTR)(sc->text.p ? sc->text.p : ""), sc->text.n, 0, 0, sc->s->data, sc->s->limits);
    if (rc >= 0)
        mark(sc, id);
    else if (rc != PCRE2_ERROR_NOMATCH)
        sc->hit[p->rule].gave_up = true;
    sc->s->seen[id] = sc->s->pass; /* asked once, whatever it said */
}

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *ctx)
{
    (void)from, (void)flags;
    const struct scan *sc = ctx;
    const struct compiled *p = &sc->m->pattern[id];
    bool seen = sc->s->seen[id] == sc->s->pass, each = sc->regions && p->n && p->clause != KT_CLAUSE_NONE;
    if (seen && !each)
        return 0;
    if (p->pcre) {
        ask_pcre(sc, id);
        return 0;
    }
    if (p->n && ((p->front && to != p->n && is_word((unsigned char)sc->text.p[to - p->n - 1])) ||
                 (p->back && to != sc->text.n && is_word((unsigned char)sc->text.p[to]))))
        return 0;
    if (each)
        add_region(sc, p->rule, to - p->n, to);
    if (!seen)
        mark(sc, id);
    return 0;
}

void kt_match(const kt_matcher *m, kt_match_scratch *s, kt_str text, const atomic_bool *off, kt_hit *hit, kt_regions *ret_regions)
{
    struct scan sc = { m, s, text, off, hit, ret_regions };
    if (++s->pass == 0) { /* after 2^32 passes the marks of the first would count again */
        memset(s->seen, 0, s->most * sizeof(*s->seen));
        s->pass = 1;
    }
    if (m->hs)
        kt_ignore(hs_scan(m->hs, text.p ? text.p : "", (unsigned)KT_MIN(text.n, UINT32_MAX), 0, s->hs, on_match, &sc), "block mode fails only on misuse");
    for (size_t i = 0; m->n_pcre && i < m->n; i++)
        if (m->pattern[i].pcre && !m->pattern[i].prefiltered)
            ask_pcre(&sc, (unsigned)i);
}
