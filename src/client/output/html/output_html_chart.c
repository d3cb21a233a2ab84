/* SPDX-License-Identifier: MIT */
#include "output_html_chart.h"

#include <math.h>
#include <string.h>

#include "output_html_parts.h"

enum {
    WIDTH = 640,
    HEIGHT = 310,
    LEFT = 70,
    RIGHT = 26,
    TOP = 30, /* has the key */
    BOTTOM = 44,
    TICKS_MAX = 16,
    TICKS_MIN = 3,    /* below it a logarithmic axis has even ticks */
    LETTER_WIDTH = 7, /* about */
    DASH_WIDTH = 24,  /* of a line in the key */
};

void output_html_label_time(FILE *out, double ns)
{
    static const struct {
        double ns;
        const char *unit;
    } units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}, {1, "ns"}};
    size_t i = 0;
    if (ns <= 0) {
        fputs("0", out);
        return;
    }
    while (i < 3 && ns < units[i].ns * 0.9999)
        i++;
    fprintf(out, "%.6g %s", ns / units[i].ns, units[i].unit);
}

void output_html_label_number(FILE *out, double value)
{
    const char *unit = value >= 1e9 ? " G" : value >= 1e6 ? " M" : value >= 1e3 ? " k" : "";
    double by = value >= 1e9 ? 1e9 : value >= 1e6 ? 1e6 : value >= 1e3 ? 1e3 : 1;
    fprintf(out, "%.4g%s", value / by, unit);
}

void output_html_label_seconds(FILE *out, double seconds)
{
    fprintf(out, "%.6g s", seconds);
}

/* 0 to 1 along an axis. */
static double along(const struct html_axis *axis, double value)
{
    double low = axis->low, high = axis->high;
    if (axis->logarithmic) {
        low = log10(low);
        high = log10(high);
        value = log10(value > 0 ? value : axis->low);
    }
    double share = high > low ? (value - low) / (high - low) : 0;
    return share < 0 ? 0 : share > 1 ? 1 : share;
}

static double place_x(const struct html_chart *chart, double x)
{
    return (double)LEFT + along(&chart->x, x) * (WIDTH - LEFT - RIGHT);
}

static double place_y(const struct html_chart *chart, double y)
{
    return HEIGHT - BOTTOM - along(&chart->y, y) * (HEIGHT - TOP - BOTTOM);
}

/* Steps of 1, 2 or 5 times a power of ten, about five of them. */
static size_t even_ticks(const struct html_axis *axis, double ret[TICKS_MAX])
{
    double rough = (axis->high - axis->low) / 5;
    double power = pow(10, floor(log10(rough)));
    double step = rough / power <= 1 ? power : rough / power <= 2 ? 2 * power : 5 * power;
    size_t count = 0;
    if (rough / power > 5)
        step = 10 * power;
    double first = ceil(axis->low / step) * step;
    while (count < TICKS_MAX && first + step * (double)count <= axis->high * 1.0001) {
        ret[count] = first + step * (double)count;
        count++;
    }
    return count;
}

/* Powers of ten, and 2 and 5 times those if there are few. */
static size_t log_ticks(const struct html_axis *axis, double ret[TICKS_MAX])
{
    static const double factors[] = {1, 2, 5};
    double decades = log10(axis->high / axis->low);
    size_t factor_count = decades < 3 ? 3 : 1, count = 0;
    for (int power = (int)floor(log10(axis->low)); power <= (int)log10(axis->high); power++)
        for (size_t i = 0; i < factor_count; i++) {
            double tick = pow(10, power) * factors[i];
            if (tick >= axis->low * 0.9999 && tick <= axis->high * 1.0001 && count < TICKS_MAX)
                ret[count++] = tick;
        }
    return count;
}

static size_t ticks_of(const struct html_axis *axis, double ret[TICKS_MAX])
{
    size_t count = 0;
    if (!axis->ticks && axis->logarithmic)
        count = log_ticks(axis, ret);
    if (!axis->ticks)
        return count >= TICKS_MIN ? count : even_ticks(axis, ret);
    count = 0;
    for (; count < axis->tick_count && count < TICKS_MAX; count++)
        ret[count] = axis->ticks[count];
    return count;
}

static void draw_x_axis(FILE *out, const struct html_chart *chart)
{
    double ticks[TICKS_MAX];
    size_t count = ticks_of(&chart->x, ticks);
    for (size_t i = 0; i < count; i++) {
        double x = place_x(chart, ticks[i]);
        fprintf(out,
                "<path class=\"grid\" d=\"M%.1f %dV%d\"/>"
                "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">",
                x, TOP, HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 16);
        chart->x.label(out, ticks[i]);
        fputs("</text>\n", out);
    }
    fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">", (WIDTH + LEFT - RIGHT) / 2,
            HEIGHT - 8);
    output_html_text(out, chart->x.name);
    fputs("</text>\n", out);
}

static void draw_y_axis(FILE *out, const struct html_chart *chart)
{
    double ticks[TICKS_MAX];
    size_t count = ticks_of(&chart->y, ticks);
    for (size_t i = 0; i < count; i++) {
        double y = place_y(chart, ticks[i]);
        fprintf(out,
                "<path class=\"grid\" d=\"M%d %.1fH%d\"/>"
                "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">",
                LEFT, y, WIDTH - RIGHT, LEFT - 8, y + 4);
        chart->y.label(out, ticks[i]);
        fputs("</text>\n", out);
    }
}

/* A gap: no value, since a logarithm has no 0. */
static bool is_gap(const struct html_chart *chart, const struct html_series *series, size_t i)
{
    return chart->y.logarithmic && series->points[i][1] <= 0;
}

/* Neither neighbour has a value, so that no line leads to it. */
static bool is_alone(const struct html_chart *chart, const struct html_series *series, size_t i)
{
    return !is_gap(chart, series, i) && (i == 0 || is_gap(chart, series, i - 1)) &&
           (i + 1 == series->count || is_gap(chart, series, i + 1));
}

static void draw_dots(FILE *out, const struct html_chart *chart, const struct html_series *series)
{
    fprintf(out, "<path class=\"bars %s\" d=\"", series->css_class);
    for (size_t i = 0; i < series->count; i++)
        if (is_alone(chart, series, i))
            fprintf(out, "M%.1f %.1fh0", place_x(chart, series->points[i][0]),
                    place_y(chart, series->points[i][1]));
    fputs("\"/>\n", out);
}

static void draw_curve(FILE *out, const struct html_chart *chart, const struct html_series *series)
{
    bool dots = false;
    fprintf(out, "<path class=\"curve %s\" d=\"", series->css_class);
    for (size_t i = 0; i < series->count; i++) {
        bool alone = is_alone(chart, series, i);
        dots |= alone;
        if (alone || is_gap(chart, series, i))
            continue;
        bool begins = i == 0 || is_gap(chart, series, i - 1);
        fprintf(out, "%c%.1f %.1f", begins ? 'M' : 'L', place_x(chart, series->points[i][0]),
                place_y(chart, series->points[i][1]));
    }
    fputs("\"/>\n", out);
    if (dots)
        draw_dots(out, chart, series);
}

static void draw_area(FILE *out, const struct html_chart *chart, const struct html_series *series)
{
    double floor_y = place_y(chart, chart->y.low);
    fprintf(out, "<path class=\"area %s\" d=\"M%.1f %.1f", series->css_class,
            place_x(chart, series->points[0][0]), floor_y);
    for (size_t i = 0; i < series->count; i++)
        fprintf(out, "V%.1fH%.1f", place_y(chart, series->points[i][1]),
                place_x(chart, i + 1 < series->count ? series->points[i + 1][0] : chart->x.high));
    fprintf(out, "V%.1fZ\"/>\n", floor_y);
}

static void draw_bars(FILE *out, const struct html_chart *chart, const struct html_series *series)
{
    fprintf(out, "<path class=\"bars %s\" d=\"", series->css_class);
    for (size_t i = 0; i + 1 < series->count; i += 2)
        fprintf(out, "M%.1f %.1fV%.1f", place_x(chart, series->points[i][0]),
                place_y(chart, series->points[i][1]), place_y(chart, series->points[i + 1][1]));
    fputs("\"/>\n", out);
}

static void draw_points(FILE *out, const struct html_chart *chart, const struct html_series *series)
{
    fprintf(out, "<path class=\"bars dot %s\" d=\"", series->css_class);
    for (size_t i = 0; i < series->count; i++)
        fprintf(out, "M%.1f %.1fh0", place_x(chart, series->points[i][0]),
                place_y(chart, series->points[i][1]));
    fputs("\"/>\n", out);
}

static void draw_rules(FILE *out, const struct html_chart *chart, const struct html_series *series)
{
    fprintf(out, "<path class=\"curve %s\" d=\"", series->css_class);
    for (size_t i = 0; i < series->count; i++)
        fprintf(out, "M%.1f %dV%d", place_x(chart, series->points[i][0]), TOP, HEIGHT - BOTTOM);
    fputs("\"/>\n", out);
}

/* The key above the chart, from right to left. */
static void draw_key(FILE *out, const struct html_series *series, size_t count)
{
    size_t right = WIDTH - RIGHT;
    for (size_t i = count; i-- > 0 && count > 1;) {
        fprintf(out, "<text x=\"%zu\" y=\"16\" text-anchor=\"end\">", right);
        output_html_text(out, series[i].name);
        size_t left = right - strlen(series[i].name) * LETTER_WIDTH - DASH_WIDTH - 10;
        if (series[i].look == HTML_DOTS)
            fprintf(out, "</text><path class=\"bars dot %s\" d=\"M%zu 12h0\"/>\n",
                    series[i].css_class, left + DASH_WIDTH / 2);
        else
            fprintf(out, "</text><path class=\"curve %s\" d=\"M%zu 12h%d\"/>\n",
                    series[i].css_class, left, DASH_WIDTH);
        right = left - 14;
    }
}

void output_html_chart(FILE *out, const struct html_chart *chart, const struct html_series *series,
                       size_t count)
{
    static void (*const draw[])(FILE *, const struct html_chart *,
                                const struct html_series *) = {[HTML_LINE] = draw_curve,
                                                               [HTML_AREA] = draw_area,
                                                               [HTML_BARS] = draw_bars,
                                                               [HTML_DOTS] = draw_points,
                                                               [HTML_RULES] = draw_rules};
    fputs("<section><h2>", out);
    output_html_text(out, chart->title);
    fprintf(out,
            "</h2>\n<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"%s-title %s-text\">"
            "<title id=\"%s-title\">",
            WIDTH, HEIGHT, chart->id, chart->id, chart->id);
    output_html_text(out, chart->title);
    fprintf(out, "</title><desc id=\"%s-text\">", chart->id);
    output_html_text(out, chart->description);
    fputs("</desc>\n", out);
    draw_x_axis(out, chart);
    draw_y_axis(out, chart);
    for (size_t i = 0; i < count; i++)
        if (series[i].count)
            draw[series[i].look](out, chart, &series[i]);
    draw_key(out, series, count);
    fputs("</svg></section>\n", out);
}
