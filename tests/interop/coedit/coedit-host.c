/* Holds documents of the engine for a test in another process: one JSON command a line in, one
 * JSON answer a line out. Bytes travel as hex. */
#include "core/crypto.h"
#include "core/error.h"
#include "core/json.h"
#include "forms/coedit/awareness.h"
#include "forms/coedit/update.h"
#include "forms/coedit/ydoc.h"
#include <stdio.h>
#include <stdlib.h>

typedef struct {
  GHashTable *docs; /* name -> AblakYdoc */
  AblakYawareness *awareness;
} Host;

static GBytes *hex_member(const json_t *command, const char *name)
{
  const char *text = ablak_json_get_string(command, name);
  return text != NULL ? ablak_hex_decode(text) : NULL;
}

static json_t *hex_value(GBytes *bytes)
{
  gsize size;
  const guint8 *data = g_bytes_get_data(bytes, &size);
  g_autofree char *text = ablak_hex_encode(data, size);
  return json_string(text);
}

static json_t *failure(GError *error)
{
  json_t *answer =
      json_pack("{s:s, s:s}", "error", ablak_error_slug(error), "text", error->message);
  g_error_free(error);
  return answer;
}

/* ---- what a document holds ---- */

static AblakYtypeKind kind_named(const char *name)
{
  static const struct {
    const char *name;
    AblakYtypeKind kind;
  } kinds[] = {{"array", ABLAK_YTYPE_ARRAY},
               {"map", ABLAK_YTYPE_MAP},
               {"text", ABLAK_YTYPE_TEXT},
               {"xml", ABLAK_YTYPE_XML_FRAGMENT}};
  for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
    if (g_strcmp0(kinds[i].name, name) == 0)
      return kinds[i].kind;
  }
  return ABLAK_YTYPE_UNKNOWN;
}

static json_t *roots_json(AblakYdoc *doc, json_t *roots)
{
  json_t *all = json_object(), *kind;
  const char *name;
  json_object_foreach(roots, name, kind) json_object_set_new(
      all, name, ablak_ytype_json(ablak_ydoc_root(doc, name), kind_named(json_string_value(kind))));
  return all;
}

/* The types found in the document, breadth first from its roots; roots come with their kind. */
typedef struct {
  AblakYtype *type;
  AblakYtypeKind kind;
} Found;

static void add_found(GArray *all, AblakYtype *type, AblakYtypeKind kind)
{
  if (type == NULL || all->len >= 200)
    return;
  Found found = {type, kind};
  g_array_append_val(all, found);
}

static int compare_text(gconstpointer a, gconstpointer b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_children(GArray *all, const Found *found)
{
  if (found->kind == ABLAK_YTYPE_MAP) {
    g_autoptr(GPtrArray) keys = ablak_ymap_keys(found->type);
    g_ptr_array_sort(keys, compare_text);
    for (guint i = 0; i < keys->len; i++) {
      AblakYtype *child = ablak_ymap_get_type(found->type, g_ptr_array_index(keys, i));
      add_found(all, child, child != NULL ? ablak_ytype_kind(child) : ABLAK_YTYPE_UNKNOWN);
    }
  } else if (found->kind == ABLAK_YTYPE_ARRAY) {
    for (guint64 i = 0; i < ablak_ytype_length(found->type); i++) {
      AblakYtype *child = ablak_yarray_get_type(found->type, i);
      add_found(all, child, child != NULL ? ablak_ytype_kind(child) : ABLAK_YTYPE_UNKNOWN);
    }
  }
}

static GArray *find_types(AblakYdoc *doc, json_t *roots)
{
  GArray *all = g_array_new(FALSE, FALSE, sizeof(Found));
  const char *name;
  json_t *kind;
  json_object_foreach(roots, name, kind)
      add_found(all, ablak_ydoc_root(doc, name), kind_named(json_string_value(kind)));
  for (guint i = 0; i < all->len; i++) {
    Found found = g_array_index(all, Found, i);
    add_children(all, &found);
  }
  return all;
}

static json_t *deltas(AblakYdoc *doc, json_t *roots)
{
  json_t *all = json_array();
  g_autoptr(GArray) types = find_types(doc, roots);
  for (guint i = 0; i < types->len; i++) {
    const Found *found = &g_array_index(types, Found, i);
    if (found->kind == ABLAK_YTYPE_TEXT)
      json_array_append_new(all, ablak_ytext_delta(found->type));
  }
  return all;
}

/* ---- operations of our own, chosen by the numbers of the command ---- */

static guint64 pick(json_t *numbers, size_t index, guint64 bound)
{
  return (guint64)json_integer_value(json_array_get(numbers, index)) % bound;
}

static bool change_map(AblakYtype *map, json_t *numbers, const json_t *value, const char *text,
                       GError **error)
{
  g_autofree char *key = g_strdup_printf("k%d", (int)pick(numbers, 2, 4));
  switch (pick(numbers, 1, 6)) {
  case 0:
    ablak_ymap_delete(map, key);
    return true;
  case 1: {
    AblakYtype *type = ablak_ymap_set_type(map, key, (AblakYtypeKind)pick(numbers, 3, 3), error);
    if (type != NULL && ablak_ytype_kind(type) == ABLAK_YTYPE_TEXT)
      return ablak_ytext_insert(type, 0, text, error);
    return type != NULL;
  }
  default:
    return ablak_ymap_set(map, key, value, error);
  }
}

static bool change_array(AblakYtype *array, json_t *numbers, json_t *value, GError **error)
{
  guint64 length = ablak_ytype_length(array), index = pick(numbers, 2, length + 1);
  switch (pick(numbers, 1, 6)) {
  case 0:
  case 1:
    return ablak_yarray_delete(array, index, pick(numbers, 3, length - index + 1), error);
  case 2:
    return ablak_yarray_insert_type(array, index, (AblakYtypeKind)pick(numbers, 3, 3), error) !=
           NULL;
  default: {
    json_t *values = json_pack("[O, i]", value, (int)index);
    bool good = ablak_yarray_insert(array, index, values, error);
    json_decref(values);
    return good;
  }
  }
}

static bool change_text(AblakYtype *text, json_t *numbers, const char *added, GError **error)
{
  guint64 length = ablak_ytype_length(text), index = pick(numbers, 2, length + 1);
  switch (pick(numbers, 1, 8)) {
  case 0:
  case 1:
  case 2:
    return ablak_ytext_delete(text, index, pick(numbers, 3, MIN(length - index, 7) + 1), error);
  case 3:
    return ablak_ytext_replace(text, added, error);
  default:
    return ablak_ytext_insert(text, index, added, error);
  }
}

static bool change_one(AblakYdoc *doc, json_t *roots, json_t *op, GError **error)
{
  json_t *numbers = json_object_get(op, "numbers"), *value = json_object_get(op, "value");
  const char *text = ablak_json_get_string(op, "text");
  g_autoptr(GArray) types = find_types(doc, roots);
  Found found = g_array_index(types, Found, pick(numbers, 0, types->len));
  switch (found.kind) {
  case ABLAK_YTYPE_MAP:
    return change_map(found.type, numbers, value, text, error);
  case ABLAK_YTYPE_ARRAY:
    return change_array(found.type, numbers, value, error);
  case ABLAK_YTYPE_TEXT:
    return change_text(found.type, numbers, text, error);
  default:
    return true;
  }
}

static json_t *change(AblakYdoc *doc, json_t *command)
{
  GError *error = NULL;
  size_t index;
  json_t *op;
  ablak_ydoc_begin(doc);
  json_array_foreach(json_object_get(command, "ops"), index, op)
  {
    if (error == NULL)
      change_one(doc, json_object_get(command, "roots"), op, &error);
  }
  g_autoptr(GBytes) update = ablak_ydoc_commit(doc);
  if (error != NULL)
    return failure(error);
  return json_pack("{s:o}", "update", update != NULL ? hex_value(update) : json_null());
}

/* ---- commands ---- */

static bool refuse_root(const AblakYdocChange *change, gpointer user_data)
{
  return g_strcmp0(json_string_value(json_array_get(change->path, 0)), user_data) != 0;
}

static json_t *change_json(const AblakYdocChange *change)
{
  return json_pack("{s:i, s:O, s:I, s:I, s:b, s:O*}", "kind", (int)change->kind, "path",
                   change->path, "inserted", (json_int_t)change->inserted, "deleted",
                   (json_int_t)change->deleted, "refused", change->refused, "before",
                   change->before);
}

static json_t *report_json(const AblakYdocReport *report)
{
  json_t *changes = json_array();
  for (guint i = 0; report->changes != NULL && i < report->changes->len; i++)
    json_array_append_new(changes, change_json(g_ptr_array_index(report->changes, i)));
  return json_pack("{s:o, s:i, s:o}", "update",
                   report->update != NULL ? hex_value(report->update) : json_null(), "refused",
                   (int)report->refused, "changes", changes);
}

static json_t *apply(AblakYdoc *doc, json_t *command)
{
  GError *error = NULL;
  g_autoptr(GBytes) update = hex_member(command, "update");
  g_autoptr(AblakYdocReport) report = NULL;
  const char *refuse = ablak_json_get_string(command, "refuse");
  gsize size;
  const void *data = g_bytes_get_data(update, &size);
  guint64 origin = (guint64)ablak_json_get_int(command, "origin", 1);
  guint want = (guint)ablak_json_get_int(command, "want", 0);
  bool good = refuse != NULL ? ablak_ydoc_apply_checked(doc, data, size, origin, want, refuse_root,
                                                        (gpointer)refuse, &report, &error)
                             : ablak_ydoc_apply(doc, data, size, origin, want, &report, &error);
  return good ? report_json(report) : failure(error);
}

static json_t *state(AblakYdoc *doc, json_t *command)
{
  json_t *roots = json_object_get(command, "roots");
  g_autoptr(GBytes) vector = ablak_ydoc_state_vector(doc);
  g_autoptr(GBytes) update = ablak_ydoc_encode(doc, NULL, 0, NULL);
  return json_pack("{s:o, s:o, s:o, s:o, s:b, s:I}", "json", roots_json(doc, roots), "deltas",
                   deltas(doc, roots), "vector", hex_value(vector), "update", hex_value(update),
                   "pending", ablak_ydoc_has_pending(doc), "bytes",
                   (json_int_t)ablak_ydoc_bytes(doc));
}

static json_t *diff(AblakYdoc *doc, json_t *command)
{
  GError *error = NULL;
  g_autoptr(GBytes) vector = hex_member(command, "vector");
  gsize size;
  const void *data = g_bytes_get_data(vector, &size);
  g_autoptr(GBytes) update = ablak_ydoc_encode(doc, data, size, &error);
  return update != NULL ? json_pack("{s:o}", "update", hex_value(update)) : failure(error);
}

/* Updates as bytes: merged, cut, in the other format. */
static json_t *bytes_command(const char *op, json_t *command)
{
  GError *error = NULL;
  g_autoptr(GBytes) update = hex_member(command, "update"), vector = hex_member(command, "vector");
  g_autoptr(GPtrArray) updates = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  GBytes *result = NULL;
  gsize size = 0, vector_size = 0, index;
  json_t *text;
  const void *data = update != NULL ? g_bytes_get_data(update, &size) : NULL;
  const void *states = vector != NULL ? g_bytes_get_data(vector, &vector_size) : NULL;
  json_array_foreach(json_object_get(command, "updates"), index, text)
      g_ptr_array_add(updates, ablak_hex_decode(json_string_value(text)));
  if (g_strcmp0(op, "merge") == 0)
    result = ablak_yupdate_merge((GBytes *const *)updates->pdata, updates->len, &error);
  else if (g_strcmp0(op, "cut") == 0)
    result = ablak_yupdate_diff(data, size, states, vector_size, &error);
  else if (g_strcmp0(op, "vector") == 0)
    result = ablak_yupdate_state_vector(data, size, &error);
  else if (g_strcmp0(op, "to-v2") == 0)
    result = ablak_yupdate_to_v2(data, size, &error);
  else if (g_strcmp0(op, "from-v2") == 0)
    result = ablak_yupdate_from_v2(data, size, 0, &error);
  else
    return json_pack("{s:s}", "error", "no such command");
  json_t *answer =
      result != NULL ? json_pack("{s:o}", "update", hex_value(result)) : failure(error);
  g_clear_pointer(&result, g_bytes_unref);
  return answer;
}

static json_t *snapshot(AblakYdoc *doc)
{
  g_autoptr(GBytes) bytes = ablak_ydoc_snapshot(doc);
  return json_pack("{s:o}", "update", hex_value(bytes));
}

static json_t *at_snapshot(Host *host, AblakYdoc *doc, json_t *command)
{
  GError *error = NULL;
  g_autoptr(GBytes) bytes = hex_member(command, "update");
  gsize size;
  const void *data = g_bytes_get_data(bytes, &size);
  AblakYdoc *old = ablak_ydoc_at_snapshot(doc, data, size, &error);
  if (old == NULL)
    return failure(error);
  g_hash_table_replace(host->docs, g_strdup(ablak_json_get_string(command, "as")), old);
  return json_object();
}

static json_t *awareness_states(const AblakYawareness *awareness)
{
  json_t *states = json_object();
  g_autoptr(GArray) clients = ablak_yawareness_clients(awareness);
  for (guint i = 0; i < clients->len; i++) {
    guint64 client = g_array_index(clients, guint64, i);
    g_autofree char *name = g_strdup_printf("%" G_GUINT64_FORMAT, client);
    json_object_set_new(states, name, json_deep_copy(ablak_yawareness_get(awareness, client)));
  }
  return states;
}

static GBytes *encode_some(const AblakYawareness *awareness, json_t *names)
{
  g_autoptr(GArray) clients = g_array_new(FALSE, FALSE, sizeof(guint64));
  size_t index;
  json_t *name;
  json_array_foreach(names, index, name)
  {
    guint64 client = (guint64)json_integer_value(name);
    g_array_append_val(clients, client);
  }
  return ablak_yawareness_encode(awareness, (const guint64 *)(const void *)clients->data,
                                 clients->len);
}

static json_t *awareness_command(AblakYawareness *awareness, const char *op, json_t *command)
{
  GError *error = NULL;
  gint64 now_ms = ablak_json_get_int(command, "now", 0);
  g_array_unref(ablak_yawareness_expire(awareness, now_ms));
  if (g_strcmp0(op, "awareness-set") == 0) {
    const json_t *state = json_object_get(command, "state");
    ablak_yawareness_set(awareness, (guint64)ablak_json_get_int(command, "client", 0),
                         json_is_null(state) ? NULL : state, now_ms);
  } else if (g_strcmp0(op, "awareness-apply") == 0) {
    g_autoptr(GBytes) update = hex_member(command, "update");
    gsize size;
    const void *data = g_bytes_get_data(update, &size);
    if (!ablak_yawareness_apply(awareness, data, size, now_ms, NULL, &error))
      return failure(error);
  }
  g_autoptr(GBytes) bytes = encode_some(awareness, json_object_get(command, "clients"));
  return json_pack("{s:o, s:o}", "states", awareness_states(awareness), "update", hex_value(bytes));
}

static json_t *run(Host *host, json_t *command)
{
  const char *op = ablak_json_get_string(command, "op");
  const char *name = ablak_json_get_string(command, "doc");
  if (g_strcmp0(op, "new") == 0) {
    AblakYdocOptions options = {
        .client_id = (guint64)ablak_json_get_int(command, "client", 0),
        .keep_deleted = !ablak_json_get_bool(command, "gc", true),
    };
    g_hash_table_replace(host->docs, g_strdup(name), ablak_ydoc_new(&options));
    return json_object();
  }
  if (g_str_has_prefix(op, "awareness-"))
    return awareness_command(host->awareness, op, command);
  AblakYdoc *doc = name != NULL ? g_hash_table_lookup(host->docs, name) : NULL;
  if (doc == NULL)
    return bytes_command(op, command);
  if (g_strcmp0(op, "snapshot") == 0)
    return snapshot(doc);
  if (g_strcmp0(op, "at-snapshot") == 0)
    return at_snapshot(host, doc, command);
  if (g_strcmp0(op, "apply") == 0)
    return apply(doc, command);
  if (g_strcmp0(op, "state") == 0)
    return state(doc, command);
  if (g_strcmp0(op, "diff") == 0)
    return diff(doc, command);
  if (g_strcmp0(op, "change") == 0)
    return change(doc, command);
  return json_pack("{s:s}", "error", "no such command");
}

int main(void)
{
  Host host = {
      g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)ablak_ydoc_free),
      ablak_yawareness_new(0, 0)};
  char *line = NULL;
  size_t capacity = 0;
  ssize_t length;
  while ((length = getline(&line, &capacity, stdin)) > 0) {
    json_t *command = json_loadb(line, (size_t)length, JSON_ALLOW_NUL, NULL);
    json_t *answer = run(&host, command);
    char *text = json_dumps(answer, JSON_COMPACT);
    puts(text);
    fflush(stdout);
    free(text);
    json_decref(answer);
    json_decref(command);
  }
  free(line);
  g_hash_table_unref(host.docs);
  ablak_yawareness_free(host.awareness);
  return 0;
}
