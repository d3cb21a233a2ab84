/* SPDX-License-Identifier: MIT */
#include "tls_exposure.h"

#include <sys/stat.h>

bool tls_exposure_of_secret(unsigned mode, struct tls_exposure *ret)
{
    bool open = mode & S_IRWXO;
    *ret = open ? (struct tls_exposure){"is open to others", "o="}
                : (struct tls_exposure){"can be written by its group", "g-w"};
    return open || mode & S_IWGRP;
}
