#include "box/visits.h"
#include "core/error.h"
#include "core/log.h"
#include <forms/forms.h>
#include <queue/waiting.h>
#include <string.h>

struct AblakServiceForms {
  gint64 edition;
  GHashTable *by_service; /* service id -> AblakForm */
};

static void clear_forms(gpointer data)
{
  g_hash_table_unref(((AblakServiceForms *)data)->by_service);
}

AblakServiceForms *ablak_box_forms_ref(AblakServiceForms *forms)
{
  return g_atomic_rc_box_acquire(forms);
}

void ablak_box_forms_unref(AblakServiceForms *forms)
{
  if (forms)
    g_atomic_rc_box_release_full(forms, clear_forms);
}

AblakServiceForms *ablak_box_forms_now(AblakBranch *box)
{
  return ablak_box_forms_ref(box->forms);
}

static AblakForm *form_of(AblakKbEdition *edition, const json_t *service)
{
  const char *form_id = ablak_json_get_string(service, "form");
  if (!form_id)
    return NULL;
  g_autoptr(GError) error = NULL;
  g_autoptr(json_t) definition = ablak_kb_form(edition, form_id, 0, &error);
  AblakForm *form = definition ? ablak_form_parse(definition, NULL, &error) : NULL;
  if (!form)
    ablak_log_gerror(ABLAK_LOG_ERROR, "edition.form-refused", error, "form", form_id, NULL);
  return form;
}

AblakServiceForms *ablak_box_forms_load(AblakBranch *box)
{
  AblakServiceForms *forms = g_atomic_rc_box_new0(AblakServiceForms);
  forms->by_service =
      g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)ablak_form_unref);
  g_autoptr(AblakKbEdition) edition = ablak_kb_current(box->kb, NULL);
  g_autoptr(json_t) services =
      edition ? ablak_kb_services(edition, box->identity->office, NULL) : NULL;
  forms->edition = edition ? ablak_kb_edition_number(edition) : 0;
  size_t index;
  json_t *service;
  json_array_foreach(services, index, service)
  {
    AblakForm *form = form_of(edition, service);
    if (form)
      g_hash_table_insert(forms->by_service, g_strdup(ablak_json_get_string(service, "id")), form);
  }
  return forms;
}

/* --- opening ------------------------------------------------------------------------------------
 */

bool ablak_box_open_visit(AblakTxn *txn, AblakServiceForms *forms, const AblakVisitNew *visit,
                          char **ret_visit_id, GError **error)
{
  g_autofree char *visit_id = NULL;
  if (!ablak_visit_open(txn, visit, &visit_id, error))
    return false;
  AblakForm *form = g_hash_table_lookup(forms->by_service, visit->service);
  if (form) {
    g_autofree char *edition = g_strdup_printf("%" G_GINT64_FORMAT, forms->edition),
                    *draft_id = NULL;
    const AblakDraftNew draft = {.visit_id = visit_id, .edition = edition, .form = form};
    if (!ablak_draft_create(txn, &draft, visit->clerk_id, &draft_id, error))
      return false;
  }
  *ret_visit_id = g_steal_pointer(&visit_id);
  return true;
}

/* The visit of a ticket, also one that it waits for and that never came to be; NULL without an
 * error when there is none. Free with g_free. */
static char *visit_id_of(AblakTxn *txn, const char *ticket_id, GError **error)
{
  g_autoptr(GError) failure = NULL;
  g_autoptr(AblakVisit) visit = ablak_visit_of_ticket(txn, ticket_id, &failure);
  g_autoptr(AblakPlace) place =
      visit || failure ? NULL : ablak_place_of_ticket(txn, ticket_id, &failure);
  if (failure) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return NULL;
  }
  return g_strdup(visit ? visit->id : place ? place->visit_id : NULL);
}

bool ablak_box_close_ticket(AblakTxn *txn, AblakCall *call, AblakCloseTicket close, GError **error)
{
  const AblakBranch *box = call->app;
  const char *ticket_id = ablak_request_param(call->request, "ticketId");
  g_autoptr(GError) failure = NULL;
  g_autofree char *visit_id = visit_id_of(txn, ticket_id, &failure);
  if (failure) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
  }
  return close(txn, ticket_id, call->person->id, error) &&
         (!visit_id || ablak_citizen_end_visit(txn, visit_id, box->receipt_ms, error));
}

/* --- access
 * ---------------------------------------------------------------------------------------- */

static bool belongs(const AblakPerson *person, const AblakVisit *visit)
{
  switch (person->kind) {
  case ABLAK_PERSON_CITIZEN:
  case ABLAK_PERSON_GUEST: /* routes that are open to guests are few: openapi.json */
    return strcmp(person->visit, visit->id) == 0;
  case ABLAK_PERSON_STAFF:
    return strcmp(person->id, visit->clerk_id) == 0 || ablak_person_has_role(person, "supervisor");
  default:
    return false;
  }
}

bool ablak_box_may_visit(const AblakPerson *person, const AblakVisit *visit, GError **error)
{
  if (belongs(person, visit))
    return true;
  ablak_error_set(error, ABLAK_ERROR_FORBIDDEN, "queue/not-yours",
                  "the visit %s is somebody else's", visit->id);
  return false;
}

bool ablak_box_require_open(const AblakVisit *visit, GError **error)
{
  if (strcmp(visit->state, "open") == 0)
    return true;
  ablak_error_set(error, ABLAK_ERROR_CONFLICT, "queue/visit-ended", "visit %s has ended",
                  visit->id);
  return false;
}

bool ablak_box_visit_goes_on(AblakBranch *box, const char *visit_id)
{
  g_autoptr(AblakTxn) txn = ablak_store_read(box->store, NULL);
  g_autoptr(AblakVisit) visit = txn ? ablak_visit_load(txn, visit_id, NULL) : NULL;
  return visit && strcmp(visit->state, "open") == 0;
}

bool ablak_box_visit_is_awaited(AblakBranch *box, const char *visit_id)
{
  g_autoptr(AblakTxn) txn = ablak_store_read(box->store, NULL);
  g_autoptr(AblakVisit) visit = txn ? ablak_visit_load(txn, visit_id, NULL) : NULL;
  g_autoptr(AblakPlace) place = txn && !visit ? ablak_place_load(txn, visit_id, NULL) : NULL;
  return place != NULL;
}

bool ablak_box_may_see_visit(AblakBranch *box, const AblakPerson *person, const char *visit_id)
{
  if (person->kind == ABLAK_PERSON_CITIZEN || person->kind == ABLAK_PERSON_GUEST)
    return strcmp(person->visit, visit_id) == 0;
  g_autoptr(AblakTxn) txn = ablak_store_read(box->store, NULL);
  g_autoptr(AblakVisit) visit = txn ? ablak_visit_load(txn, visit_id, NULL) : NULL;
  return visit && belongs(person, visit);
}

char *ablak_box_party_of(AblakBranch *box, const AblakPerson *person, const char *visit_id)
{
  if (person->kind == ABLAK_PERSON_GUEST)
    return g_strconcat(ABLAK_PARTY_GUEST, person->id, NULL);
  if (person->kind == ABLAK_PERSON_CITIZEN)
    return g_strdup(ABLAK_PARTY_CITIZEN);
  g_autoptr(AblakTxn) txn = ablak_store_read(box->store, NULL);
  g_autoptr(AblakVisit) visit = txn ? ablak_visit_load(txn, visit_id, NULL) : NULL;
  if (!visit || strcmp(visit->clerk_id, person->id) == 0)
    return g_strdup(ABLAK_PARTY_CLERK);
  g_autofree char *both = g_strconcat(visit_id, person->id, NULL);
  g_autofree char *hash = ablak_sha256_hex(both, strlen(both));
  return g_strdup_printf(ABLAK_PARTY_SUPERVISOR "%.16s", hash);
}
