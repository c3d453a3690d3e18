#include "base/str.h"
#include "cli/agree/agree_cli.h"

#include <ctype.h>
#include <math.h>

static void put_interval(kt_buf *b, const double ci95[2])
{
    if (isnan(ci95[0])) {
        kt_buf_puts(b, "null");
        return;
    }
    kt_buf_char(b, '[');
    kt_buf_f64(b, ci95[0]);
    kt_buf_char(b, ',');
    kt_buf_f64(b, ci95[1]);
    kt_buf_char(b, ']');
}

/* A number of a CSV row; undefined is an empty field. */
static void put_field(kt_buf *b, double x)
{
    kt_buf_char(b, ',');
    if (!isnan(x))
        kt_buf_f64(b, x);
}

static void put_fields(kt_buf *b, const kt_agree_result *r)
{
    put_field(b, r->value);
    put_field(b, r->ci95[0]);
    put_field(b, r->ci95[1]);
}

static void put_json(kt_buf *b, const char *name, double x)
{
    kt_buf_printf(b, ",\"%s\":", name);
    kt_buf_f64(b, x);
}

/* The formula with every name of a term replaced by its number; false when it names none of the terms. */
static bool put_numbers(kt_buf *b, const kt_agreement *m, const kt_agree_result *r)
{
    bool any = false;
    for (const char *p = m->formula; *p;) {
        size_t n = 0;
        while (isalnum((unsigned char)p[n]) || p[n] == '_')
            n++;
        const struct kt_agree_term *hit = NULL;
        for (uint32_t t = 0; t < r->n_terms; t++)
            if (n && kt_str_eq((kt_str){ p, n }, kt_str_of(r->term[t].name)))
                hit = &r->term[t];
        if (hit)
            kt_buf_printf(b, "%.6g", hit->value);
        else
            kt_buf_add(b, p, n ? n : 1);
        any |= hit != NULL;
        p += n ? n : 1;
    }
    return any;
}

static void explain(kt_buf *b, const kt_agreement *m, const kt_agree_result *r)
{
    kt_buf_printf(b, "    %s = %s\n    = ", m->name, m->formula);
    if (!put_numbers(b, m, r))
        kt_buf_puts(b, ", mean over pairs of annotators");
    kt_buf_printf(b, isnan(r->value) ? ", which is undefined\n" : " = %.6f\n", r->value);
    for (uint32_t t = 0; t < r->n_terms; t++)
        kt_buf_printf(b, "      %-5s %12.6g  %s\n", r->term[t].name, r->term[t].value, r->term[t].help);
}

static void print_text(const kt_agree_job *g, kt_buf *b, const kt_agreement *m, const kt_agree_result *r)
{
    kt_buf_printf(b, "%-20s ", m->name);
    if (isnan(r->value))
        kt_buf_puts(b, "undefined\n");
    else if (isnan(r->ci95[0]))
        kt_buf_printf(b, "%8.4f\n", r->value);
    else
        kt_buf_printf(b, "%8.4f   95 %% interval %.4f to %.4f\n", r->value, r->ci95[0], r->ci95[1]);
    if (g->explain)
        explain(b, m, r);
}

static void print_json(const kt_agree_job *g, kt_buf *b, const kt_agreement *m, const kt_agree_result *r, bool first)
{
    kt_buf_puts(b, g->method ? "" : first ? "{" : ",{");
    kt_buf_printf(b, "\"method\":\"%s\",\"value\":", m->name);
    kt_buf_f64(b, r->value);
    kt_buf_puts(b, ",\"ci95\":");
    put_interval(b, r->ci95);
    if (g->explain) {
        kt_buf_puts(b, ",\"formula\":");
        kt_buf_json(b, kt_str_of(m->formula));
        kt_buf_puts(b, ",\"terms\":{");
        for (uint32_t t = 0; t < r->n_terms; t++) {
            kt_buf_printf(b, "%s\"%s\":", t ? "," : "", r->term[t].name);
            kt_buf_f64(b, r->term[t].value);
        }
        kt_buf_char(b, '}');
    }
    kt_buf_puts(b, g->method ? "" : "}");
}

void kt_agree_print_begin(const kt_agree_job *g, kt_buf *b)
{
    const kt_votes *v = &g->file.votes;
    if (g->look == KT_LOOK_JSON)
        kt_buf_puts(b, g->method ? "{" : "{\"metrics\":[");
    else if (g->look == KT_LOOK_CSV)
        kt_buf_puts(b, "method,value,low,high\n");
    else
        kt_buf_printf(b, "%u items, %u annotators, %zu votes, %u labels\n", v->n_items, v->n_sources, v->n, v->n_labels);
}

void kt_agree_print(const kt_agree_job *g, kt_buf *b, const kt_agreement *m, const kt_agree_result *r, bool first)
{
    if (g->look == KT_LOOK_JSON) {
        print_json(g, b, m, r, first);
    } else if (g->look == KT_LOOK_CSV) {
        kt_buf_puts(b, m->name);
        put_fields(b, r);
        kt_buf_char(b, '\n');
    } else {
        print_text(g, b, m, r);
    }
}

void kt_agree_print_end(const kt_agree_job *g, kt_buf *b)
{
    if (g->look == KT_LOOK_JSON)
        kt_buf_printf(b, "%s,\"n_items\":%u,\"n_annotators\":%u}\n", g->method ? "" : "]", g->file.votes.n_items, g->file.votes.n_sources);
}

/* {"method":"…","pairs":[ … or the CSV header. */
static void begin_rows(const kt_agree_job *g, kt_buf *b, const char *what, const char *header)
{
    if (g->look == KT_LOOK_JSON)
        kt_buf_printf(b, "{\"method\":\"%s\",\"%s\":[", g->method->name, what);
    else
        kt_buf_printf(b, "%s\n", header);
}

static void end_row(const kt_agree_job *g, kt_buf *b, const kt_agree_result *r)
{
    if (g->look == KT_LOOK_JSON && r) {
        put_json(b, "value", r->value);
        kt_buf_puts(b, ",\"ci95\":");
        put_interval(b, r->ci95);
    } else if (r) {
        put_fields(b, r);
    }
    kt_buf_puts(b, g->look == KT_LOOK_JSON ? "}" : "\n");
}

static void end_rows(const kt_agree_job *g, kt_buf *b)
{
    if (g->look == KT_LOOK_JSON)
        kt_buf_puts(b, "]}\n");
}

void kt_agree_print_pairs(const kt_agree_job *g, kt_buf *b, const kt_agreement_pair *p, size_t n)
{
    begin_rows(g, b, "pairs", "a,b,items,percent,value,low,high");
    for (size_t i = 0; i < n; i++) {
        kt_str one = g->file.source[p[i].a], two = g->file.source[p[i].b];
        if (g->look == KT_LOOK_JSON) {
            kt_buf_puts(b, i ? ",\n{\"a\":" : "\n{\"a\":");
            kt_buf_json(b, one);
            kt_buf_puts(b, ",\"b\":");
            kt_buf_json(b, two);
            kt_buf_printf(b, ",\"items\":%zu", p[i].items);
            put_json(b, "percent", p[i].percent);
        } else {
            kt_buf_csv(b, one, ',');
            kt_buf_char(b, ',');
            kt_buf_csv(b, two, ',');
            kt_buf_printf(b, ",%zu", p[i].items);
            put_field(b, p[i].percent);
        }
        end_row(g, b, &p[i].result);
    }
    end_rows(g, b);
}

void kt_agree_print_classes(const kt_agree_job *g, kt_buf *b, const kt_agreement_class *c)
{
    begin_rows(g, b, "classes", "label,votes,specific,value,low,high");
    for (uint32_t i = 0; i < g->file.votes.n_labels; i++) {
        if (g->look == KT_LOOK_JSON) {
            kt_buf_puts(b, i ? ",\n{\"label\":" : "\n{\"label\":");
            kt_buf_json(b, g->file.label[i]);
            kt_buf_printf(b, ",\"votes\":%llu", (unsigned long long)c[i].votes);
            put_json(b, "specific", c[i].specific);
        } else {
            kt_buf_csv(b, g->file.label[i], ',');
            kt_buf_printf(b, ",%llu", (unsigned long long)c[i].votes);
            put_field(b, c[i].specific);
        }
        end_row(g, b, &c[i].result);
    }
    end_rows(g, b);
}

void kt_agree_print_items(const kt_agree_job *g, kt_buf *b, const kt_agreement_item *item, double chance)
{
    begin_rows(g, b, "items", "item,votes,percent,corrected,spread");
    for (uint32_t i = 0; i < g->file.votes.n_items; i++) {
        double corrected = 1 - (1 - item[i].percent) / (1 - chance);
        if (g->look == KT_LOOK_JSON) {
            kt_buf_puts(b, i ? ",\n{\"item\":" : "\n{\"item\":");
            kt_buf_json(b, g->file.item[i]);
            kt_buf_printf(b, ",\"votes\":%u", item[i].votes);
            put_json(b, "percent", item[i].percent);
            put_json(b, "corrected", corrected);
            put_json(b, "spread", item[i].spread);
        } else {
            kt_buf_csv(b, g->file.item[i], ',');
            kt_buf_printf(b, ",%u", item[i].votes);
            put_field(b, item[i].percent);
            put_field(b, corrected);
            put_field(b, item[i].spread);
        }
        end_row(g, b, NULL);
    }
    end_rows(g, b);
}
