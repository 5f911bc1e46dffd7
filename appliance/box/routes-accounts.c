/* Staff signing in and choosing their counter. */
#include "box/routes.h"
#include "box/views.h"
#include "daemon/handler.h"

void ablak_box_sign_in(AblakRequest *request, gpointer app)
{
  ablak_sign_ins_sign_in(((AblakBranch *)app)->sign_ins, request);
}

void ablak_box_get_me(AblakRequest *request, gpointer app)
{
  ablak_sign_ins_me(((AblakBranch *)app)->sign_ins, request);
}

void ablak_box_sign_out(AblakRequest *request, gpointer app)
{
  AblakBranch *box = app;
  ablak_open_pages_end_session(box->pages, ablak_request_person(request)->session);
  ablak_sign_ins_sign_out(box->sign_ins, request);
}

static bool take_counter(AblakTxn *txn, AblakCall *call, GError **error)
{
  return ablak_queue_take_counter(txn, ablak_call_string(call, "counter"), call->person->id, error);
}

static json_t *me_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  return ablak_view_me(txn, call->person, call->app, error);
}

void ablak_box_set_counter(AblakRequest *request, gpointer app)
{
  ablak_call_write(((AblakBranch *)app)->store, request, app, 200, take_counter, me_view);
}
