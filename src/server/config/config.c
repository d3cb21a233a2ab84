/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/config.h"

#include <stdarg.h>

#undef config_refuse

const char *config_proxy_protocol_name(size_t proxy_protocol)
{
    static const char *const names[] = {[CONFIG_PROXY_OFF] = "off",
                                        [CONFIG_PROXY_TRUSTED] = "trusted",
                                        [CONFIG_PROXY_REQUIRED] = "required"};
    return proxy_protocol < sizeof names / sizeof *names ? names[proxy_protocol] : NULL;
}

struct config *config_ref(struct config *config)
{
    atomic_fetch_add(&config->references, 1);
    return config;
}

int config_refuse(const struct config *config, struct config_place place, struct error *err,
                  const char *format, ...)
{
    char message[ERROR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);

    const char *file = config->file ? config->file : "built-in default";
    if (place.line == 0)
        return error_set(err, ERROR_INPUT, "%s: %s", file, message);
    return error_set(err, ERROR_INPUT, "%s:%d:%d: %s", file, place.line, place.column, message);
}
