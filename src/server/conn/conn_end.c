/* SPDX-License-Identifier: MIT */
#include "tlsecho/server/conn_end.h"

const char *conn_end_name(enum conn_end reason)
{
    static const char *const names[CONN_ENDS] = {
        [CONN_END_NONE] = "none",
        [CONN_END_CLOSED] = "closed",
        [CONN_END_CUT] = "cut",
        [CONN_END_FINISHED] = "finished",
        [CONN_END_PROBE] = "probe",
        [CONN_END_REFUSED] = "refused",
        [CONN_END_RESET] = "reset",
        [CONN_END_VANISHED] = "vanished",
        [CONN_END_PROXY] = "proxy_failed",
        [CONN_END_HANDSHAKE] = "handshake_failed",
        [CONN_END_HANDSHAKE_LIMIT] = "handshake_limit",
        [CONN_END_TLS] = "tls_failed",
        [CONN_END_FLOOD] = "flood",
        [CONN_END_HANDSHAKE_TIMEOUT] = "handshake_timeout",
        [CONN_END_REQUEST] = "request_refused",
        [CONN_END_REQUEST_TIMEOUT] = "request_timeout",
        [CONN_END_IDLE_TIMEOUT] = "idle_timeout",
        [CONN_END_REPLACED] = "replaced",
        [CONN_END_WRITE_TIMEOUT] = "write_timeout",
        [CONN_END_LIFETIME] = "lifetime",
        [CONN_END_DRAINED] = "drained",
        [CONN_END_STOPPED] = "stopped",
        [CONN_END_FAILED] = "failed",
    };
    return names[reason];
}
