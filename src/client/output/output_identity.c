/* SPDX-License-Identifier: MIT */
#include "output_identity.h"

#include "output_json.h"

bool output_identity(const struct exchange *x, char ret[REPORT_IDENTITY_BYTES])
{
    struct error ignored;
    return x->hello_text && x->hello.complete &&
           report_parse_identity(x->hello_text, x->hello.n, ret, &ignored) == 0;
}

void output_identity_add(struct json_t *object, const struct exchange *x)
{
    char identity[REPORT_IDENTITY_BYTES];
    if (output_identity(x, identity))
        output_json_add_text(object, "identity", identity);
}
