/* SPDX-License-Identifier: MIT */
#include "tlsecho/version.h"

const char tlsecho_version[] = TLSECHO_VERSION;
