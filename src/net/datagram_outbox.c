/* SPDX-License-Identifier: MIT */
#include "tlsecho/net/datagram_outbox.h"

#include <string.h>

void datagram_outbox_open(struct datagram_outbox *outbox, struct datagram_socket *socket)
{
    outbox->socket = socket;
    outbox->sent = outbox->unsent = 0;
}

/* After one that fails the next is tried. */
static void send_all(struct datagram_outbox *outbox)
{
    size_t at = 0, sent = 0;
    while (at < outbox->count) {
        struct error ignored ERROR_UNSET;
        struct datagram_io io =
            datagram_send(outbox->socket, &outbox->items[at], outbox->count - at, &ignored);
        sent += io.n;
        at = io.status == DATAGRAM_FAILED ? at + io.n + 1 : outbox->count;
    }
    outbox->sent += sent;
    outbox->unsent += outbox->count - sent;
    outbox->count = 0;
}

bool datagram_outbox_put(struct datagram_outbox *outbox, const struct datagram_socket *socket,
                         const struct datagram *item)
{
    if (outbox->socket != socket)
        return false;
    if (outbox->count == DATAGRAM_BATCH || item->length > DATAGRAM_OUTBOX_BYTES)
        send_all(outbox);
    if (item->length > DATAGRAM_OUTBOX_BYTES)
        return false;
    size_t i = outbox->count++;
    outbox->items[i].peer = item->peer;
    outbox->items[i].own = item->own;
    outbox->items[i].length = item->length;
    outbox->items[i].data = outbox->bytes[i];
    memcpy(outbox->bytes[i], item->data, item->length);
    return true;
}

void datagram_outbox_close(struct datagram_outbox *outbox)
{
    send_all(outbox);
    outbox->socket = NULL;
}
