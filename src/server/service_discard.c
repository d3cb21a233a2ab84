/* SPDX-License-Identifier: MIT */
#include "tlsecho/service.h"

const struct service service_discard = {.name = "discard"};
