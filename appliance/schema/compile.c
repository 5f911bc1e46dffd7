/* schema/compile.c: keywords read once into nodes; references become pointers. */
#include "core/error.h"
#include "schema/private.h"
#include <math.h>
#include <string.h>

#define NODES_MAX 100000

static void pattern_property_free(gpointer data)
{
  AblakSchemaPatternProperty *property = data;
  g_clear_pointer(&property->regex, g_regex_unref);
  g_free(property);
}

static void node_free(gpointer data)
{
  AblakSchemaNode *node = data;
  g_clear_pointer(&node->pattern, g_regex_unref);
  g_clear_pointer(&node->all_of, g_ptr_array_unref);
  g_clear_pointer(&node->any_of, g_ptr_array_unref);
  g_clear_pointer(&node->one_of, g_ptr_array_unref);
  g_clear_pointer(&node->prefix_items, g_ptr_array_unref);
  g_clear_pointer(&node->properties, g_hash_table_unref);
  g_clear_pointer(&node->dependent_schemas, g_hash_table_unref);
  g_clear_pointer(&node->pattern_properties, g_ptr_array_unref);
  g_free(node);
}

static bool invalid(GError **error, const char *keyword, const char *wanted)
{
  ablak_error_set(error, ABLAK_ERROR_UNPROCESSABLE, "schema/invalid", "%s must be %s", keyword,
                  wanted);
  return false;
}

/* The node of a subschema, made on first sight; its keywords are read later, off a queue, so that
 * neither depth nor cycles matter. */
static AblakSchemaNode *node_for(AblakSchemaCompiler *compiler, json_t *json,
                                 AblakSchemaResource *resource)
{
  AblakSchema *schema = compiler->schema;
  AblakSchemaNode *node = json_is_object(json) ? g_hash_table_lookup(schema->nodes, json) : NULL;
  if (node != NULL)
    return node;
  AblakSchemaResource *owner =
      json_is_object(json) ? g_hash_table_lookup(schema->owners, json) : NULL;
  node = g_new0(AblakSchemaNode, 1);
  node->json = json;
  node->resource = owner != NULL ? owner : resource;
  node->max_length = node->max_items = node->max_properties = node->max_contains = SCHEMA_NO_LIMIT;
  node->min_contains = 1;
  /* true and false are shared by jansson, so they are keyed by the node itself */
  g_hash_table_insert(schema->nodes, json_is_object(json) ? (gpointer)json : (gpointer)node, node);
  g_queue_push_tail(compiler->pending, node);
  return node;
}

static bool read_one(AblakSchemaCompiler *compiler, AblakSchemaNode *node, const char *keyword,
                     AblakSchemaNode **ret, GError **error)
{
  json_t *child = json_object_get(node->json, keyword);
  if (child == NULL)
    return true;
  if (!json_is_object(child) && !json_is_boolean(child))
    return invalid(error, keyword, "a schema");
  *ret = node_for(compiler, child, node->resource);
  return true;
}

static bool read_list(AblakSchemaCompiler *compiler, AblakSchemaNode *node, const char *keyword,
                      GPtrArray **ret, GError **error)
{
  json_t *list = json_object_get(node->json, keyword);
  if (list == NULL)
    return true;
  if (!json_is_array(list) || json_array_size(list) == 0)
    return invalid(error, keyword, "a non-empty array of schemas");
  *ret = g_ptr_array_new();
  for (gsize i = 0; i < json_array_size(list); i++) {
    json_t *child = json_array_get(list, i);
    if (!json_is_object(child) && !json_is_boolean(child))
      return invalid(error, keyword, "an array of schemas");
    g_ptr_array_add(*ret, node_for(compiler, child, node->resource));
  }
  return true;
}

static bool read_map(AblakSchemaCompiler *compiler, AblakSchemaNode *node, const char *keyword,
                     GHashTable **ret, GError **error)
{
  json_t *map = json_object_get(node->json, keyword), *child;
  if (map == NULL)
    return true;
  if (!json_is_object(map))
    return invalid(error, keyword, "an object of schemas");
  *ret = g_hash_table_new(g_str_hash, g_str_equal);
  const char *name;
  json_object_foreach(map, name, child)
  {
    if (!json_is_object(child) && !json_is_boolean(child))
      return invalid(error, keyword, "an object of schemas");
    g_hash_table_insert(*ret, (gpointer)name, node_for(compiler, child, node->resource));
  }
  return true;
}

static bool read_patterns(AblakSchemaCompiler *compiler, AblakSchemaNode *node, GError **error)
{
  json_t *map = json_object_get(node->json, "patternProperties"), *child;
  if (map == NULL)
    return true;
  if (!json_is_object(map))
    return invalid(error, "patternProperties", "an object of schemas");
  node->pattern_properties = g_ptr_array_new_with_free_func(pattern_property_free);
  const char *name;
  json_object_foreach(map, name, child)
  {
    if (!json_is_object(child) && !json_is_boolean(child))
      return invalid(error, "patternProperties", "an object of schemas");
    AblakSchemaPatternProperty *property = g_new0(AblakSchemaPatternProperty, 1);
    g_ptr_array_add(node->pattern_properties, property);
    property->regex = ablak_schema_pattern_compile(name, error);
    if (property->regex == NULL)
      return false;
    property->node = node_for(compiler, child, node->resource);
  }
  return true;
}

static bool read_size(AblakSchemaNode *node, const char *keyword, gsize *ret, GError **error)
{
  json_t *value = json_object_get(node->json, keyword);
  if (value == NULL)
    return true;
  double number = json_number_value(value);
  if (!json_is_number(value) || number < 0 || trunc(number) != number)
    return invalid(error, keyword, "a non-negative integer");
  *ret = number >= 9e15 ? SCHEMA_NO_LIMIT : (gsize)number;
  return true;
}

static bool read_number(AblakSchemaNode *node, const char *keyword, json_t **ret, GError **error)
{
  json_t *value = json_object_get(node->json, keyword);
  if (value != NULL && !json_is_number(value))
    return invalid(error, keyword, "a number");
  *ret = value;
  return true;
}

static unsigned type_named(const json_t *name)
{
  static const struct {
    const char *name;
    unsigned type;
  } types[] = {{"null", SCHEMA_TYPE_NULL},       {"boolean", SCHEMA_TYPE_BOOLEAN},
               {"integer", SCHEMA_TYPE_INTEGER}, {"number", SCHEMA_TYPE_NUMBER},
               {"string", SCHEMA_TYPE_STRING},   {"array", SCHEMA_TYPE_ARRAY},
               {"object", SCHEMA_TYPE_OBJECT}};
  for (gsize i = 0; i < G_N_ELEMENTS(types); i++)
    if (g_strcmp0(json_string_value(name), types[i].name) == 0)
      return types[i].type;
  return 0;
}

static bool read_types(AblakSchemaNode *node, GError **error)
{
  json_t *type = json_object_get(node->json, "type");
  if (type == NULL)
    return true;
  if (json_is_array(type) && json_array_size(type) > 0) {
    for (gsize i = 0; i < json_array_size(type); i++) {
      unsigned one = type_named(json_array_get(type, i));
      if (one == 0)
        return invalid(error, "type", "the names of types");
      node->types |= one;
    }
    return true;
  }
  node->types = type_named(type);
  return node->types != 0 || invalid(error, "type", "the name of a type");
}

static bool strings_only(const json_t *array)
{
  for (gsize i = 0; i < json_array_size(array); i++)
    if (!json_is_string(json_array_get(array, i)))
      return false;
  return json_is_array(array);
}

static bool read_required(AblakSchemaNode *node, GError **error)
{
  node->required = json_object_get(node->json, "required");
  if (node->required != NULL && !strings_only(node->required))
    return invalid(error, "required", "an array of strings");
  node->dependent_required = json_object_get(node->json, "dependentRequired");
  if (node->dependent_required == NULL)
    return true;
  if (!json_is_object(node->dependent_required))
    return invalid(error, "dependentRequired", "an object");
  const char *name;
  json_t *names;
  json_object_foreach(
      node->dependent_required, name,
      names) if (!strings_only(names)) return invalid(error, "dependentRequired",
                                                      "an object of arrays of strings");
  return true;
}

static bool read_pattern(AblakSchemaNode *node, GError **error)
{
  json_t *pattern = json_object_get(node->json, "pattern");
  if (pattern == NULL)
    return true;
  if (!json_is_string(pattern))
    return invalid(error, "pattern", "a string");
  node->pattern = ablak_schema_pattern_compile(json_string_value(pattern), error);
  return node->pattern != NULL;
}

static bool read_validation(AblakSchemaNode *node, GError **error)
{
  node->constant = json_object_get(node->json, "const");
  node->enumeration = json_object_get(node->json, "enum");
  if (node->enumeration != NULL && !json_is_array(node->enumeration))
    return invalid(error, "enum", "an array");
  node->unique_items = json_is_true(json_object_get(node->json, "uniqueItems"));
  if (!read_number(node, "multipleOf", &node->multiple_of, error))
    return false;
  if (node->multiple_of != NULL && json_number_value(node->multiple_of) <= 0)
    return invalid(error, "multipleOf", "greater than 0");
  return read_types(node, error) && read_number(node, "maximum", &node->maximum, error) &&
         read_number(node, "minimum", &node->minimum, error) &&
         read_number(node, "exclusiveMaximum", &node->exclusive_maximum, error) &&
         read_number(node, "exclusiveMinimum", &node->exclusive_minimum, error) &&
         read_size(node, "maxLength", &node->max_length, error) &&
         read_size(node, "minLength", &node->min_length, error) &&
         read_size(node, "maxItems", &node->max_items, error) &&
         read_size(node, "minItems", &node->min_items, error) &&
         read_size(node, "maxProperties", &node->max_properties, error) &&
         read_size(node, "minProperties", &node->min_properties, error) &&
         read_size(node, "maxContains", &node->max_contains, error) &&
         read_size(node, "minContains", &node->min_contains, error) && read_pattern(node, error) &&
         read_required(node, error);
}

static bool read_applicators(AblakSchemaCompiler *c, AblakSchemaNode *node, GError **error)
{
  return read_list(c, node, "allOf", &node->all_of, error) &&
         read_list(c, node, "anyOf", &node->any_of, error) &&
         read_list(c, node, "oneOf", &node->one_of, error) &&
         read_list(c, node, "prefixItems", &node->prefix_items, error) &&
         read_one(c, node, "not", &node->not_of, error) &&
         read_one(c, node, "if", &node->if_of, error) &&
         read_one(c, node, "then", &node->then_of, error) &&
         read_one(c, node, "else", &node->else_of, error) &&
         read_one(c, node, "items", &node->items, error) &&
         read_one(c, node, "contains", &node->contains, error) &&
         read_one(c, node, "additionalProperties", &node->additional_properties, error) &&
         read_one(c, node, "propertyNames", &node->property_names, error) &&
         read_map(c, node, "properties", &node->properties, error) &&
         read_map(c, node, "dependentSchemas", &node->dependent_schemas, error) &&
         read_patterns(c, node, error);
}

static bool read_references(AblakSchemaCompiler *compiler, AblakSchemaNode *node, GError **error)
{
  AblakSchemaTarget target;
  json_t *ref = json_object_get(node->json, "$ref");
  if (ref != NULL) {
    if (!json_is_string(ref))
      return invalid(error, "$ref", "a string");
    if (!ablak_schema_resolve(compiler, node->resource, json_string_value(ref), &target, error))
      return false;
    node->ref = node_for(compiler, target.json, target.resource);
  }
  json_t *dynamic = json_object_get(node->json, "$dynamicRef");
  if (dynamic == NULL)
    return true;
  if (!json_is_string(dynamic))
    return invalid(error, "$dynamicRef", "a string");
  if (!ablak_schema_resolve(compiler, node->resource, json_string_value(dynamic), &target, error))
    return false;
  node->dynamic_ref = node_for(compiler, target.json, target.resource);
  if (target.anchor != NULL &&
      g_hash_table_lookup(target.resource->dynamic_anchors, target.anchor) == target.json)
    node->dynamic_name = target.anchor;
  return true;
}

static bool read_node(AblakSchemaCompiler *compiler, AblakSchemaNode *node, GError **error)
{
  if (json_is_boolean(node->json)) {
    node->never = json_is_false(node->json);
    return true;
  }
  if (!json_is_object(node->json))
    return invalid(error, "a schema", "an object or a boolean");
  const AblakSchemaDialect *dialect = &node->resource->dialect;
  const char *format = ablak_json_get_string(node->json, "format");
  if (format != NULL && dialect->format_assertion) {
    node->format = ablak_schema_format(format);
    node->format_name = format;
  }
  if (dialect->validation && !read_validation(node, error))
    return false;
  if (dialect->applicator && !read_applicators(compiler, node, error))
    return false;
  if (dialect->unevaluated &&
      (!read_one(compiler, node, "unevaluatedItems", &node->unevaluated_items, error) ||
       !read_one(compiler, node, "unevaluatedProperties", &node->unevaluated_properties, error)))
    return false;
  if (node->unevaluated_items != NULL || node->unevaluated_properties != NULL)
    compiler->schema->unevaluated = true;
  return read_references(compiler, node, error);
}

/* Every dynamic anchor of every loaded resource may become a target at run time. */
static void link_dynamic_anchors(AblakSchemaCompiler *compiler)
{
  AblakSchema *schema = compiler->schema;
  for (guint i = 0; i < schema->resources->len; i++) {
    AblakSchemaResource *resource = g_ptr_array_index(schema->resources, i);
    GHashTableIter iter;
    gpointer name, json;
    g_hash_table_iter_init(&iter, resource->dynamic_anchors);
    while (g_hash_table_iter_next(&iter, &name, &json))
      g_hash_table_insert(resource->dynamic_nodes, name, node_for(compiler, json, resource));
  }
}

static bool read_all(AblakSchemaCompiler *compiler, GError **error)
{
  do {
    AblakSchemaNode *node;
    while ((node = g_queue_pop_head(compiler->pending)) != NULL) {
      if (g_hash_table_size(compiler->schema->nodes) > NODES_MAX)
        return invalid(error, "a schema", "smaller");
      if (!read_node(compiler, node, error))
        return false;
    }
    link_dynamic_anchors(compiler);
  } while (!g_queue_is_empty(compiler->pending));
  return true;
}

AblakSchema *ablak_schema_compile(json_t *json, const AblakSchemaOptions *options, GError **error)
{
  g_autoptr(AblakSchema) schema = g_new0(AblakSchema, 1);
  schema->json = json_deep_copy(json);
  schema->documents = g_ptr_array_new_with_free_func((GDestroyNotify)json_decref);
  schema->resources = g_ptr_array_new_with_free_func((GDestroyNotify)ablak_schema_resource_free);
  schema->by_uri = g_hash_table_new(g_str_hash, g_str_equal);
  schema->owners = g_hash_table_new(NULL, NULL);
  schema->nodes = g_hash_table_new_full(NULL, NULL, NULL, node_free);
  g_autoptr(GQueue) pending = g_queue_new();
  AblakSchemaCompiler compiler = {schema, options, pending};
  if (!json_is_object(json) && !json_is_boolean(json)) {
    invalid(error, "a schema", "an object or a boolean");
    return NULL;
  }
  AblakSchemaResource *resource =
      ablak_schema_add_document(&compiler, "schema:///", schema->json, error);
  if (resource == NULL)
    return NULL;
  schema->root = node_for(&compiler, schema->json, resource);
  if (!read_all(&compiler, error))
    return NULL;
  return g_steal_pointer(&schema);
}

void ablak_schema_free(AblakSchema *schema)
{
  if (schema == NULL)
    return;
  g_clear_pointer(&schema->nodes, g_hash_table_unref);
  g_clear_pointer(&schema->owners, g_hash_table_unref);
  g_clear_pointer(&schema->by_uri, g_hash_table_unref);
  g_clear_pointer(&schema->resources, g_ptr_array_unref);
  g_clear_pointer(&schema->documents, g_ptr_array_unref);
  g_clear_pointer(&schema->json, json_decref);
  g_free(schema);
}
