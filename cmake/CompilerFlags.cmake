# SPDX-License-Identifier: MIT
# One interface target carries every flag: tlsecho_flags.
include(CheckCCompilerFlag)
include(CheckLinkerFlag)

add_library(tlsecho_flags INTERFACE)
target_include_directories(tlsecho_flags INTERFACE ${CMAKE_SOURCE_DIR}/include)
# Also where off_t has 32 bits: docs/adr/0030 says why not time_t.
target_compile_definitions(tlsecho_flags INTERFACE _GNU_SOURCE _FILE_OFFSET_BITS=64)
# OpenSSL 3.0's API: later ones deprecate functions whose successors it does not have.
target_compile_definitions(tlsecho_flags INTERFACE OPENSSL_API_COMPAT=30000)
target_compile_options(tlsecho_flags INTERFACE
  -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith
  -Wwrite-strings -Wundef -Wvla -Wswitch-enum -Wformat=2 -Wconversion -Wno-sign-conversion)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU") # clang warns of OpenSSL's macros
  target_compile_options(tlsecho_flags INTERFACE -Wcast-qual)
else() # and of assert(!"words")
  target_compile_options(tlsecho_flags INTERFACE -Wno-string-conversion)
endif()
if(TLSECHO_WERROR)
  target_compile_options(tlsecho_flags INTERFACE -Werror)
endif()

function(tlsecho_probe_compile flag)
  string(MAKE_C_IDENTIFIER "HAVE_C${flag}" name)
  set(CMAKE_REQUIRED_FLAGS -Werror) # clang ignores some for a machine, with a warning
  check_c_compiler_flag("${flag}" ${name})
  if(${name})
    target_compile_options(tlsecho_flags INTERFACE ${flag})
  endif()
endfunction()

function(tlsecho_probe_link flag)
  string(MAKE_C_IDENTIFIER "HAVE_L${flag}" name)
  check_linker_flag(C "${flag}" ${name})
  if(${name})
    target_link_options(tlsecho_flags INTERFACE ${flag})
  endif()
endfunction()

# snprintf() truncates texts on purpose; GCC warns of that when it optimises.
tlsecho_probe_compile(-Wno-format-truncation)

# The linker drops functions of the libraries that the program does not call.
if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  tlsecho_probe_compile(-ffunction-sections)
  tlsecho_probe_compile(-fdata-sections)
  tlsecho_probe_link(-Wl,--gc-sections)
endif()

if(TLSECHO_HARDEN)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
  include(CheckPIESupported)
  check_pie_supported(LANGUAGES C)
  foreach(flag -fstack-protector-strong -fstack-clash-protection -fcf-protection=full
               -ftrivial-auto-var-init=zero -fno-delete-null-pointer-checks -fno-strict-overflow)
    tlsecho_probe_compile(${flag})
  endforeach()
  # All symbols are bound at the start (-z now), so no call needs the detour by the PLT.
  tlsecho_probe_compile(-fno-plt)
  foreach(flag -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed)
    tlsecho_probe_link(${flag})
  endforeach()
  # Distributions set _FORTIFY_SOURCE themselves; it needs optimisation.
  if(CMAKE_BUILD_TYPE MATCHES "Rel" AND NOT CMAKE_C_FLAGS MATCHES "_FORTIFY_SOURCE")
    target_compile_options(tlsecho_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
  endif()
endif()

if(TLSECHO_COVERAGE)
  target_compile_options(tlsecho_flags INTERFACE --coverage -fprofile-update=atomic)
  target_compile_definitions(tlsecho_flags INTERFACE TLSECHO_INSTRUMENTED)
  target_link_options(tlsecho_flags INTERFACE --coverage)
endif()
