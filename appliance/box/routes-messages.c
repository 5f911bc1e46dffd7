/* What the people of a visit write to each other: kept first, told by an event, read from here. */
#include "box/routes.h"
#include "box/views.h"
#include "box/visits.h"
#include "core/error.h"
#include "daemon/handler.h"

static const char *author_of(const AblakPerson *person)
{
  if (person->kind == ABLAK_PERSON_GUEST)
    return "guest";
  return person->kind == ABLAK_PERSON_CITIZEN ? "citizen" : "clerk";
}

static AblakVisit *load_own(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakVisit) visit =
      ablak_visit_load(txn, ablak_request_param(call->request, "visitId"), error);
  return visit && ablak_box_may_visit(call->person, visit, error) ? g_steal_pointer(&visit) : NULL;
}

static json_t *messages_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakVisit) visit = load_own(txn, call, error);
  const char *after = ablak_request_query(call->request, "after");
  g_autoptr(GPtrArray) messages =
      visit ? ablak_visit_messages(txn, visit->id, after ? g_ascii_strtoll(after, NULL, 10) : 0,
                                   error)
            : NULL;
  if (!messages)
    return NULL;
  json_t *all = json_array();
  for (guint i = 0; i < messages->len; i++)
    json_array_append_new(all, ablak_view_message(messages->pdata[i]));
  return all;
}

void ablak_box_list_messages(AblakRequest *request, gpointer app)
{
  ablak_call_read(((AblakBranch *)app)->store, request, app, messages_view);
}

static bool say(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakVisit) visit = load_own(txn, call, error);
  const AblakVisitSaying saying = {
      .author = author_of(call->person),
      .actor = ablak_person_actor(call->person),
      .key = ablak_call_string(call, "key"),
      .text = ablak_call_string(call, "text"),
      .role = call->person->part,
      .name = call->person->name,
  };
  g_autofree char *message_id = NULL;
  if (!visit || !ablak_box_require_open(visit, error) ||
      !ablak_visit_say(txn, visit->id, &saying, &message_id, error))
    return false;
  ablak_call_set_result(call, message_id);
  return true;
}

static json_t *message_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakVisitMessage) message = ablak_visit_message_load(txn, call->result, error);
  return message ? ablak_view_message(message) : NULL;
}

void ablak_box_send_message(AblakRequest *request, gpointer app)
{
  AblakBranch *box = app;
  g_autoptr(GError) error = NULL;
  if (ablak_allowance_take(box->messages, ablak_request_person(request)->id,
                           ablak_clock_monotonic_ms(), &error))
    ablak_call_write(box->store, request, app, 201, say, message_view);
  else
    ablak_request_reply_error(request, error);
}
