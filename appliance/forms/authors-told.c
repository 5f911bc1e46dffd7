/* forms/authors-told.c: authors as they are told to people and kept in the store. */
#include "core/error.h"
#include "forms/authors-private.h"
#include <string.h>

/* --- as JSON --- */

static json_t *actor_json(const OwnActor *actor)
{
  return json_pack("{s:s, s:s}", "kind", actor->kind, "id", actor->id);
}

/* NULL: its row is gone. */
static char *path_of(const AblakAuthors *authors, const Place *place)
{
  if (place->field->group == NULL)
    return ablak_form_path_join("", place->field->name);
  const GArray *rows = g_hash_table_lookup(authors->rows, place->field->group);
  for (guint i = 0; rows != NULL && i < rows->len; i++) {
    const Row *row = &g_array_index(rows, Row, i);
    if (row->client != place->row.client || row->clock != place->row.clock)
      continue;
    g_autofree char *group = ablak_form_path_join("", place->field->group->name);
    g_autofree char *number = g_strdup_printf("%s/%u", group, i);
    return ablak_form_path_join(number, place->field->name);
  }
  return NULL;
}

static json_t *author_json(const AblakAuthors *authors, const Author *author)
{
  g_autofree char *path = path_of(authors, &author->place);
  if (path == NULL)
    return NULL;
  json_t *others = json_array();
  for (guint i = 0; i < author->others->len; i++)
    json_array_append_new(others, actor_json(&g_array_index(author->others, OwnActor, i)));
  json_t *json = json_pack("{s:s, s:s, s:s, s:I, s:o}", "path", path, "kind", author->by.kind, "id",
                           author->by.id, "at", (json_int_t)author->at_ms, "others", others);
  const Previous *previous = &author->previous;
  if (previous->value != NULL) {
    json_t *past = actor_json(&previous->by);
    json_object_set_new(past, "at", json_integer(previous->at_ms));
    json_object_set(past, "value", previous->value);
    json_object_set_new(past, "concurrent", json_boolean(previous->concurrent));
    json_object_set_new(json, "previous", past);
  }
  return json;
}

static json_t *list_of(const AblakAuthors *authors, bool only_news)
{
  json_t *list = json_array();
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init(&iter, authors->all);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    json_t *json = !only_news || ((Author *)value)->news ? author_json(authors, value) : NULL;
    if (json != NULL)
      json_array_append_new(list, json);
  }
  return list;
}

json_t *ablak_authors_all(const AblakAuthors *authors)
{
  return list_of(authors, false);
}

json_t *ablak_authors_take_news(AblakAuthors *authors, bool *ret_complete)
{
  if (!authors->any_news && !authors->moved)
    return NULL;
  json_t *list = list_of(authors, !authors->moved);
  *ret_complete = authors->moved;
  authors->any_news = authors->moved = false;
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init(&iter, authors->all);
  while (g_hash_table_iter_next(&iter, NULL, &value))
    ((Author *)value)->news = false;
  return list;
}

/* --- for one receiver --- */

static json_t *time_json(const json_t *ms)
{
  gint64 at_ms = json_integer_value(ms);
  g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(at_ms / 1000);
  g_autofree char *seconds = g_date_time_format(time, "%Y-%m-%dT%H:%M:%S");
  return json_sprintf("%s.%03dZ", seconds, (int)(at_ms % 1000));
}

static bool is_clerk_to_citizen(const char *kind, AblakActor receiver)
{
  return g_str_equal(kind, "clerk") && g_str_equal(receiver.kind, "citizen");
}

static json_t *actor_for(const json_t *actor, AblakActor receiver)
{
  const char *kind = ablak_json_get_string(actor, "kind"), *id = ablak_json_get_string(actor, "id");
  bool you = g_str_equal(kind, receiver.kind) && g_str_equal(id, receiver.id);
  return json_pack("{s:s, s:s, s:b}", "kind", kind, "id",
                   is_clerk_to_citizen(kind, receiver) ? kind : id, "you", (int)you);
}

/* To a citizen two clerks are one. */
static json_t *others_for(const json_t *others, const json_t *author, AblakActor receiver)
{
  json_t *list = json_array();
  for (gsize i = 0; i < json_array_size(others); i++) {
    g_autoptr(json_t) one = actor_for(json_array_get(others, i), receiver);
    bool known = json_equal(one, author);
    for (gsize k = 0; k < json_array_size(list); k++)
      known |= json_equal(one, json_array_get(list, k)) != 0;
    if (!known)
      json_array_append(list, one);
  }
  return list;
}

static json_t *author_for(const json_t *json, AblakActor receiver)
{
  json_t *author = actor_for(json, receiver);
  json_t *others = others_for(json_object_get(json, "others"), author, receiver);
  json_object_set(author, "path", json_object_get(json, "path"));
  json_object_set_new(author, "at", time_json(json_object_get(json, "at")));
  json_object_set_new(author, "others", others);
  const json_t *past = json_object_get(json, "previous");
  if (past != NULL) {
    json_t *previous = actor_for(past, receiver);
    json_object_set_new(previous, "at", time_json(json_object_get(past, "at")));
    json_object_set(previous, "value", json_object_get(past, "value"));
    json_object_set(previous, "concurrent", json_object_get(past, "concurrent"));
    json_object_set_new(author, "previous", previous);
  }
  return author;
}

json_t *ablak_authors_for(const json_t *list, AblakActor receiver)
{
  json_t *mine = json_array();
  for (gsize i = 0; i < json_array_size(list); i++)
    json_array_append_new(mine, author_for(json_array_get(list, i), receiver));
  return mine;
}

/* --- in the store --- */

/* New: the rows of one audience as ablak_authors_all gives them. */
static json_t *read_list(AblakTxn *txn, const char *draft_id, bool office, GError **error)
{
  g_autoptr(GError) cause = NULL;
  g_autoptr(json_t) list = json_array();
  g_autoptr(AblakRows) rows = ablak_txn_query(
      txn, error,
      "SELECT f.path, f.actor_kind, f.actor_id, f.at, p.others, p.previous FROM draft_field f"
      " LEFT JOIN draft_field_past p ON p.draft_id = f.draft_id AND p.audience = f.audience"
      " AND p.path = f.path WHERE f.draft_id = ? AND f.audience = ? ORDER BY f.path",
      "tt", draft_id, office ? "office" : "shared");
  if (rows == NULL)
    return NULL;
  while (ablak_rows_next(rows, &cause)) {
    g_autoptr(json_t) others = ablak_rows_json(rows, 4);
    g_autoptr(json_t) previous = ablak_rows_json(rows, 5);
    json_t *author = json_pack("{s:s, s:s, s:s, s:I}", "path", ablak_rows_text(rows, 0), "kind",
                               ablak_rows_text(rows, 1), "id", ablak_rows_text(rows, 2), "at",
                               (json_int_t)ablak_rows_int(rows, 3));
    json_object_set_new(author, "others", others != NULL ? json_incref(others) : json_array());
    if (previous != NULL)
      json_object_set(author, "previous", previous);
    json_array_append_new(list, author);
  }
  if (cause != NULL) {
    g_propagate_error(error, g_steal_pointer(&cause));
    return NULL;
  }
  return g_steal_pointer(&list);
}

json_t *ablak_draft_authors(AblakTxn *txn, const char *draft_id, bool office,
                            const char *receiver_kind, const char *receiver_id, GError **error)
{
  g_autoptr(json_t) list = read_list(txn, draft_id, office, error);
  return list != NULL ? ablak_authors_for(list, (AblakActor){receiver_kind, receiver_id}) : NULL;
}

static AblakActor actor_of(const json_t *json)
{
  return (AblakActor){ablak_json_get_string(json, "kind"), ablak_json_get_string(json, "id")};
}

bool ablak_authors_load(AblakAuthors *authors, AblakYdoc *doc, AblakTxn *txn, const char *draft_id,
                        GError **error)
{
  g_autoptr(json_t) list = read_list(txn, draft_id, authors->office, error);
  if (list == NULL)
    return false;
  ablak_authors_read_rows(authors, doc);
  for (gsize i = 0; i < json_array_size(list); i++) {
    const json_t *json = json_array_get(list, i), *others = json_object_get(json, "others");
    const json_t *previous = json_object_get(json, "previous");
    Place place;
    if (!ablak_authors_place(authors, ablak_json_get_string(json, "path"), &place))
      continue;
    Author *author =
        ablak_authors_add(authors, &place, actor_of(json), ablak_json_get_int(json, "at", 0));
    for (gsize k = json_array_size(others); k-- > 0;)
      ablak_authors_add_other(author, actor_of(json_array_get(others, k)));
    if (previous != NULL)
      ablak_authors_set_previous(author, actor_of(previous), ablak_json_get_int(previous, "at", 0),
                                 json_object_get(previous, "value"),
                                 ablak_json_get_bool(previous, "concurrent", false));
  }
  return true;
}

void ablak_authors_write_free(gpointer data)
{
  AblakAuthorsWrite *write = data;
  json_decref(write->list);
  g_free(write);
}

static bool store_past(AblakTxn *txn, const char *draft_id, const char *audience,
                       const json_t *author, GError **error)
{
  const char *path = ablak_json_get_string(author, "path");
  json_t *others = json_object_get(author, "others"),
         *previous = json_object_get(author, "previous");
  if (json_array_size(others) == 0 && previous == NULL)
    return ablak_txn_exec(txn, NULL, error,
                          "DELETE FROM draft_field_past WHERE draft_id = ? AND audience = ?"
                          " AND path = ?",
                          "ttt", draft_id, audience, path);
  return ablak_txn_exec(txn, NULL, error,
                        "INSERT INTO draft_field_past (draft_id, audience, path, others, previous)"
                        " VALUES (?, ?, ?, ?, ?) ON CONFLICT (draft_id, audience, path) DO UPDATE"
                        " SET others = excluded.others, previous = excluded.previous",
                        "tttjj", draft_id, audience, path, others, previous);
}

bool ablak_authors_store(AblakTxn *txn, const char *draft_id, const AblakAuthorsWrite *write,
                         GError **error)
{
  const char *audience = write->office ? "office" : "shared";
  if (write->complete &&
      (!ablak_txn_exec(txn, NULL, error,
                       "DELETE FROM draft_field WHERE draft_id = ? AND audience = ?", "tt",
                       draft_id, audience) ||
       !ablak_txn_exec(txn, NULL, error,
                       "DELETE FROM draft_field_past WHERE draft_id = ? AND audience = ?", "tt",
                       draft_id, audience)))
    return false;
  for (gsize i = 0; i < json_array_size(write->list); i++) {
    const json_t *author = json_array_get(write->list, i);
    if (!ablak_txn_exec(
            txn, NULL, error,
            "INSERT INTO draft_field (draft_id, audience, path, actor_kind, actor_id, at)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (draft_id, audience, path) DO UPDATE"
            " SET actor_kind = excluded.actor_kind, actor_id = excluded.actor_id,"
            " at = excluded.at",
            "ttttti", draft_id, audience, ablak_json_get_string(author, "path"),
            ablak_json_get_string(author, "kind"), ablak_json_get_string(author, "id"),
            ablak_json_get_int(author, "at", 0)) ||
        !store_past(txn, draft_id, audience, author, error))
      return false;
  }
  return true;
}
