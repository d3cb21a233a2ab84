/* SPDX-License-Identifier: MIT */
/*
 * Why a connection is refused: the one list, for the log and the metrics.
 *
 * Ownership: none.   Threads: any.
 */
#ifndef TLSECHO_ADMISSION_REFUSAL_H
#define TLSECHO_ADMISSION_REFUSAL_H

/* Most are the configuration key that refuses the connection. */
enum admission_refusal {
    ADMISSION_GRANTED,
    ADMISSION_DENY,
    ADMISSION_ALLOW,
    ADMISSION_CONNECTIONS,
    ADMISSION_PER_SOURCE,
    ADMISSION_ACCEPT_RATE,
    ADMISSION_WORKERS,     /* the pipes of all of them are full */
    ADMISSION_DESCRIPTORS, /* the process or the system has none left */
    ADMISSION_MEMORY,
    ADMISSION_REFUSALS,
};

/* The word in the log and the metrics, such as "per_source", and a sentence. */
const char *admission_refusal_name(enum admission_refusal refusal);
const char *admission_refusal_reason(enum admission_refusal refusal);

#endif
