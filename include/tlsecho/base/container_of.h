/* SPDX-License-Identifier: MIT */
/* From a pointer to a member back to the struct that it is embedded in. */
#ifndef TLSECHO_CONTAINER_OF_H
#define TLSECHO_CONTAINER_OF_H

#include <stddef.h>

/* target *, as const as the pointer, which must be of exactly the member's type. */
#define CONTAINER_OF_POINTER(pointer, type, member, target)                                        \
    __typeof__(_Generic((pointer),                                                                 \
                   __typeof__(((type *)0)->member) *: (target *)0,                                 \
                   const __typeof__(((type *)0)->member) *: (const target *)0))

/* The struct of that type whose member `pointer` points to; it must not be NULL. */
#define container_of(pointer, type, member)                                                        \
    ((CONTAINER_OF_POINTER(pointer, type, member, type))(                                          \
        (CONTAINER_OF_POINTER(pointer, type, member, char))(pointer)-offsetof(type, member)))

#endif
