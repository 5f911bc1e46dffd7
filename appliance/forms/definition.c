/* forms/definition.c: reads and checks a published form definition. */
#include "core/error.h"
#include "forms/private.h"
#include <string.h>

typedef struct {
  AblakForm *form;
  const char *const *languages;
  GError **error;
} Parser;

static bool refuse(Parser *parser, const char *what, const char *where)
{
  ablak_error_set(parser->error, ABLAK_ERROR_UNPROCESSABLE, "forms/definition", "form: %s (%s)",
                  what, where);
  return false;
}

static void field_free(gpointer data)
{
  AblakFormField *field = data;
  g_clear_pointer(&field->fields, g_ptr_array_unref);
  g_free(field);
}

bool ablak_widget_is_text(AblakWidget widget)
{
  return widget == ABLAK_WIDGET_TEXT || widget == ABLAK_WIDGET_TEXTAREA ||
         widget == ABLAK_WIDGET_EMAIL || widget == ABLAK_WIDGET_PHONE;
}

static bool widget_named(const char *name, AblakWidget *ret_widget)
{
  static const char *const names[] = {
      [ABLAK_WIDGET_TEXT] = "text",    [ABLAK_WIDGET_TEXTAREA] = "textarea",
      [ABLAK_WIDGET_EMAIL] = "email",  [ABLAK_WIDGET_PHONE] = "phone",
      [ABLAK_WIDGET_DATE] = "date",    [ABLAK_WIDGET_SELECT] = "select",
      [ABLAK_WIDGET_RADIO] = "radio",  [ABLAK_WIDGET_CHECKBOX] = "checkbox",
      [ABLAK_WIDGET_NUMBER] = "number"};
  for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
    if (g_strcmp0(name, names[i]) == 0) {
      *ret_widget = (AblakWidget)i;
      return true;
    }
  return false;
}

/* A text by language; missing is allowed only when `optional`. */
static bool check_text(Parser *parser, const json_t *owner, const char *name, const char *where,
                       bool optional)
{
  const json_t *text = json_object_get(owner, name);
  if (text == NULL && optional)
    return true;
  if (!json_is_object(text) || json_object_size(text) == 0)
    return refuse(parser, "a text by language is missing", where);
  const char *language;
  json_t *words;
  json_object_foreach((json_t *)text, language, words)
  {
    if (!json_is_string(words))
      return refuse(parser, "a text by language is no text", where);
  }
  for (gsize i = 0; parser->languages != NULL && parser->languages[i] != NULL; i++)
    if (ablak_json_get_string(text, parser->languages[i]) == NULL)
      return refuse(parser, "a text is missing in a language of the office", where);
  return true;
}

static bool check_options(Parser *parser, const AblakFormField *field)
{
  bool chosen = field->widget == ABLAK_WIDGET_SELECT || field->widget == ABLAK_WIDGET_RADIO;
  const json_t *options = json_object_get(field->element, "options");
  const json_t *allowed = json_object_get(field->schema, "enum");
  if (chosen != (json_array_size(options) > 0))
    return refuse(parser, "options belong to select and radio", field->name);
  for (gsize i = 0; i < json_array_size(options); i++) {
    const json_t *option = json_array_get(options, i);
    const char *value = ablak_json_get_string(option, "value");
    if (value == NULL)
      return refuse(parser, "an option has no value", field->name);
    bool found = allowed == NULL;
    for (gsize j = 0; !found && j < json_array_size(allowed); j++)
      found = g_strcmp0(json_string_value(json_array_get(allowed, j)), value) == 0;
    if (!found)
      return refuse(parser, "an option is not allowed by the schema", field->name);
    if (!check_text(parser, option, "label", field->name, false))
      return false;
  }
  return true;
}

/* `name` without the slash that fields of the form itself carry. */
static bool check_name(Parser *parser, const char *name, bool in_group, const char **ret_name)
{
  if (name == NULL)
    return refuse(parser, "an element has no field", "layout");
  if (!in_group && *name != '/')
    return refuse(parser, "a field must begin with a slash", name);
  name += in_group ? 0 : 1;
  for (const char *c = name; *c != '\0'; c++)
    if (!g_ascii_isalnum(*c) && *c != '_' && *c != '-')
      return refuse(parser, "a field has a bad name", name);
  if (*name == '\0' || g_ascii_isdigit(*name) || strlen(name) > 100)
    return refuse(parser, "a field has a bad name", name);
  *ret_name = name;
  return true;
}

static AblakFormField *parse_field(Parser *parser, json_t *element, AblakFormField *group,
                                   json_t *properties)
{
  const char *name = NULL;
  if (!check_name(parser, ablak_json_get_string(element, "field"), group != NULL, &name))
    return NULL;
  AblakFormField *field = g_new0(AblakFormField, 1);
  field->name = name;
  field->element = element;
  field->group = group;
  field->office = json_is_true(json_object_get(element, "office"));
  field->schema = json_object_get(properties, name);
  bool group_element = g_strcmp0(ablak_json_get_string(element, "type"), "repeat") == 0;
  bool good = true;
  if (field->schema == NULL)
    good = refuse(parser, "a field is not in the schema", name);
  else if (group_element)
    field->widget = ABLAK_WIDGET_REPEAT;
  else if (!widget_named(ablak_json_get_string(element, "widget"), &field->widget))
    good = refuse(parser, "unknown widget", name);
  good = good && check_text(parser, element, group_element ? "title" : "label", name, false) &&
         check_text(parser, element, "hint", name, true) &&
         (group_element || check_options(parser, field));
  if (good)
    return field;
  field_free(field);
  return NULL;
}

static bool parse_group(Parser *parser, AblakFormField *group)
{
  json_t *elements = json_object_get(group->element, "elements");
  json_t *items = json_object_get(group->schema, "items");
  json_t *properties = json_object_get(items, "properties");
  group->fields = g_ptr_array_new_with_free_func(field_free);
  if (!json_is_object(properties) || json_array_size(elements) == 0)
    return refuse(parser, "a group needs an array of objects in the schema", group->name);
  for (gsize i = 0; i < json_array_size(elements); i++) {
    json_t *element = json_array_get(elements, i);
    if (g_strcmp0(ablak_json_get_string(element, "type"), "field") != 0)
      return refuse(parser, "a group holds only fields", group->name);
    AblakFormField *field = parse_field(parser, element, group, properties);
    if (field == NULL)
      return false;
    if (ablak_form_group_field(group, field->name) != NULL) {
      refuse(parser, "a field stands there twice", field->name);
      field_free(field);
      return false;
    }
    field->office = group->office;
    g_ptr_array_add(group->fields, field);
  }
  return true;
}

static bool parse_section(Parser *parser, json_t *section)
{
  AblakForm *form = parser->form;
  json_t *properties = json_object_get(json_object_get(form->definition, "schema"), "properties");
  json_t *elements = json_object_get(section, "elements");
  if (!check_text(parser, section, "title", "section", false))
    return false;
  for (gsize i = 0; i < json_array_size(elements); i++) {
    AblakFormField *field = parse_field(parser, json_array_get(elements, i), NULL, properties);
    if (field == NULL)
      return false;
    if (ablak_form_top(form, field->name) != NULL) {
      refuse(parser, "a field stands there twice", field->name);
      field_free(field);
      return false;
    }
    g_ptr_array_add(form->fields, field);
    g_hash_table_insert(form->by_name, (gpointer)field->name, field);
    if (field->widget == ABLAK_WIDGET_REPEAT && !parse_group(parser, field))
      return false;
  }
  return true;
}

/* Nothing may be required that nobody can fill in. */
static bool check_required(Parser *parser)
{
  json_t *required =
      json_object_get(json_object_get(parser->form->definition, "schema"), "required");
  for (gsize i = 0; i < json_array_size(required); i++) {
    const char *name = json_string_value(json_array_get(required, i));
    if (name == NULL || ablak_form_top(parser->form, name) == NULL)
      return refuse(parser, "a required field is not in the layout", name != NULL ? name : "?");
  }
  return true;
}

static bool parse_definition(Parser *parser)
{
  AblakForm *form = parser->form;
  json_t *definition = form->definition;
  const char *id = ablak_json_get_string(definition, "id");
  if (id == NULL || *id == '\0')
    return refuse(parser, "no id", "form");
  if (ablak_json_get_int(definition, "version", 0) < 1)
    return refuse(parser, "no version", id);
  if (!check_text(parser, definition, "title", id, false))
    return false;
  AblakSchemaOptions options = {.assert_format = true};
  form->schema =
      ablak_schema_compile(json_object_get(definition, "schema"), &options, parser->error);
  if (form->schema == NULL)
    return false;
  json_t *layout = json_object_get(definition, "layout");
  for (gsize i = 0; i < json_array_size(layout); i++)
    if (!parse_section(parser, json_array_get(layout, i)))
      return false;
  return form->fields->len > 0 ? check_required(parser) : refuse(parser, "no fields", id);
}

AblakForm *ablak_form_parse(const json_t *definition, const char *const *languages, GError **error)
{
  g_autoptr(AblakForm) form = g_new0(AblakForm, 1);
  g_atomic_ref_count_init(&form->references);
  form->definition = json_deep_copy(definition);
  form->fields = g_ptr_array_new_with_free_func(field_free);
  form->by_name = g_hash_table_new(g_str_hash, g_str_equal);
  Parser parser = {form, languages, error};
  if (!json_is_object(json_object_get(definition, "schema"))) {
    refuse(&parser, "no schema", "form");
    return NULL;
  }
  return parse_definition(&parser) ? g_steal_pointer(&form) : NULL;
}

AblakForm *ablak_form_ref(AblakForm *form)
{
  g_atomic_ref_count_inc(&form->references);
  return form;
}

void ablak_form_unref(AblakForm *form)
{
  if (form == NULL || !g_atomic_ref_count_dec(&form->references))
    return;
  g_hash_table_unref(form->by_name);
  g_ptr_array_unref(form->fields);
  ablak_schema_free(form->schema);
  json_decref(form->definition);
  g_free(form);
}

const char *ablak_form_id(const AblakForm *form)
{
  return ablak_json_get_string(form->definition, "id");
}

gint64 ablak_form_version(const AblakForm *form)
{
  return ablak_json_get_int(form->definition, "version", 0);
}

bool ablak_form_is_sample(const AblakForm *form)
{
  return ablak_json_get_bool(form->definition, "sample", false);
}

json_t *ablak_form_definition(const AblakForm *form)
{
  return form->definition;
}

const GPtrArray *ablak_form_fields(const AblakForm *form)
{
  return form->fields;
}

const AblakFormField *ablak_form_top(const AblakForm *form, const char *name)
{
  return g_hash_table_lookup(form->by_name, name);
}

const AblakFormField *ablak_form_group_field(const AblakFormField *group, const char *name)
{
  for (guint i = 0; i < group->fields->len; i++) {
    const AblakFormField *field = g_ptr_array_index(group->fields, i);
    if (g_str_equal(field->name, name))
      return field;
  }
  return NULL;
}

GStrv ablak_form_path_tokens(const char *path)
{
  if (path == NULL || *path != '/')
    return NULL;
  GStrv tokens = g_strsplit(path + 1, "/", -1);
  for (gsize i = 0; tokens[i] != NULL; i++) {
    char *out = tokens[i];
    for (const char *c = tokens[i]; *c != '\0'; c++) {
      if (c[0] == '~' && (c[1] == '0' || c[1] == '1'))
        *out++ = *++c == '1' ? '/' : '~';
      else
        *out++ = *c;
    }
    *out = '\0';
  }
  return tokens;
}

char *ablak_form_path_join(const char *path, const char *token)
{
  GString *joined = g_string_new(path);
  g_string_append_c(joined, '/');
  for (const char *c = token; *c != '\0'; c++) {
    if (*c == '~')
      g_string_append(joined, "~0");
    else if (*c == '/')
      g_string_append(joined, "~1");
    else
      g_string_append_c(joined, *c);
  }
  return g_string_free(joined, FALSE);
}

const AblakFormField *ablak_form_field_at(const AblakForm *form, const char *path)
{
  g_auto(GStrv) tokens = ablak_form_path_tokens(path);
  gsize count = tokens != NULL ? g_strv_length(tokens) : 0;
  const AblakFormField *field = count > 0 ? ablak_form_top(form, tokens[0]) : NULL;
  if (field == NULL || count == 1)
    return field;
  guint64 row = 0;
  if (count != 3 || field->widget != ABLAK_WIDGET_REPEAT ||
      !g_ascii_string_to_unsigned(tokens[1], 10, 0, G_MAXINT32, &row, NULL))
    return NULL;
  return ablak_form_group_field(field, tokens[2]);
}
