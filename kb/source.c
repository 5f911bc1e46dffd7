/* One source file: read, parsed, checked against its format. */
#include "core/error.h"
#include "kb/private.h"
#include "kb/schemas/schemas.h"
#include "schema/schema.h"
#include <errno.h>
#include <string.h>

#define SOURCE_BYTES_MAX (1024 * 1024)

static const char *const kind_names[] = {"office", "service", "form"};

bool ablak_kb_source_error(GError **error, const char *name, const char *pointer,
                           const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  g_autofree char *message = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  ablak_error_set(error, ABLAK_ERROR_UNPROCESSABLE, "kb/source", "%s#%s: %s", name, pointer,
                  message);
  return false;
}

bool ablak_kb_file_error(GError **error, const char *what, const char *path)
{
  int cause = errno;
  ablak_error_set(error, ABLAK_ERROR_FAILED, "kb/file", "%s %s: %s", what, path, g_strerror(cause));
  return false;
}

static json_t *schema_text(const char *name, GError **error)
{
  for (const AblakKbSchemaText *at = ablak_kb_schema_texts; at->name != NULL; at++)
    if (strcmp(at->name, name) == 0)
      return ablak_json_parse(at->text, strlen(at->text), error);
  g_assert_not_reached();
}

static AblakSchema *compile_kind(AblakKbKind kind, GError **error)
{
  g_autoptr(json_t) shared = schema_text("text", error);
  if (shared == NULL)
    return NULL;
  g_autoptr(json_t) schema = schema_text(kind_names[kind], error);
  if (schema == NULL)
    return NULL;
  g_autoptr(json_t) documents = json_object();
  json_object_set(documents, ablak_json_get_string(shared, "$id"), shared);
  AblakSchemaOptions options = {.assert_format = true, .documents = documents};
  return ablak_schema_compile(schema, &options, error);
}

/* Compiled once a process and then only read, so any thread may use it. */
static const AblakSchema *kind_schema(AblakKbKind kind, GError **error)
{
  static GMutex mutex;
  static AblakSchema *schemas[G_N_ELEMENTS(kind_names)];
  g_mutex_lock(&mutex);
  if (schemas[kind] == NULL)
    schemas[kind] = compile_kind(kind, error);
  const AblakSchema *schema = schemas[kind];
  g_mutex_unlock(&mutex);
  return schema;
}

json_t *ablak_kb_source_parse(AblakKbKind kind, const char *name, const char *text, gsize length,
                              GError **error)
{
  if (length > SOURCE_BYTES_MAX) {
    ablak_kb_source_error(error, name, "", "larger than %d bytes", SOURCE_BYTES_MAX);
    return NULL;
  }
  const AblakSchema *schema = kind_schema(kind, error);
  if (schema == NULL)
    return NULL;
  g_autoptr(GError) fault = NULL;
  g_autoptr(json_t) value = ablak_json_parse(text, length, &fault);
  if (value == NULL) {
    ablak_kb_source_error(error, name, "", "%s", fault->message);
    return NULL;
  }
  g_autoptr(GPtrArray) issues = NULL;
  if (!ablak_schema_validate(schema, value, 1, &issues)) {
    const AblakSchemaIssue *issue = issues->len > 0 ? g_ptr_array_index(issues, 0) : NULL;
    ablak_kb_source_error(error, name, issue != NULL ? issue->instance_path : "", "%s%s%s",
                          issue != NULL ? issue->keyword : "does not fit its format",
                          issue != NULL && issue->detail != NULL ? " " : "",
                          issue != NULL && issue->detail != NULL ? issue->detail : "");
    return NULL;
  }
  if (kind == ABLAK_KB_FORM && !ablak_kb_form_check(name, value, error))
    return NULL;
  return g_steal_pointer(&value);
}

char *ablak_kb_file_read(const char *path, gsize *ret_length, GError **error)
{
  g_autoptr(GError) fault = NULL;
  g_autofree char *text = NULL;
  if (!g_file_get_contents(path, &text, ret_length, &fault)) {
    ablak_error_set(error, ABLAK_ERROR_FAILED, "kb/file", "%s", fault->message);
    return NULL;
  }
  return g_steal_pointer(&text);
}

static json_t *read_source(AblakKbKind kind, const char *path, GError **error)
{
  gsize length = 0;
  g_autofree char *text = ablak_kb_file_read(path, &length, error);
  return text == NULL ? NULL : ablak_kb_source_parse(kind, path, text, length, error);
}

static int compare_names(gconstpointer a, gconstpointer b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static GPtrArray *list_json_files(const char *folder, GError **error)
{
  g_autoptr(GError) fault = NULL;
  g_autoptr(GDir) directory = g_dir_open(folder, 0, &fault);
  if (directory == NULL) {
    ablak_error_set(error, ABLAK_ERROR_FAILED, "kb/file", "%s", fault->message);
    return NULL;
  }
  GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
  for (const char *name; (name = g_dir_read_name(directory)) != NULL;)
    if (g_str_has_suffix(name, ".json"))
      g_ptr_array_add(paths, g_build_filename(folder, name, NULL));
  g_ptr_array_sort(paths, compare_names);
  return paths;
}

/* By id, then version: the order of the edition does not depend on file names. */
static int compare_items(gconstpointer a, gconstpointer b)
{
  const json_t *left = *(json_t *const *)a, *right = *(json_t *const *)b;
  int order = strcmp(ablak_json_get_string(left, "id"), ablak_json_get_string(right, "id"));
  if (order != 0)
    return order;
  gint64 one = ablak_json_get_int(left, "version", 0),
         two = ablak_json_get_int(right, "version", 0);
  return (one > two) - (one < two);
}

static GPtrArray *read_folder(AblakKbKind kind, const char *directory, const char *name,
                              GError **error)
{
  g_autofree char *folder = g_build_filename(directory, name, NULL);
  g_autoptr(GPtrArray) paths = list_json_files(folder, error);
  if (paths == NULL)
    return NULL;
  g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func((GDestroyNotify)json_decref);
  for (guint i = 0; i < paths->len; i++) {
    json_t *item = read_source(kind, g_ptr_array_index(paths, i), error);
    if (item == NULL)
      return NULL;
    g_ptr_array_add(items, item);
  }
  g_ptr_array_sort(items, compare_items);
  return g_steal_pointer(&items);
}

AblakKbSources *ablak_kb_sources_read(const char *directory, GError **error)
{
  g_autoptr(AblakKbSources) sources = g_new0(AblakKbSources, 1);
  g_autofree char *path = g_build_filename(directory, "office.json", NULL);
  sources->office = read_source(ABLAK_KB_OFFICE, path, error);
  if (sources->office == NULL)
    return NULL;
  sources->services = read_folder(ABLAK_KB_SERVICE, directory, "services", error);
  if (sources->services == NULL)
    return NULL;
  sources->forms = read_folder(ABLAK_KB_FORM, directory, "forms", error);
  if (sources->forms == NULL || !ablak_kb_sources_check(sources, error))
    return NULL;
  return g_steal_pointer(&sources);
}

void ablak_kb_sources_free(AblakKbSources *sources)
{
  if (sources == NULL)
    return;
  json_decref(sources->office);
  g_clear_pointer(&sources->services, g_ptr_array_unref);
  g_clear_pointer(&sources->forms, g_ptr_array_unref);
  g_free(sources);
}
