#include "case.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct { const char *p, *end; } in;

static void value(in *s, json *j);

static void blanks(in *s)
{
    while (s->p < s->end && isspace((unsigned char)*s->p))
        s->p++;
}

static int take(in *s, char c)
{
    blanks(s);
    return s->p < s->end && *s->p == c ? (s->p++, 1) : 0;
}

static char *string(in *s)
{
    char *out = malloc((size_t)(s->end - s->p) + 1);
    size_t n = 0;
    for (s->p++; s->p < s->end && *s->p != '"'; s->p++) /* the cases hold ASCII; \n, \" and \\ are all that is escaped */
        out[n++] = *s->p == '\\' ? (s->p++, *s->p == 'n' ? '\n' : *s->p) : *s->p;
    s->p++;
    out[n] = 0;
    return realloc(out, n + 1);
}

static void add(json *j, size_t *cap, char *key)
{
    if (j->n == *cap) {
        *cap = *cap ? 2 * *cap : 8;
        j->child = realloc(j->child, *cap * sizeof(json));
        if (j->kind == J_OBJECT)
            j->key = realloc(j->key, *cap * sizeof(char *));
    }
    if (j->kind == J_OBJECT)
        j->key[j->n] = key;
    memset(&j->child[j->n], 0, sizeof(json));
    j->n++;
}

static void value(in *s, json *j)
{
    size_t cap = 0;
    blanks(s);
    if (s->p >= s->end)
        return;
    if (*s->p == '{' || *s->p == '[') {
        char close = *s->p == '{' ? '}' : ']';
        j->kind = *s->p++ == '{' ? J_OBJECT : J_ARRAY;
        while (!take(s, close) && s->p < s->end) {
            char *key = NULL;
            blanks(s);
            if (j->kind == J_OBJECT) {
                key = string(s);
                take(s, ':');
            }
            add(j, &cap, key);
            value(s, &j->child[j->n - 1]);
            take(s, ',');
        }
    } else if (*s->p == '"') {
        j->kind = J_STRING;
        j->text = string(s);
    } else if (isalpha((unsigned char)*s->p)) {
        j->kind = *s->p == 't' ? J_TRUE : *s->p == 'f' ? J_FALSE : J_NULL;
        while (s->p < s->end && isalpha((unsigned char)*s->p))
            s->p++;
    } else {
        char *end;
        j->kind = J_NUMBER;
        j->number = strtod(s->p, &end);
        s->p = end > s->p ? end : s->p + 1;
    }
}

json *json_read(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    fseek(f, 0, SEEK_END);
    size_t n = (size_t)ftell(f);
    rewind(f);
    char *text = malloc(n + 1);
    size_t got = fread(text, 1, n, f);
    fclose(f);
    text[got] = 0;
    json *j = calloc(1, sizeof(*j));
    value(&(in){ text, text + got }, j);
    free(text);
    return j;
}

static void empty(json *j)
{
    for (size_t i = 0; i < j->n; i++) {
        empty(&j->child[i]);
        if (j->key)
            free(j->key[i]);
    }
    free(j->child);
    free(j->key);
    free(j->text);
}

void json_free(json *j)
{
    if (j)
        empty(j);
    free(j);
}

const json *json_get(const json *j, const char *key)
{
    for (size_t i = 0; j && j->kind == J_OBJECT && i < j->n; i++)
        if (strcmp(j->key[i], key) == 0)
            return &j->child[i];
    return NULL;
}

const json *json_at(const json *j, const char *a, const char *b)
{
    return json_get(json_get(j, a), b);
}

static void gather(const json *j, double **v, size_t *n, size_t *cap)
{
    if (j->kind == J_ARRAY) {
        for (size_t i = 0; i < j->n; i++)
            gather(&j->child[i], v, n, cap);
        return;
    }
    if (*n == *cap) {
        *cap = *cap ? 2 * *cap : 64;
        *v = realloc(*v, *cap * sizeof(double));
    }
    (*v)[(*n)++] = j->kind == J_NUMBER ? j->number : NAN;
}

double *json_numbers(const json *j, size_t *ret_n)
{
    double *v = malloc(sizeof(double));
    size_t cap = 1;
    *ret_n = 0;
    if (j)
        gather(j, &v, ret_n, &cap);
    return v;
}
