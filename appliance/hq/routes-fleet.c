/* The boxes, and what has arrived from them. */
#include "core/clock.h"
#include "core/error.h"
#include "core/log.h"
#include "daemon/handler.h"
#include "daemon/times.h"
#include "hq/fleet.h"
#include "hq/peers.h"
#include "hq/routes.h"
#include <provisioning/boxes.h>

/* --- reading --------------------------------------------------------------------------------- */

static json_t *boxes_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  const AblakHq *hq = call->app;
  g_autoptr(GPtrArray) boxes = ablak_box_list(txn, error);
  g_autoptr(GPtrArray) states =
      boxes ? ablak_peer_states(txn, ablak_peers_receiver(hq->peers), error) : NULL;
  if (!states)
    return NULL;
  g_autoptr(json_t) all = json_array();
  for (guint i = 0; i < boxes->len; i++) {
    json_t *one = ablak_fleet_box(txn, boxes->pdata[i], states, error);
    if (!one)
      return NULL;
    json_array_append_new(all, one);
  }
  return g_steal_pointer(&all);
}

void ablak_hq_list_boxes(AblakRequest *request, gpointer app)
{
  ablak_call_read(((AblakHq *)app)->store, request, app, boxes_view);
}

static json_t *box_json(AblakTxn *txn, AblakHq *hq, const char *id, GError **error)
{
  g_autoptr(AblakBox) box = ablak_box_get(txn, id, error);
  g_autoptr(GPtrArray) states =
      box ? ablak_peer_states(txn, ablak_peers_receiver(hq->peers), error) : NULL;
  return states ? ablak_fleet_box(txn, box, states, error) : NULL;
}

static json_t *box_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  return box_json(txn, call->app, ablak_request_param(call->request, "boxId"), error);
}

void ablak_hq_get_box(AblakRequest *request, gpointer app)
{
  ablak_call_read(((AblakHq *)app)->store, request, app, box_view);
}

static json_t *filings_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  return ablak_fleet_filings(txn, error);
}

void ablak_hq_list_filings(AblakRequest *request, gpointer app)
{
  ablak_call_read(((AblakHq *)app)->store, request, app, filings_view);
}

/* --- claims --------------------------------------------------------------------------------------
 */

static void code_free(gpointer code)
{
  g_free(*(char **)code);
  g_free(code);
}

static bool create(AblakTxn *txn, AblakCall *call, GError **error)
{
  char **code = call->extra;
  g_clear_pointer(code, g_free);
  g_autofree char *id = NULL;
  if (!ablak_box_create(txn, NULL, ablak_call_string(call, "name"),
                        ablak_call_string(call, "office"), call->person->id, &id, code, error))
    return false;
  ablak_call_set_result(call, id);
  return true;
}

static bool replace(AblakTxn *txn, AblakCall *call, GError **error)
{
  char **code = call->extra;
  const char *id = ablak_request_param(call->request, "boxId");
  g_clear_pointer(code, g_free);
  g_autoptr(AblakBox) box = ablak_box_get(txn, id, error);
  if (!box)
    return false;
  ablak_call_set_result(call, id);
  /* A box that never enrolled only needs a fresh code. */
  return g_strcmp0(box->state, "new") == 0
             ? ablak_box_claim(txn, id, call->person->id, code, error)
             : ablak_box_replace(txn, id, call->person->id, code, error);
}

static json_t *claim_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  AblakHq *hq = call->app;
  ablak_hq_write_crl(hq);
  json_t *box = box_json(txn, hq, call->result, error);
  if (!box)
    return NULL;
  return json_pack("{s:o, s:s, s:o, s:s}", "box", box, "claimCode", *(char **)call->extra,
                   "expiresAt", ablak_json_time(ablak_clock_wall_ms() + ABLAK_CLAIM_LIFE_MS),
                   "caSha256", ablak_ca_fingerprint(hq->ca));
}

void ablak_hq_create_box(AblakRequest *request, gpointer app)
{
  ablak_call_write_with(((AblakHq *)app)->store, request, app, 201, create, claim_view,
                        g_new0(char *, 1), code_free);
}

void ablak_hq_replace_box(AblakRequest *request, gpointer app)
{
  ablak_call_write_with(((AblakHq *)app)->store, request, app, 201, replace, claim_view,
                        g_new0(char *, 1), code_free);
}

static json_t *document_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  const AblakHq *hq = call->app;
  g_autoptr(AblakBox) box = ablak_box_get(txn, call->person->id, error);
  return box ? ablak_box_document(box, ablak_signer_public_key(hq->edition_key)) : NULL;
}

void ablak_hq_get_box_document(AblakRequest *request, gpointer app)
{
  ablak_call_read(((AblakHq *)app)->store, request, app, document_view);
}

void ablak_hq_write_crl(AblakHq *hq)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(hq->store, &error);
  g_autoptr(GPtrArray) revoked = txn ? ablak_box_revoked(txn, &error) : NULL;
  if (!revoked || !ablak_ca_write_crl(hq->ca, revoked, ablak_clock_wall_ms(), &error))
    ablak_log_gerror(ABLAK_LOG_ERROR, "crl.not-written", error, NULL);
}
