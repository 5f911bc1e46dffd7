/* http/link.h: an outgoing connection, private to this folder: address, TLS, then bytes. Tries the
 * host's addresses in turn; neither look-ups nor connecting block the loop. */
#pragma once
#include "http/client.h"

typedef struct AblakLink AblakLink;
typedef struct {
  void (*opened)(gpointer owner);
  void (*data)(gpointer owner, const guint8 *bytes, gsize size);
  void (*drained)(gpointer owner); /* may be NULL */
  /* Once; `error` when it never opened. The owner then calls ablak_link_free. */
  void (*closed)(gpointer owner, const GError *error);
} AblakLinkCallbacks;

/* `url`: http, https, ws or wss. Failures come through `closed`, from the loop. */
AblakLink *ablak_link_new(const AblakClientTls *tls, const char *url,
                          const AblakLinkCallbacks *callbacks, gpointer owner);
/* No callback comes after it; may be called from inside one. */
void ablak_link_free(AblakLink *link);

void ablak_link_send(AblakLink *link, GBytes *bytes);
gsize ablak_link_queued(AblakLink *link);
/* Sends what is queued and ends; `closed` comes. */
void ablak_link_finish(AblakLink *link);

const char *ablak_link_host(AblakLink *link); /* for the Host header */
const char *ablak_link_target(AblakLink *link);
