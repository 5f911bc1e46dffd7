/* What a format cannot say: every reference leads somewhere, every text exists in every language of
 * the office, and the layout shows exactly the fields its schema has. */
#include "core/error.h"
#include "kb/private.h"
#include "schema/schema.h"
#include <string.h>

/* --- languages ------------------------------------------------------------------------------- */

static bool languages_have(const json_t *languages, const char *language)
{
  gsize i;
  json_t *item;
  json_array_foreach((json_t *)languages, i, item)
  {
    if (strcmp(json_string_value(item), language) == 0)
      return true;
  }
  return false;
}

static bool check_text(const char *name, const char *pointer, const json_t *text,
                       const json_t *languages, GError **error)
{
  gsize i;
  json_t *language;
  json_array_foreach((json_t *)languages, i, language)
  {
    if (json_object_get(text, json_string_value(language)) == NULL)
      return ablak_kb_source_error(error, name, pointer, "the text is missing in \"%s\"",
                                   json_string_value(language));
  }
  const char *key;
  json_t *ignored;
  json_object_foreach((json_t *)text, key, ignored)
  {
    if (!languages_have(languages, key))
      return ablak_kb_source_error(error, name, pointer, "the office has no language \"%s\"", key);
  }
  return true;
}

/* The member names under which the formats hold multilingual text. */
static bool is_text_member(const char *name)
{
  static const char *const members[] = {"name",    "summary", "description", "title",
                                        "note",    "text",    "label",       "hint",
                                        "address", "notice",  "competence"};
  for (gsize i = 0; i < G_N_ELEMENTS(members); i++)
    if (strcmp(members[i], name) == 0)
      return true;
  return false;
}

/* Depth is bounded by the parser's limit. */
static bool check_texts(const char *name, const char *pointer, const json_t *value,
                        const json_t *languages, GError **error)
{
  const char *key;
  gsize i;
  json_t *item;
  json_array_foreach((json_t *)value, i, item)
  {
    g_autofree char *below = g_strdup_printf("%s/%" G_GSIZE_FORMAT, pointer, i);
    if (!check_texts(name, below, item, languages, error))
      return false;
  }
  json_object_foreach((json_t *)value, key, item)
  {
    g_autofree char *below = g_strdup_printf("%s/%s", pointer, key);
    /* A form's schema is the content's, it holds no text of ours. */
    if (strcmp(key, "schema") == 0)
      continue;
    if (is_text_member(key) && json_is_object(item)) {
      if (!check_text(name, below, item, languages, error))
        return false;
    } else if (!check_texts(name, below, item, languages, error)) {
      return false;
    }
  }
  return true;
}

/* --- forms ----------------------------------------------------------------------------------- */

static bool check_options(const char *name, const char *pointer, const json_t *element,
                          const json_t *property, GError **error)
{
  const json_t *options = json_object_get(element, "options");
  const json_t *values = json_object_get(property, "enum");
  if (options == NULL)
    return true;
  if (json_array_size(options) != json_array_size(values))
    return ablak_kb_source_error(error, name, pointer, "the options are not the schema's enum");
  gsize i;
  json_t *option;
  json_array_foreach((json_t *)options, i, option)
  {
    if (!json_equal(json_object_get(option, "value"), json_array_get(values, i)))
      return ablak_kb_source_error(error, name, pointer, "the options are not the schema's enum");
  }
  return true;
}

static bool fits_type(const json_t *element, const char *type)
{
  if (strcmp(ablak_json_get_string(element, "type"), "repeat") == 0)
    return strcmp(type, "array") == 0;
  const char *widget = ablak_json_get_string(element, "widget");
  if (strcmp(widget, "checkbox") == 0)
    return strcmp(type, "boolean") == 0;
  if (strcmp(widget, "number") == 0)
    return strcmp(type, "integer") == 0 || strcmp(type, "number") == 0;
  return strcmp(type, "string") == 0;
}

/* `shown` collects the properties the layout has shown so far. */
static bool check_field(const char *name, const char *pointer, const json_t *element,
                        const json_t *schema, GHashTable *shown, GError **error)
{
  const char *field = ablak_json_get_string(element, "field");
  const char *property_name = field[0] == '/' ? field + 1 : field;
  const json_t *property = json_object_get(json_object_get(schema, "properties"), property_name);
  if (property == NULL)
    return ablak_kb_source_error(error, name, pointer, "the schema has no property \"%s\"",
                                 property_name);
  if (!g_hash_table_add(shown, g_strdup(property_name)))
    return ablak_kb_source_error(error, name, pointer, "\"%s\" is shown twice", property_name);
  const char *type = ablak_json_get_string(property, "type");
  if (type == NULL || !fits_type(element, type))
    return ablak_kb_source_error(error, name, pointer, "\"%s\" has another type in the schema",
                                 property_name);
  return check_options(name, pointer, element, property, error);
}

/* Every property is somewhere, and nothing is required that nobody can fill in. */
static bool check_all_shown(const char *name, const char *pointer, const json_t *schema,
                            GHashTable *shown, GError **error)
{
  const char *key;
  json_t *item;
  json_object_foreach(json_object_get(schema, "properties"), key, item)
  {
    if (!g_hash_table_contains(shown, key))
      return ablak_kb_source_error(error, name, pointer, "\"%s\" is nowhere in the layout", key);
  }
  gsize i;
  json_array_foreach(json_object_get(schema, "required"), i, item)
  {
    if (!g_hash_table_contains(shown, json_string_value(item)))
      return ablak_kb_source_error(error, name, pointer,
                                   "\"%s\" is required, but nowhere in the layout",
                                   json_string_value(item));
  }
  return true;
}

static bool check_repeat(const char *name, const char *pointer, const json_t *repeat,
                         const json_t *schema, GError **error)
{
  const char *field = ablak_json_get_string(repeat, "field");
  const json_t *array = json_object_get(json_object_get(schema, "properties"), field + 1);
  const json_t *items = json_object_get(array, "items");
  g_autoptr(GHashTable) shown = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  gsize i;
  json_t *element;
  json_array_foreach(json_object_get(repeat, "elements"), i, element)
  {
    g_autofree char *below = g_strdup_printf("%s/elements/%" G_GSIZE_FORMAT, pointer, i);
    if (!check_field(name, below, element, items, shown, error))
      return false;
  }
  return check_all_shown(name, pointer, items, shown, error);
}

static bool check_section(const char *name, const char *pointer, const json_t *section,
                          const json_t *schema, GHashTable *shown, GError **error)
{
  gsize i;
  json_t *element;
  json_array_foreach(json_object_get(section, "elements"), i, element)
  {
    g_autofree char *below = g_strdup_printf("%s/elements/%" G_GSIZE_FORMAT, pointer, i);
    if (!check_field(name, below, element, schema, shown, error))
      return false;
    if (strcmp(ablak_json_get_string(element, "type"), "repeat") == 0 &&
        !check_repeat(name, below, element, schema, error))
      return false;
  }
  return true;
}

bool ablak_kb_form_check(const char *name, const json_t *form, GError **error)
{
  json_t *schema = json_object_get(form, "schema");
  g_autoptr(GError) fault = NULL;
  AblakSchemaOptions options = {.assert_format = true};
  g_autoptr(AblakSchema) compiled = ablak_schema_compile(schema, &options, &fault);
  if (compiled == NULL)
    return ablak_kb_source_error(error, name, "/schema", "%s", fault->message);
  g_autoptr(GHashTable) shown = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  gsize i;
  json_t *section;
  json_array_foreach(json_object_get(form, "layout"), i, section)
  {
    g_autofree char *pointer = g_strdup_printf("/layout/%" G_GSIZE_FORMAT, i);
    if (!check_section(name, pointer, section, schema, shown, error))
      return false;
  }
  return check_all_shown(name, "/layout", schema, shown, error);
}

/* --- an office's files together -------------------------------------------------------------- */

static bool check_service(const AblakKbSources *sources, const json_t *service,
                          GHashTable *prefixes, GError **error)
{
  const char *id = ablak_json_get_string(service, "id");
  const json_t *languages = json_object_get(sources->office, "languages");
  const char *binding = ablak_json_get_string(json_object_get(service, "language"), "binding");
  if (!languages_have(languages, binding))
    return ablak_kb_source_error(error, id, "/language/binding",
                                 "the office has no language \"%s\"", binding);
  if (!check_texts(id, "", service, languages, error))
    return false;
  if (!g_hash_table_add(prefixes, (char *)ablak_json_get_string(service, "prefix")))
    return ablak_kb_source_error(error, id, "/prefix", "another service has it");
  const char *form = ablak_json_get_string(service, "form");
  for (guint i = 0; i < sources->forms->len; i++)
    if (strcmp(ablak_json_get_string(g_ptr_array_index(sources->forms, i), "id"), form) == 0)
      return true;
  return ablak_kb_source_error(error, id, "/form", "there is no form \"%s\"", form);
}

/* `items` is sorted, so equals are neighbours. */
static bool check_unique(const GPtrArray *items, bool by_version, GError **error)
{
  for (guint i = 1; i < items->len; i++) {
    const json_t *before = g_ptr_array_index(items, i - 1), *item = g_ptr_array_index(items, i);
    const char *id = ablak_json_get_string(item, "id");
    bool same_version =
        ablak_json_get_int(before, "version", 0) == ablak_json_get_int(item, "version", 0);
    if (strcmp(ablak_json_get_string(before, "id"), id) == 0 && (!by_version || same_version))
      return ablak_kb_source_error(error, id, "/id", "another file has it too");
  }
  return true;
}

bool ablak_kb_language_is_valid(const char *language)
{
  gsize length = language == NULL ? 0 : strlen(language);
  if (length < 2 || length > 3)
    return false;
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_islower(language[i]))
      return false;
  return true;
}

bool ablak_kb_sources_check(const AblakKbSources *sources, GError **error)
{
  const char *office = ablak_json_get_string(sources->office, "id");
  const json_t *languages = json_object_get(sources->office, "languages");
  if (!check_texts(office, "", sources->office, languages, error) ||
      !check_unique(sources->services, false, error) || !check_unique(sources->forms, true, error))
    return false;
  for (guint i = 0; i < sources->forms->len; i++) {
    const json_t *form = g_ptr_array_index(sources->forms, i);
    if (!check_texts(ablak_json_get_string(form, "id"), "", form, languages, error))
      return false;
  }
  g_autoptr(GHashTable) prefixes = g_hash_table_new(g_str_hash, g_str_equal);
  for (guint i = 0; i < sources->services->len; i++)
    if (!check_service(sources, g_ptr_array_index(sources->services, i), prefixes, error))
      return false;
  return true;
}
