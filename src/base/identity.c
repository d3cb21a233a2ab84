/* SPDX-License-Identifier: MIT */
#include "tlsecho/base/identity.h"

#include <stdlib.h>

void identity_done(struct identity *identity)
{
    for (size_t i = 0; i < identity->count; i++) {
        free(identity->variables[i].name);
        free(identity->variables[i].value);
    }
    free(identity->variables);
    free(identity->name);
    *identity = (struct identity){0};
}
