/* http/incoming.h: the reply to one request, as its bytes come (RFC 9112 §6). Pure. */
#pragma once
#include "http/head.h"

#define ABLAK_INCOMING_BODY_MAX (64 * 1024 * 1024)

typedef struct AblakIncoming AblakIncoming;
typedef enum { ABLAK_INCOMING_MORE, ABLAK_INCOMING_DONE, ABLAK_INCOMING_BAD } AblakIncomingState;

/* `no_body`: the request was HEAD. */
AblakIncoming *ablak_incoming_new(bool no_body);
void ablak_incoming_free(AblakIncoming *incoming);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakIncoming, ablak_incoming_free)
AblakIncomingState ablak_incoming_feed(AblakIncoming *incoming, const guint8 *bytes, gsize size);
/* The connection has ended: whether the reply is whole. */
bool ablak_incoming_end(AblakIncoming *incoming);

const AblakHead *ablak_incoming_head(const AblakIncoming *incoming); /* NULL while there is none */
/* The whole body; takes it. */
GBytes *ablak_incoming_take(AblakIncoming *incoming);
