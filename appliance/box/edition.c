/* What follows from a new edition: the office, its time zone, its services and counters. */
#include "box/box.h"
#include "box/visits.h"
#include "core/error.h"
#include "core/log.h"
#include <queue/queue.h>
#include <string.h>

typedef struct {
  json_t *services, *counters;
} Lists;

static void lists_free(gpointer data)
{
  Lists *lists = data;
  json_decref(lists->services);
  json_decref(lists->counters);
  g_free(lists);
}

static bool take_services(AblakTxn *txn, json_t *services, GError **error)
{
  gsize count = json_array_size(services);
  g_autofree AblakServiceSpec *specs = g_new0(AblakServiceSpec, count + 1);
  for (gsize i = 0; i < count; i++) {
    json_t *service = json_array_get(services, i);
    specs[i].id = ablak_json_get_string(service, "id");
    specs[i].prefix = ablak_json_get_string(service, "prefix");
  }
  return ablak_queue_take_services(txn, specs, count, error);
}

static bool take_lists(AblakTxn *txn, gpointer data, GError **error)
{
  Lists *lists = data;
  gsize count = json_array_size(lists->counters);
  g_autofree AblakCounterSpec *specs = g_new0(AblakCounterSpec, count + 1);
  for (gsize i = 0; i < count; i++) {
    json_t *counter = json_array_get(lists->counters, i);
    specs[i].id = ablak_json_get_string(counter, "id");
    specs[i].name = ablak_json_get_string(counter, "name");
  }
  return take_services(txn, lists->services, error) &&
         ablak_queue_take_counters(txn, specs, count, error);
}

static void lists_taken(const GError *error, gpointer data)
{
  if (error)
    ablak_log_gerror(ABLAK_LOG_ERROR, "edition.not-taken", error, NULL);
}

/* A job may be reading the former zone on the writer thread, so it is kept until the end. */
static void set_zone(AblakBranch *box, const char *name)
{
  if (box->zone && strcmp(ablak_zone_name(box->zone), name) == 0)
    return;
  g_autoptr(GError) error = NULL;
  AblakZone *zone = ablak_zone_new(name, &error);
  if (!zone) {
    ablak_log_gerror(ABLAK_LOG_ERROR, "edition.zone-unknown", error, NULL);
    return;
  }
  g_ptr_array_add(box->zones, zone);
  g_atomic_pointer_set(&box->zone, zone);
}

void ablak_box_take_edition(AblakBranch *box)
{
  if (!box->zone)
    set_zone(box, "UTC");
  ablak_box_forms_unref(box->forms);
  box->forms = ablak_box_forms_load(box);
  g_autoptr(AblakKbEdition) edition = ablak_kb_current(box->kb, NULL);
  if (!edition)
    return;
  g_autoptr(GError) error = NULL;
  json_t *office = ablak_kb_office(edition, box->identity->office, &error);
  json_t *services = office ? ablak_kb_services(edition, box->identity->office, &error) : NULL;
  if (!services) {
    ablak_log_gerror(ABLAK_LOG_ERROR, "edition.office-missing", error, "office",
                     box->identity->office, NULL);
    json_decref(office);
    return;
  }
  json_decref(box->office);
  box->office = office;
  set_zone(box, ablak_json_get_string(office, "timeZone"));
  Lists *lists = g_new0(Lists, 1);
  lists->services = services;
  lists->counters = json_incref(json_object_get(office, "counters"));
  ablak_store_write(box->store, take_lists, lists_taken, lists, lists_free);
}
