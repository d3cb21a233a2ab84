/* SPDX-License-Identifier: MIT */
#ifndef TLSECHO_VERSION_H
#define TLSECHO_VERSION_H

/* The version of the project, from CMakeLists.txt: "0.1.0". */
extern const char tlsecho_version[];

#endif
