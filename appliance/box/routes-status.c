/* How the box is. */
#include "box/routes.h"
#include "box/uplink.h"
#include "daemon/handler.h"
#include "daemon/times.h"

static json_t *status_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  const AblakBranch *box = call->app;
  AblakUplinkStatus uplink;
  ablak_uplink_status(box->uplink, &uplink);
  gint64 number = ablak_kb_number(box->kb);
  return json_pack("{s:s, s:s, s:I, s:s, s:o, s:I, s:I, s:o, s:s}", "box", box->identity->box,
                   "office", box->identity->office, "epoch", (json_int_t)box->identity->epoch,
                   "headquarters", uplink.connected ? "connected" : "disconnected", "lastAckAt",
                   ablak_json_time(uplink.last_ack_ms), "journalSeq", (json_int_t)uplink.last_seq,
                   "ackedSeq", (json_int_t)uplink.acked_seq, "edition",
                   number ? json_integer(number) : json_null(), "media",
                   ablak_media_link_is_up(box->media) ? "up" : "down");
}

void ablak_box_get_status(AblakRequest *request, gpointer app)
{
  ablak_call_read(((AblakBranch *)app)->store, request, app, status_view);
}
