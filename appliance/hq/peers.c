#include "hq/peers.h"
#include "core/error.h"
#include "core/log.h"
#include "daemon/handler.h"
#include "hq/routes.h"
#include <provisioning/boxes.h>
#include <string.h>

/* For what the command line appends beside the daemon. */
#define POLL_EVERY_MS 1000

struct AblakPeers {
  AblakHq *hq;
  AblakReceiver *receiver;
  guint timer;
};

typedef struct {
  AblakSocket *socket;
  AblakPeer *peer;
} Link;

/* --- one link ------------------------------------------------------------------------------------
 */

static void link_send(const void *bytes, gsize size, gpointer data)
{
  ablak_socket_send_binary(((Link *)data)->socket, bytes, size);
}

static gsize link_queued(gpointer data)
{
  return ablak_socket_queued(((Link *)data)->socket);
}

static void link_failed(const GError *error, gpointer data)
{
  ablak_log_gerror(ABLAK_LOG_WARNING, "peer.refused", error, NULL);
  ablak_socket_close(((Link *)data)->socket, 1008, ablak_error_slug(error));
}

static void link_message(AblakSocket *socket, const void *bytes, gsize size, bool binary,
                         gpointer data)
{
  Link *link = data;
  if (binary)
    ablak_peer_received(link->peer, bytes, size);
  else
    ablak_socket_close(socket, 1003, "binary messages only");
}

static void link_drained(AblakSocket *socket, gpointer data)
{
  ablak_peer_writable(((Link *)data)->peer);
}

static void link_closed(AblakSocket *socket, gpointer data)
{
  Link *link = data;
  ablak_peer_free(link->peer);
  g_free(link);
}

void ablak_hq_open_sync(AblakRequest *request, gpointer app)
{
  static const AblakSocketCallbacks callbacks = {
      .message = link_message,
      .drained = link_drained,
      .closed = link_closed,
      .message_max = ABLAK_FRAME_MAX,
  };
  static const AblakPeerTransport transport = {link_send, link_queued, link_failed};
  AblakHq *hq = app;
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(hq->store, &error);
  g_autoptr(AblakBox) box =
      txn ? ablak_box_identify(txn, ablak_request_peer_cert_sha256(request), &error) : NULL;
  if (!box) {
    ablak_request_reply_error(request, error);
    return;
  }
  Link *link = g_new0(Link, 1);
  link->socket = ablak_request_accept_socket(request, &callbacks, link);
  if (!link->socket) { /* the box has gone */
    g_free(link);
    return;
  }
  link->peer =
      ablak_peer_new(ablak_peers_receiver(hq->peers), box->id, box->epoch, &transport, link);
}

/* --- all of them
 * -----------------------------------------------------------------------------------
 */

static void tell(AblakPeers *peers, const char *kind, const char *box)
{
  g_autoptr(json_t) data = json_pack("{s:s}", "box", box);
  ablak_live_message(peers->hq->live, "fleet", kind, data, NULL);
}

static void applied(const char *box, gint64 seq, const char *const *tables, gpointer data)
{
  tell(data, "box.applied", box);
  if (g_strv_contains(tables, "filing"))
    tell(data, "filings.arrived", box);
}

static void changed(const char *box, gpointer data)
{
  tell(data, "box.changed", box);
}

static gboolean poll_now(gpointer data)
{
  ablak_receiver_poll(((AblakPeers *)data)->receiver);
  return G_SOURCE_CONTINUE;
}

AblakPeers *ablak_peers_new(AblakHq *hq, GError **error)
{
  static const AblakReceiverCallbacks callbacks = {applied, changed};
  AblakPeers *peers = g_new0(AblakPeers, 1);
  peers->hq = hq;
  peers->receiver = ablak_receiver_new(hq->store, &callbacks, peers, error);
  if (!peers->receiver) {
    g_free(peers);
    return NULL;
  }
  peers->timer = g_timeout_add(POLL_EVERY_MS, poll_now, peers);
  return peers;
}

void ablak_peers_free(AblakPeers *peers)
{
  if (!peers)
    return;
  g_source_remove(peers->timer);
  ablak_receiver_free(peers->receiver);
  g_free(peers);
}

void ablak_peers_poll(AblakPeers *peers)
{
  ablak_receiver_poll(peers->receiver);
}

AblakReceiver *ablak_peers_receiver(AblakPeers *peers)
{
  return peers->receiver;
}
