#include "box/views.h"
#include "box/presence.h"
#include "core/error.h"
#include "daemon/times.h"
#include <queue/waiting.h>
#include <string.h>

char *ablak_box_today(const AblakBranch *box)
{
  return ablak_zone_date(g_atomic_pointer_get(&box->zone), ablak_clock_wall_ms());
}

bool ablak_view_failed(GError **failure, GError **error)
{
  if (!*failure)
    return false;
  g_propagate_error(error, g_steal_pointer(failure));
  return true;
}

/* --- tickets ------------------------------------------------------------------------------------
 */

static json_t *ticket_json(AblakTxn *txn, const AblakTicket *ticket, GError **error)
{
  g_autoptr(GError) failure = NULL;
  g_autoptr(AblakVisit) visit = ablak_visit_of_ticket(txn, ticket->id, &failure);
  if (ablak_view_failed(&failure, error))
    return NULL;
  return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:s?, s:I, s:s?}", "id", ticket->id,
                   "number", ticket->number, "service", ticket->service, "channel", ticket->channel,
                   "state", ticket->state, "issuedAt", ablak_json_time(ticket->issued_ms),
                   "calledAt", ablak_json_time(ticket->called_ms), "counter", ticket->counter,
                   "calls", (json_int_t)ticket->calls, "visitId", visit ? visit->id : NULL);
}

json_t *ablak_view_ticket(AblakTxn *txn, const AblakBranch *box, const AblakTicket *ticket,
                          GError **error)
{
  AblakWait wait = {0};
  if (strcmp(ticket->state, "waiting") == 0) {
    g_autofree char *day = ablak_box_today(box);
    g_autoptr(AblakLine) line = ablak_line_load(txn, day, error);
    if (!line)
      return NULL;
    wait = ablak_line_wait(line, ticket->id);
  }
  json_t *json = ticket_json(txn, ticket, error);
  if (json) {
    json_object_set_new(json, "waitingAhead", json_integer(wait.ahead));
    json_object_set_new(json, "estimateMinutes", ablak_json_minutes(wait.likely_ms));
  }
  return json;
}

/* Whether somebody sits before the page is the desk's to know, and nobody else's. */
static json_t *place_json(AblakTxn *txn, const AblakTicket *ticket, GError **error)
{
  g_autoptr(GError) failure = NULL;
  g_autoptr(AblakPlace) place = ablak_place_of_ticket(txn, ticket->id, &failure);
  if (ablak_view_failed(&failure, error))
    return NULL;
  return place ? json_pack("{s:o, s:b, s:s}", "awaySince", ablak_json_time(place->away_ms),
                           "setAside", place->aside_ms > 0, "language", place->language)
               : json_null();
}

json_t *ablak_view_tickets(AblakTxn *txn, GPtrArray *tickets, GError **error)
{
  g_autoptr(json_t) array = json_array();
  for (guint i = 0; i < tickets->len; i++) {
    g_autoptr(json_t) place = place_json(txn, tickets->pdata[i], error);
    json_t *json = place ? ticket_json(txn, tickets->pdata[i], error) : NULL;
    if (!json)
      return NULL;
    json_object_set(json, "place", place);
    json_array_append_new(array, json);
  }
  return g_steal_pointer(&array);
}

/* --- visits
 * --------------------------------------------------------------------------------------- */

json_t *ablak_view_service_name(const AblakBranch *box, const char *service)
{
  g_autoptr(AblakKbEdition) edition = ablak_kb_current(box->kb, NULL);
  g_autoptr(json_t) sheet = edition ? ablak_kb_service(edition, service, NULL) : NULL;
  json_t *name = sheet ? json_object_get(sheet, "name") : NULL;
  return name ? json_incref(name) : json_object();
}

/* The form a visit is about, and what was filed of it. */
typedef struct {
  AblakDraft *draft;           /* NULL: none, or taken up in another visit since */
  AblakCompletion *completion; /* NULL: not open for one */
  GPtrArray *filings;          /* AblakFiling, the oldest first */
} VisitForm;

static void visit_form_clear(VisitForm *form)
{
  ablak_draft_free(form->draft);
  ablak_completion_free(form->completion);
  g_clear_pointer(&form->filings, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VisitForm, visit_form_clear)

static const AblakFiling *last(const VisitForm *form)
{
  return form->filings->len > 0 ? form->filings->pdata[form->filings->len - 1] : NULL;
}

/* All there are of the visit's form; of one that another visit goes on with, only what was filed
 * here. */
static bool load_filings(AblakTxn *txn, const AblakVisit *visit, VisitForm *form, GError **error)
{
  g_autoptr(GError) failure = NULL;
  g_autoptr(AblakSubmission) submission =
      form->draft ? ablak_submission_of_draft(txn, form->draft->id, &failure) : NULL;
  g_autoptr(AblakFiling) filing = NULL;
  if (submission)
    filing = ablak_filing_of_submission(txn, submission->id, &failure);
  else if (!failure)
    filing = ablak_filing_of_visit(txn, visit->id, &failure);
  if (ablak_view_failed(&failure, error))
    return false;
  if (submission && filing)
    return (form->filings = ablak_filings_of_number(txn, filing->number, error)) != NULL;
  form->filings = g_ptr_array_new_with_free_func((GDestroyNotify)ablak_filing_free);
  if (filing)
    g_ptr_array_add(form->filings, g_steal_pointer(&filing));
  return true;
}

static bool load_form(AblakTxn *txn, const AblakVisit *visit, VisitForm *form, GError **error)
{
  g_autoptr(GError) failure = NULL;
  form->draft = ablak_draft_of_visit(txn, visit->id, &failure);
  if (form->draft && !form->draft->filed)
    form->completion = ablak_completion_of_draft(txn, form->draft->id, &failure);
  return !ablak_view_failed(&failure, error) && load_filings(txn, visit, form, error);
}

json_t *ablak_view_completion(const AblakCompletion *completion, const AblakFiling *filing)
{
  if (!completion || !filing)
    return json_null();
  return json_pack("{s:s, s:s, s:s, s:s, s:s?, s:o}", "id", completion->id, "filingId", filing->id,
                   "number", filing->number, "reason", completion->reason, "due", completion->due,
                   "openedAt", ablak_json_time(completion->opened_at));
}

static json_t *filings_json(const GPtrArray *filings)
{
  json_t *all = json_array();
  for (guint i = 0; i < filings->len; i++) {
    const AblakFiling *filing = filings->pdata[i];
    json_array_append_new(all, json_pack("{s:s, s:s, s:I, s:o}", "filingId", filing->id, "number",
                                         filing->number, "ordinal", (json_int_t)filing->ordinal,
                                         "arrivedAt", ablak_json_time(filing->arrived_at)));
  }
  return all;
}

json_t *ablak_view_recording_terms(const AblakBranch *box, const char *service)
{
  g_autoptr(AblakKbEdition) edition = ablak_kb_current(box->kb, NULL);
  g_autoptr(json_t) sheet = edition ? ablak_kb_service(edition, service, NULL) : NULL;
  return json_incref(json_object_get(sheet, "recording"));
}

json_t *ablak_view_recording_consent(AblakTxn *txn, const AblakBranch *box, const AblakVisit *visit,
                                     GError **error)
{
  g_autoptr(AblakRecording) last_ = NULL;
  g_autoptr(json_t) terms = ablak_view_recording_terms(box, visit->service);
  g_autofree char *state = ablak_recording_state(txn, visit->id, &last_, error);
  if (!state)
    return NULL;
  /* Of a recording, what was consented to; else what would be asked now. */
  bool recorded = last_ && strcmp(state, last_->state) == 0;
  json_t *basis = recorded ? last_->legal_basis : json_object_get(terms, "legalBasis");
  json_t *days = recorded ? json_integer(last_->retention_days)
                          : json_incref(json_object_get(terms, "retentionDays"));
  return json_pack("{s:b, s:s, s:O?, s:o?, s:o}", "possible", terms != NULL, "state", state,
                   "legalBasis", basis, "retentionDays", days, "since",
                   ablak_json_time(recorded ? last_->started_ms : 0));
}

static json_t *guests_json(AblakTxn *txn, const char *visit_id, GError **error)
{
  g_autoptr(GPtrArray) guests = ablak_guests_of_visit(txn, visit_id, error);
  if (!guests)
    return NULL;
  json_t *all = json_array();
  for (guint i = 0; i < guests->len; i++) {
    const AblakGuest *guest = guests->pdata[i];
    json_array_append_new(all, json_pack("{s:s, s:s, s:s}", "id", guest->id, "role", guest->role,
                                         "name", guest->name));
  }
  return all;
}

json_t *ablak_view_visit(AblakTxn *txn, const AblakBranch *box, const AblakVisit *visit,
                         GError **error)
{
  g_autoptr(json_t) ticket_view = NULL;
  if (visit->ticket_id) {
    g_autoptr(AblakTicket) ticket = ablak_queue_ticket(txn, visit->ticket_id, error);
    if (!ticket || !(ticket_view = ticket_json(txn, ticket, error)))
      return NULL;
  }
  g_auto(VisitForm) form = {0};
  if (!load_form(txn, visit, &form, error))
    return NULL;
  g_autoptr(json_t) guests = guests_json(txn, visit->id, error);
  json_t *recording = guests ? ablak_view_recording_consent(txn, box, visit, error) : NULL;
  if (!recording)
    return NULL;
  const AblakFiling *newest = form.completion ? NULL : last(&form);
  bool citizen = ablak_presence_has(box->presence, visit->id, ABLAK_PARTY_CITIZEN);
  bool clerk = ablak_presence_has(box->presence, visit->id, ABLAK_PARTY_CLERK);
  return json_pack(
      "{s:s, s:s, s:s, s:o, s:s, s:s?, s:O?, s:s?, s:s, s:o, s:s?, s:o, s:o, s:b, s:b, "
      "s:o, s:o, s:O}",
      "id", visit->id, "state", visit->state, "service", visit->service, "serviceName",
      ablak_view_service_name(box, visit->service), "channel", visit->channel, "counter",
      visit->counter, "ticket", ticket_view, "draftId", form.draft ? form.draft->id : NULL,
      "identity", visit->identity, "openedAt", ablak_json_time(visit->opened_ms), "filingId",
      newest ? newest->id : NULL, "filings", filings_json(form.filings), "completion",
      ablak_view_completion(form.completion, last(&form)), "citizenPresent", citizen,
      "clerkPresent", clerk, "iceServers",
      ablak_ice_servers_for(box->ice_servers, visit->id, ablak_clock_wall_ms()), "recording",
      recording, "guests", guests);
}

json_t *ablak_view_message(const AblakVisitMessage *message)
{
  json_t *all = json_pack("{s:s, s:I, s:s, s:s, s:o}", "id", message->id, "serial",
                          (json_int_t)message->serial, "from", message->author, "text",
                          message->text, "at", ablak_json_time(message->sent_ms));
  if (*message->role)
    json_object_set_new(all, "guest",
                        json_pack("{s:s, s:s}", "role", message->role, "name", message->name));
  return all;
}

json_t *ablak_view_me(AblakTxn *txn, const AblakPerson *person, gpointer box, GError **error)
{
  g_autoptr(GError) failure = NULL;
  g_autofree char *counter = ablak_queue_counter_of(txn, person->id, &failure);
  if (ablak_view_failed(&failure, error))
    return NULL;
  g_autoptr(json_t) roles = json_array();
  for (char **role = person->roles; *role; role++)
    json_array_append_new(roles, json_string(*role));
  return json_pack("{s:s, s:s, s:s, s:O, s:s, s:s?}", "id", person->id, "login", person->login,
                   "name", person->name, "roles", roles, "language", person->language, "counter",
                   counter);
}
