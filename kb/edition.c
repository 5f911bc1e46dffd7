/* Reading one edition file. */
#include "core/error.h"
#include "kb/private.h"
#include <string.h>

struct AblakKbEdition {
  AblakReader *reader;
  gint64 number;
};

AblakTxn *ablak_kb_edition_txn(AblakKbEdition *edition)
{
  return ablak_reader_txn(edition->reader);
}

static void clear_edition(gpointer data)
{
  AblakKbEdition *edition = data;
  g_clear_pointer(&edition->reader, ablak_reader_free);
}

AblakKbEdition *ablak_kb_edition_ref(AblakKbEdition *edition)
{
  return g_atomic_rc_box_acquire(edition);
}

void ablak_kb_edition_unref(AblakKbEdition *edition)
{
  g_atomic_rc_box_release_full(edition, clear_edition);
}

static bool edition_error(GError **error, const char *message)
{
  ablak_error_set(error, ABLAK_ERROR_UNPROCESSABLE, "kb/edition", "%s", message);
  return false;
}

static bool read_number(AblakKbEdition *edition, GError **error)
{
  g_autoptr(AblakRows) rows = ablak_txn_query_one(
      ablak_kb_edition_txn(edition), error,
      "SELECT (SELECT value FROM meta WHERE key = 'format'), CAST((SELECT value FROM meta WHERE "
      "key = 'number') AS INTEGER)",
      "");
  if (rows == NULL)
    return false;
  if (g_strcmp0(ablak_rows_text(rows, 0), "1") != 0)
    return edition_error(error, "the edition has another format");
  edition->number = ablak_rows_int(rows, 1);
  return edition->number > 0 || edition_error(error, "the edition has no number");
}

AblakKbEdition *ablak_kb_edition_open(const char *path, GError **error)
{
  AblakReader *reader = ablak_reader_open(path, error);
  if (reader == NULL)
    return NULL;
  g_autoptr(AblakKbEdition) edition = g_atomic_rc_box_new0(AblakKbEdition);
  edition->reader = reader;
  return read_number(edition, error) ? g_steal_pointer(&edition) : NULL;
}

gint64 ablak_kb_edition_number(const AblakKbEdition *edition)
{
  return edition->number;
}

const char *ablak_kb_text(const json_t *text, const char *language, const char *binding)
{
  const char *found = language != NULL ? ablak_json_get_string(text, language) : NULL;
  if (found == NULL && binding != NULL)
    found = ablak_json_get_string(text, binding);
  if (found != NULL)
    return found;
  const char *key;
  json_t *any;
  json_object_foreach((json_t *)text, key, any)
  {
    if (json_is_string(any))
      return json_string_value(any);
  }
  return NULL;
}

/* The first column of every row, as JSON. */
static json_t *collect(AblakRows *rows, GError **error)
{
  if (rows == NULL)
    return NULL;
  g_autoptr(json_t) array = json_array();
  g_autoptr(GError) fault = NULL;
  while (ablak_rows_next(rows, &fault))
    json_array_append_new(array, ablak_rows_json(rows, 0));
  if (fault != NULL) {
    g_propagate_error(error, g_steal_pointer(&fault));
    return NULL;
  }
  return g_steal_pointer(&array);
}

/* A row that is not there gets the slug of what was asked for. */
static json_t *one(AblakRows *rows, GError *fault, const char *slug, const char *id, GError **error)
{
  if (rows != NULL)
    return ablak_rows_json(rows, 0);
  if (g_error_matches(fault, ABLAK_ERROR, ABLAK_ERROR_NOT_FOUND)) {
    ablak_error_set(error, ABLAK_ERROR_NOT_FOUND, slug, "the edition has no \"%s\"", id);
    g_error_free(fault);
  } else {
    g_propagate_error(error, fault);
  }
  return NULL;
}

json_t *ablak_kb_offices(AblakKbEdition *edition, GError **error)
{
  g_autoptr(AblakRows) rows = ablak_txn_query(ablak_kb_edition_txn(edition), error,
                                              "SELECT json FROM office ORDER BY id", "");
  return collect(rows, error);
}

json_t *ablak_kb_office(AblakKbEdition *edition, const char *office, GError **error)
{
  GError *fault = NULL;
  g_autoptr(AblakRows) rows = ablak_txn_query_one(
      ablak_kb_edition_txn(edition), &fault, "SELECT json FROM office WHERE id = ?", "t", office);
  return one(rows, fault, "kb/no-office", office, error);
}

json_t *ablak_kb_services(AblakKbEdition *edition, const char *office, GError **error)
{
  g_autoptr(AblakRows) rows =
      ablak_txn_query(ablak_kb_edition_txn(edition), error,
                      "SELECT json FROM service WHERE office = ? ORDER BY prefix", "t", office);
  return collect(rows, error);
}

static json_t *localise(const json_t *service, const char *language)
{
  const char *binding = ablak_json_get_string(json_object_get(service, "language"), "binding");
  return json_pack(
      "{s:s, s:s, s:s, s:s, s:O, s:s, s:s}", "id", ablak_json_get_string(service, "id"), "name",
      ablak_kb_text(json_object_get(service, "name"), language, binding), "summary",
      ablak_kb_text(json_object_get(service, "summary"), language, binding), "prefix",
      ablak_json_get_string(service, "prefix"), "channels", json_object_get(service, "channels"),
      "identity", ablak_json_get_string(service, "identity"), "form",
      ablak_json_get_string(service, "form"));
}

json_t *ablak_kb_services_in(AblakKbEdition *edition, const char *office, const char *language,
                             GError **error)
{
  g_autoptr(json_t) services = ablak_kb_services(edition, office, error);
  if (services == NULL)
    return NULL;
  json_t *array = json_array();
  gsize i;
  json_t *service;
  json_array_foreach(services, i, service)
      json_array_append_new(array, localise(service, language));
  return array;
}

json_t *ablak_kb_service(AblakKbEdition *edition, const char *id, GError **error)
{
  GError *fault = NULL;
  g_autoptr(AblakRows) rows = ablak_txn_query_one(ablak_kb_edition_txn(edition), &fault,
                                                  "SELECT json FROM service WHERE id = ?", "t", id);
  return one(rows, fault, "kb/no-service", id, error);
}

json_t *ablak_kb_form(AblakKbEdition *edition, const char *id, gint64 version, GError **error)
{
  GError *fault = NULL;
  g_autoptr(AblakRows) rows = ablak_txn_query_one(
      ablak_kb_edition_txn(edition), &fault,
      "SELECT json FROM form WHERE id = ? AND (version = ? OR ? = 0) ORDER BY version DESC LIMIT 1",
      "tii", id, version, version);
  return one(rows, fault, "kb/no-form", id, error);
}
