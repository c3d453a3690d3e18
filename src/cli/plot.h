/* Plots of the filters: --plot FILE.svg. Each writes one file that stands alone. NaN: nothing is drawn there. */
#ifndef KT_CLI_PLOT_H
#define KT_CLI_PLOT_H

#include "base/err.h"

/* A matrix as a heat map, values written into its cells while they are few. Colours run from low to high. percent: values are
   shares. More than 200 rows or columns: KT_LIMIT. */
typedef struct kt_plot_grid {
    const char *title, *row_title, *column_title;
    size_t n_rows, n_columns;
    const kt_str *row, *column;
    const double *value; /* n_rows × n_columns */
    double low, high;
    bool percent, whole;
} kt_plot_grid;
kt_rc kt_plot_matrix(const char *path, const kt_plot_grid *g, kt_err *err) KT_MUST_USE;

/* Values with their intervals (ci NULL, or NaN: none), one a line. line: a value to compare with, or NaN. KT_LIMIT above 500. */
typedef struct kt_plot_dots {
    const char *title, *axis;
    size_t n;
    const kt_str *name;
    const double *value;
    const double (*ci)[2];
    double line;
    const double *count; /* of what each value is made, written beside it; or NULL */
    size_t left_out;     /* rows left out in the middle, which is said there */
} kt_plot_dots;
kt_rc kt_plot_values(const char *path, const kt_plot_dots *d, kt_err *err) KT_MUST_USE;

/* How often values fall between from and to: n_bins bars, of each the part that is marked (suspects) in another colour; what lies outside
   counts in the end bars. marked and line (NaN) may be missing. */
typedef struct kt_plot_bars {
    const char *title, *axis, *marked_name;
    double from, to, line;
    size_t n;
    const double *value;
    const uint8_t *marked; /* n, or NULL */
} kt_plot_bars;
kt_rc kt_plot_histogram(const char *path, const kt_plot_bars *h, kt_err *err) KT_MUST_USE;

/* Reliability: of n bins of a probability its mean, how often it was right with a 95 % interval, and how many there were. */
typedef struct kt_plot_bins {
    size_t n;
    const double *mean, *right, (*ci)[2], *count;
    double ece;
} kt_plot_bins;
/* Several pictures side by side in one file; of each panel one is set. A matrix too large to be read is left out. */
typedef struct kt_plot_panel {
    const kt_plot_grid *grid;
    const kt_plot_dots *dots;
    const kt_plot_bars *bars;
    const kt_plot_bins *bins;
} kt_plot_panel;
kt_rc kt_plot_panels(const char *path, const kt_plot_panel *panel, size_t n, kt_err *err) KT_MUST_USE;

#endif
