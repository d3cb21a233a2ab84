/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/service.h"

const struct service service_discard = {.name = "discard"};
