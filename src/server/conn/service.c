/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/service.h"

#include <string.h>

static const struct service *const services[] = {
    &service_echo,   &service_upper, &service_discard, &service_chargen,
    &service_report, &service_stamp, &service_hello,   &service_http,
};

enum { SERVICES = sizeof services / sizeof services[0] };

bool service_fits(const struct service *service, enum endpoint_scheme scheme)
{
    bool replies = service->reply || !endpoint_has_datagrams(scheme);
    return replies && (!service->datagrams_only || scheme == ENDPOINT_UDP);
}

const struct service *service_find(const char *name)
{
    for (size_t i = 0; i < SERVICES; i++)
        if (strcmp(services[i]->name, name) == 0)
            return services[i];
    return NULL;
}

const char *service_name(size_t i)
{
    return i < SERVICES ? services[i]->name : NULL;
}
