/* SPDX-License-Identifier: MIT */
#include "output_html_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output_html_style.h"
#include "tlsecho/base/clock.h"
#include "tlsecho/base/text.h"
#include "tlsecho/client/output_html.h"
#include "tlsecho/client/output_units.h"
#include "tlsecho/client/session_peer.h"

void output_html_text(FILE *out, const char *text)
{
    static const char *const markup[128] = {
        ['<'] = "&lt;", ['>'] = "&gt;", ['&'] = "&amp;", ['"'] = "&quot;", ['\''] = "&#39;"};
    char piece[TEXT_PIECE_BYTES];
    for (size_t left = strlen(text), n; left > 0; text += n, left -= n) {
        n = text_escape(text, left, piece);
        unsigned char first = (unsigned char)piece[0];
        fputs(first < 128 && markup[first] ? markup[first] : piece, out);
    }
}

void output_html_begin(FILE *out, const char *name, const char *what)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
          out);
    output_html_text(out, name);
    fprintf(out, "%s</title>\n<style>\n%s</style>\n</head>\n<body>\n<main>\n", what,
            output_html_style);
}

void output_html_end(FILE *out)
{
    fputs("</main>\n</body>\n</html>\n", out);
}

/* Where the file has to be made. */
static int check_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) + 1 : 0;
    if (n >= sizeof folder) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(folder, path, n);
    memcpy(folder + n, "", 1);
    return faccessat(AT_FDCWD, n ? folder : ".", W_OK | X_OK, AT_EACCESS);
}

int output_html_check(const char *path, struct error *err)
{
    struct stat status;
    int result = stat(path, &status);
    if (result < 0 && errno == ENOENT)
        result = check_folder(path);
    else if (result == 0 && S_ISDIR(status.st_mode))
        result = (errno = EISDIR, -1);
    else if (result == 0)
        result = faccessat(AT_FDCWD, path, W_OK, AT_EACCESS);
    return result < 0 ? error_sys(err, "--report-html: write %s", path) : 0;
}

int output_html_write(const char *path, void (*write)(FILE *out, const void *context),
                      const void *context, struct error *err)
{
    FILE *out = fopen(path, "we");
    if (!out)
        return error_sys(err, "--report-html: write %s", path);
    write(out, context);
    int failed = ferror(out);
    if (fclose(out) != 0 || failed)
        return error_sys(err, "--report-html: write %s", path);
    return 0;
}

void output_html_interrupted(FILE *out, bool interrupted)
{
    if (interrupted)
        fputs("<p class=\"bad\">Interrupted: these are the results so far.</p>\n", out);
}

void output_html_card(FILE *out, const char *value, const char *name)
{
    fputs("<div class=\"card\"><b>", out);
    output_html_text(out, value);
    fputs("</b><span>", out);
    output_html_text(out, name);
    fputs("</span></div>\n", out);
}

void output_html_time_card(FILE *out, const struct histogram *h, double share, const char *name)
{
    char text[OUTPUT_UNIT_BYTES];
    uint64_t ns = histogram_quantile_ns(h, share);
    if (ns && (share == 1 || histogram_has_quantile(h, share)))
        output_html_card(out, output_time_text((double)ns, text), name);
}

void output_html_row(FILE *out, const char *name, const char *value)
{
    if (!*value)
        return;
    fputs("<tr><th scope=\"row\">", out);
    output_html_text(out, name);
    fputs("</th><td class=\"text\">", out);
    output_html_text(out, value);
    fputs("</td></tr>\n", out);
}

void output_html_failures(FILE *out, const uint64_t failures[RESULTS],
                          const struct outcome *outcome)
{
    const char *separator = "<p class=\"bad\">Failures: ";
    bool any = false;
    for (int i = 0; i < RESULTS; i++) {
        if (!failures[i])
            continue;
        fprintf(out, "%s%s %" PRIu64, separator, result_word((enum result)i), failures[i]);
        separator = ", ";
        any = true;
    }
    if (!any && outcome->result == RESULT_OK)
        return;
    if (any)
        fputs(". ", out);
    else
        fprintf(out, "<p class=\"bad\">%s: ", result_word(outcome->result));
    output_html_text(out, outcome->error.text);
    fputs("</p>\n", out);
}

static void peer_rows(FILE *out, const struct peer *peer)
{
    char until[CLOCK_TEXT_BYTES] = "";
    if (peer->certificate.present)
        clock_seconds_text(peer->certificate.not_after, until);
    output_html_row(out, "Version", peer->version);
    output_html_row(out, "Cipher", peer->cipher);
    output_html_row(out, "Group", peer->group);
    output_html_row(out, "Signature", peer->signature);
    output_html_row(out, "Resumed", peer->resumed ? "yes" : "");
    output_html_row(out, "ALPN", peer->alpn);
    output_html_row(out, "OCSP staple", peer->staple);
    output_html_row(out, "Certificate", peer->certificate.subject);
    output_html_row(out, "Issuer", peer->certificate.issuer);
    output_html_row(out, "Valid until", until);
    output_html_row(out, "SHA-256", peer->certificate.sha256);
    output_html_row(out, "Verification", peer->verification);
}

void output_html_session(FILE *out, const char *name, const struct session *session)
{
    char address[ADDRESS_TEXT_BYTES];
    struct peer peer;
    if (!session || !(session->transport || session->dtls))
        return;
    session_peer(session, &peer);
    address_text(&session->peer, address);
    fputs("<section><h2>Session: ", out);
    output_html_text(out, name);
    fputs("</h2><table>\n", out);
    output_html_row(out, "Address", address);
    output_html_row(out, "Transport", endpoint_scheme_name(session->target->endpoint->scheme));
    peer_rows(out, &peer);
    fputs("</table></section>\n", out);
}

void output_html_times_begin(FILE *out, const char *name)
{
    static const char *const columns[] = {"count", "min", "mean",  "stddev", "p50",
                                          "p90",   "p99", "p99.9", "max"};
    fputs("<section><h2>Times: ", out);
    output_html_text(out, name);
    fputs("</h2><table>\n<tr><th scope=\"col\"></th>", out);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        fprintf(out, "<th scope=\"col\">%s</th>", columns[i]);
    fputs("</tr>\n", out);
}

void output_html_times_row(FILE *out, const char *name, const struct histogram *h)
{
    static const double shares[] = {0.5, 0.9, 0.99, 0.999};
    char text[OUTPUT_UNIT_BYTES];
    struct histogram_summary all;
    histogram_summarize(h, &all);
    if (!all.count)
        return;
    fputs("<tr><th scope=\"row\">", out);
    output_html_text(out, name);
    fprintf(out, "</th><td>%" PRIu64 "</td>", all.count);
    fprintf(out, "<td>%s</td>", output_time_text((double)all.min_ns, text));
    fprintf(out, "<td>%s</td>", output_time_text(all.mean_ns, text));
    fprintf(out, "<td>%s</td>", all.count > 1 ? output_time_text(all.stddev_ns, text) : "-");
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
        fprintf(out, "<td>%s</td>",
                histogram_has_quantile(h, shares[i])
                    ? output_time_text((double)histogram_quantile_ns(h, shares[i]), text)
                    : "-");
    fprintf(out, "<td>%s</td></tr>\n", output_time_text((double)all.max_ns, text));
}
