/* SPDX-License-Identifier: MIT */
/*
 * Single values: from their text to the field, as the table of keys describes them, and back.
 *
 * Ownership: the config owns what is read, after a failure too.   Threads: one.
 */
#ifndef TLSECHO_CONFIG_SCALAR_H
#define TLSECHO_CONFIG_SCALAR_H

#include "config_keys.h"
#include "config_reader.h"
#include "tlsecho/base/quantity.h"

/* Reads text into the field of base that key names. */
int config_scalar_read(struct config_reader *r, const struct config_key *key, const char *text,
                       struct config_place place, char *base);

/* Reads one text of that key into ret, which the config frees, also after a failure. */
int config_scalar_text(struct config_reader *r, const struct config_key *key, const char *text,
                       struct config_place place, struct config_text *ret);

/* Writes a number of that key as users write it. */
void config_scalar_number_text(const struct config_key *key, uint64_t number,
                               char ret[QUANTITY_BYTES]);

#endif
