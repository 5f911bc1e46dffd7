/* What anybody may see: the office, its services, the knowledge base. */
#include "box/routes.h"
#include "box/views.h"
#include "core/error.h"
#include "daemon/handler.h"
#include "daemon/times.h"
#include <queue/waiting.h>
#include <stdlib.h>
#include <string.h>

static bool require_office(const AblakBranch *box, GError **error)
{
  if (!box->office)
    ablak_error_set(error, ABLAK_ERROR_UNAVAILABLE, "office/no-edition",
                    "no edition has come from headquarters yet");
  return box->office != NULL;
}

static json_t *office_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  const AblakBranch *box = call->app;
  if (!require_office(box, error))
    return NULL;
  json_t *languages = json_object_get(box->office, "languages");
  return json_pack("{s:s, s:O, s:O, s:O, s:s, s:O, s:b, s:I, s:b, s:O*}", "id",
                   box->identity->office, "name", json_object_get(box->office, "name"), "languages",
                   languages, "bindingLanguage", json_array_get(languages, 0), "timeZone",
                   ablak_zone_name(box->zone), "counters", json_object_get(box->office, "counters"),
                   "sample", ablak_json_get_bool(box->office, "sample", false), "edition",
                   (json_int_t)ablak_kb_number(box->kb), "video",
                   ablak_media_link_is_up(box->media), "address",
                   json_object_get(box->office, "address"));
}

void ablak_box_get_office(AblakRequest *request, gpointer app)
{
  ablak_call_read(((AblakBranch *)app)->store, request, app, office_view);
}

/* `wait`: of somebody who took a number now. */
static json_t *service_json(json_t *sheet, const AblakServiceFigures *figures,
                            const AblakWait *wait)
{
  return json_pack("{s:s, s:O, s:O, s:s, s:b, s:I, s:o, s:O}", "id", figures->id, "name",
                   json_object_get(sheet, "name"), "summary", json_object_get(sheet, "summary"),
                   "prefix", figures->prefix, "open", figures->open, "waiting",
                   (json_int_t)figures->waiting, "estimateMinutes",
                   ablak_json_minutes(wait->likely_ms), "channels",
                   json_object_get(sheet, "channels"));
}

static json_t *services_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  const AblakBranch *box = call->app;
  if (!require_office(box, error))
    return NULL;
  g_autoptr(AblakKbEdition) edition = ablak_kb_current(box->kb, error);
  g_autofree char *day = ablak_box_today(box);
  g_autoptr(GPtrArray) figures = edition ? ablak_queue_service_figures(txn, day, error) : NULL;
  g_autoptr(AblakLine) line = figures ? ablak_line_load(txn, day, error) : NULL;
  if (!line)
    return NULL;
  const AblakWait wait = ablak_line_wait(line, NULL);
  g_autoptr(json_t) services = json_array();
  for (guint i = 0; i < figures->len; i++) {
    AblakServiceFigures *one = figures->pdata[i];
    g_autoptr(json_t) sheet = ablak_kb_service(edition, one->id, NULL);
    if (sheet)
      json_array_append_new(services, service_json(sheet, one, &wait));
  }
  return g_steal_pointer(&services);
}

void ablak_box_list_services(AblakRequest *request, gpointer app)
{
  ablak_call_read(((AblakBranch *)app)->store, request, app, services_view);
}

/* --- knowledge base
 * --------------------------------------------------------------------------------- */

#define HITS_DEFAULT 10
#define HITS_MOST 50

static json_t *search_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  const AblakBranch *box = call->app;
  const char *text = ablak_request_query(call->request, "q");
  const char *language = ablak_request_query(call->request, "lang");
  const char *limit_text = ablak_request_query(call->request, "limit");
  gint64 limit = limit_text ? g_ascii_strtoll(limit_text, NULL, 10) : HITS_DEFAULT;
  g_autoptr(AblakKbEdition) edition = ablak_kb_current(box->kb, error);
  if (!edition)
    return NULL;
  g_autoptr(json_t) found =
      ablak_kb_search(edition, box->identity->office, text ? text : "", language ? language : "en",
                      (unsigned)CLAMP(limit, 1, HITS_MOST), error);
  if (!found)
    return NULL;
  g_autoptr(json_t) hits = json_array();
  size_t index;
  json_t *hit;
  json_array_foreach(found, index, hit) json_array_append_new(
      hits, json_pack("{s:O, s:O, s:O}", "id", json_object_get(hit, "id"), "name",
                      json_object_get(hit, "name"), "snippet", json_object_get(hit, "snippet")));
  return json_pack("{s:O}", "hits", hits);
}

void ablak_box_search_knowledge(AblakRequest *request, gpointer app)
{
  ablak_call_read(((AblakBranch *)app)->store, request, app, search_view);
}

static json_t *sheet_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  const AblakBranch *box = call->app;
  g_autoptr(AblakKbEdition) edition = ablak_kb_current(box->kb, error);
  g_autoptr(json_t) service =
      edition ? ablak_kb_service(edition, ablak_request_param(call->request, "serviceId"), error)
              : NULL;
  if (!service)
    return NULL;
  const char *form_id = ablak_json_get_string(service, "form");
  g_autoptr(json_t) form = form_id ? ablak_kb_form(edition, form_id, 0, NULL) : NULL;
  return json_pack("{s:O, s:O?, s:I}", "service", service, "form", form, "edition",
                   (json_int_t)ablak_kb_edition_number(edition));
}

void ablak_box_get_sheet(AblakRequest *request, gpointer app)
{
  ablak_call_read(((AblakBranch *)app)->store, request, app, sheet_view);
}
