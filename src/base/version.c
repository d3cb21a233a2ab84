/* SPDX-License-Identifier: MIT */
#include "tlsecho/base/version.h"

const char tlsecho_version[] = TLSECHO_VERSION;
