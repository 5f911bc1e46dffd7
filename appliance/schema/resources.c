/* schema/resources.c: documents, $id, anchors and references (Core §8.2, §9). */
#include "core/error.h"
#include "schema/private.h"
#include <string.h>

#define DEPTH_MAX 256

/* Where subschemas live; only there do $id and anchors count. */
static const char *const one_keywords[] = {"not",
                                           "if",
                                           "then",
                                           "else",
                                           "items",
                                           "contains",
                                           "additionalProperties",
                                           "propertyNames",
                                           "unevaluatedItems",
                                           "unevaluatedProperties",
                                           "contentSchema",
                                           NULL};
static const char *const list_keywords[] = {"allOf", "anyOf", "oneOf", "prefixItems", NULL};
static const char *const map_keywords[] = {
    "$defs", "definitions", "properties", "patternProperties", "dependentSchemas", NULL};

void ablak_schema_resource_free(AblakSchemaResource *resource)
{
  g_free(resource->uri);
  g_hash_table_unref(resource->anchors);
  g_hash_table_unref(resource->dynamic_anchors);
  g_hash_table_unref(resource->dynamic_nodes);
  g_free(resource);
}

static void split_fragment(const char *uri, char **ret_uri, char **ret_fragment)
{
  const char *hash = strchr(uri, '#');
  *ret_uri = hash != NULL ? g_strndup(uri, (gsize)(hash - uri)) : g_strdup(uri);
  *ret_fragment = hash != NULL ? g_strdup(hash + 1) : NULL;
}

static char *resolve_uri(const char *base, const char *reference, GError **error)
{
  if (*reference == '\0')
    return g_strdup(base);
  g_autoptr(GError) cause = NULL;
  char *uri = g_uri_resolve_relative(base, reference, G_URI_FLAGS_ENCODED, &cause);
  if (uri == NULL)
    ablak_error_set(error, ABLAK_ERROR_UNPROCESSABLE, "schema/reference", "bad reference %s: %s",
                    reference, cause->message);
  return uri;
}

static AblakSchemaResource *new_resource(AblakSchemaCompiler *compiler, const char *uri,
                                         json_t *root, AblakSchemaDialect dialect)
{
  AblakSchemaResource *resource = g_new0(AblakSchemaResource, 1);
  resource->uri = g_strdup(uri);
  resource->root = root;
  resource->anchors = g_hash_table_new(g_str_hash, g_str_equal);
  resource->dynamic_anchors = g_hash_table_new(g_str_hash, g_str_equal);
  resource->dynamic_nodes = g_hash_table_new(g_str_hash, g_str_equal);
  resource->dialect = dialect;
  g_ptr_array_add(compiler->schema->resources, resource);
  g_hash_table_insert(compiler->schema->by_uri, resource->uri, resource);
  return resource;
}

static json_t *find_document(AblakSchemaCompiler *compiler, const char *uri)
{
  if (compiler->options != NULL && compiler->options->documents != NULL) {
    json_t *document = json_object_get(compiler->options->documents, uri);
    if (document != NULL)
      return json_deep_copy(document);
  }
  const char *text = ablak_schema_metaschema(uri);
  return text != NULL ? ablak_json_parse(text, strlen(text), NULL) : NULL;
}

/* The vocabularies of a $schema: all but format-assertion unless its metaschema says otherwise. */
static bool find_dialect(AblakSchemaCompiler *compiler, const char *uri,
                         AblakSchemaDialect *dialect, GError **error)
{
  static const char prefix[] = "https://json-schema.org/draft/2020-12/vocab/";
  g_autofree char *plain = NULL, *fragment = NULL;
  split_fragment(uri, &plain, &fragment);
  bool format_assertion = compiler->options != NULL && compiler->options->assert_format;
  *dialect = (AblakSchemaDialect){true, true, true, format_assertion};
  if (g_str_equal(plain, "https://json-schema.org/draft/2020-12/schema"))
    return true;
  g_autoptr(json_t) metaschema = find_document(compiler, plain);
  if (metaschema == NULL) {
    ablak_error_set(error, ABLAK_ERROR_UNPROCESSABLE, "schema/reference", "unknown $schema %s",
                    uri);
    return false;
  }
  json_t *vocabularies = json_object_get(metaschema, "$vocabulary");
  if (!json_is_object(vocabularies))
    return true;
  *dialect = (AblakSchemaDialect){false, false, false, format_assertion};
  const char *name;
  json_t *required;
  json_object_foreach(vocabularies, name, required)
  {
    const char *known = g_str_has_prefix(name, prefix) ? name + strlen(prefix) : "";
    dialect->applicator |= g_str_equal(known, "applicator");
    dialect->unevaluated |= g_str_equal(known, "unevaluated");
    dialect->validation |= g_str_equal(known, "validation");
    dialect->format_assertion |= g_str_equal(known, "format-assertion");
    if (*known == '\0' && json_is_true(required)) {
      ablak_error_set(error, ABLAK_ERROR_UNPROCESSABLE, "schema/reference",
                      "unknown required vocabulary %s", name);
      return false;
    }
  }
  return true;
}

static bool walk(AblakSchemaCompiler *compiler, json_t *json, AblakSchemaResource *resource,
                 unsigned depth, GError **error);

static bool walk_children(AblakSchemaCompiler *compiler, json_t *json,
                          AblakSchemaResource *resource, unsigned depth, GError **error)
{
  for (gsize i = 0; one_keywords[i] != NULL; i++) {
    json_t *child = json_object_get(json, one_keywords[i]);
    if (child != NULL && !walk(compiler, child, resource, depth + 1, error))
      return false;
  }
  for (gsize i = 0; list_keywords[i] != NULL; i++) {
    json_t *list = json_object_get(json, list_keywords[i]);
    for (gsize j = 0; j < json_array_size(list); j++)
      if (!walk(compiler, json_array_get(list, j), resource, depth + 1, error))
        return false;
  }
  for (gsize i = 0; map_keywords[i] != NULL; i++) {
    const char *name;
    json_t *child;
    json_object_foreach(json_object_get(json, map_keywords[i]), name,
                        child) if (!walk(compiler, child, resource, depth + 1, error)) return false;
  }
  return true;
}

/* A subschema with $id begins a resource of its own. */
static AblakSchemaResource *enter(AblakSchemaCompiler *compiler, json_t *json,
                                  AblakSchemaResource *resource, GError **error)
{
  const char *id = ablak_json_get_string(json, "$id");
  if (id == NULL || resource->root == json)
    return resource;
  g_autofree char *uri = resolve_uri(resource->uri, id, error), *plain = NULL, *fragment = NULL;
  if (uri == NULL)
    return NULL;
  split_fragment(uri, &plain, &fragment);
  if (fragment != NULL && *fragment != '\0')
    return resource; /* older drafts' anchors; 2020-12 knows none in $id */
  AblakSchemaDialect dialect = resource->dialect;
  const char *metaschema = ablak_json_get_string(json, "$schema");
  if (metaschema != NULL && !find_dialect(compiler, metaschema, &dialect, error))
    return NULL;
  return new_resource(compiler, plain, json, dialect);
}

static bool walk(AblakSchemaCompiler *compiler, json_t *json, AblakSchemaResource *resource,
                 unsigned depth, GError **error)
{
  if (depth > DEPTH_MAX) {
    ablak_error_set(error, ABLAK_ERROR_UNPROCESSABLE, "schema/invalid", "schema nested too deep");
    return false;
  }
  if (g_hash_table_contains(compiler->schema->owners, json))
    return true;
  if (json_is_object(json)) {
    resource = enter(compiler, json, resource, error);
    if (resource == NULL)
      return false;
    const char *anchor = ablak_json_get_string(json, "$anchor");
    const char *dynamic = ablak_json_get_string(json, "$dynamicAnchor");
    if (anchor != NULL)
      g_hash_table_insert(resource->anchors, (gpointer)anchor, json);
    if (dynamic != NULL) {
      g_hash_table_insert(resource->anchors, (gpointer)dynamic, json);
      g_hash_table_insert(resource->dynamic_anchors, (gpointer)dynamic, json);
    }
  }
  if (json_is_object(json)) /* booleans are shared by jansson: their address says nothing */
    g_hash_table_insert(compiler->schema->owners, json, resource);
  return walk_children(compiler, json, resource, depth, error);
}

AblakSchemaResource *ablak_schema_add_document(AblakSchemaCompiler *compiler, const char *uri,
                                               json_t *json, GError **error)
{
  AblakSchemaDialect dialect = {true, true, true,
                                compiler->options != NULL && compiler->options->assert_format};
  const char *metaschema = ablak_json_get_string(json, "$schema");
  if (metaschema != NULL && !find_dialect(compiler, metaschema, &dialect, error))
    return NULL;
  const char *id = ablak_json_get_string(json, "$id");
  g_autofree char *full = resolve_uri(uri, id != NULL ? id : "", error), *plain = NULL,
                  *fragment = NULL;
  if (full == NULL)
    return NULL;
  split_fragment(full, &plain, &fragment);
  AblakSchemaResource *resource = new_resource(compiler, plain, json, dialect);
  if (!g_str_equal(uri, plain)) {
    json_t *retrieved = json_string(uri); /* owns the key */
    g_ptr_array_add(compiler->schema->documents, retrieved);
    g_hash_table_insert(compiler->schema->by_uri, (gpointer)json_string_value(retrieved), resource);
  }
  return walk(compiler, json, resource, 0, error) ? resource : NULL;
}

static AblakSchemaResource *load(AblakSchemaCompiler *compiler, const char *uri, GError **error)
{
  AblakSchemaResource *resource = g_hash_table_lookup(compiler->schema->by_uri, uri);
  if (resource != NULL)
    return resource;
  json_t *document = find_document(compiler, uri);
  if (document == NULL) {
    ablak_error_set(error, ABLAK_ERROR_UNPROCESSABLE, "schema/reference", "unknown document %s",
                    uri);
    return NULL;
  }
  g_ptr_array_add(compiler->schema->documents, document);
  return ablak_schema_add_document(compiler, uri, document, error);
}

/* A JSON Pointer fragment; on the way the base changes with each known $id. */
static bool follow_pointer(AblakSchemaCompiler *compiler, const char *pointer,
                           AblakSchemaTarget *target, GError **error)
{
  g_auto(GStrv) tokens = g_strsplit(pointer + 1, "/", -1);
  for (gsize i = 0; tokens[i] != NULL; i++) {
    g_auto(GStrv) slashes = g_strsplit(tokens[i], "~1", -1);
    g_autofree char *joined = g_strjoinv("/", slashes);
    g_auto(GStrv) tildes = g_strsplit(joined, "~0", -1);
    g_autofree char *token = g_strjoinv("~", tildes);
    if (json_is_array(target->json))
      target->json = g_ascii_isdigit(*token)
                         ? json_array_get(target->json, g_ascii_strtoull(token, NULL, 10))
                         : NULL;
    else
      target->json = json_object_get(target->json, token);
    if (target->json == NULL)
      return false;
    AblakSchemaResource *owner = g_hash_table_lookup(compiler->schema->owners, target->json);
    if (owner != NULL)
      target->resource = owner;
  }
  /* A pointer may lead into an unknown keyword, which becomes a schema by being referred to. */
  if (!walk(compiler, target->json, target->resource, 0, error))
    return false;
  AblakSchemaResource *owner = g_hash_table_lookup(compiler->schema->owners, target->json);
  if (owner != NULL)
    target->resource = owner;
  return true;
}

bool ablak_schema_resolve(AblakSchemaCompiler *compiler, AblakSchemaResource *base,
                          const char *reference, AblakSchemaTarget *ret_target, GError **error)
{
  g_autofree char *full = resolve_uri(base->uri, reference, error), *uri = NULL, *encoded = NULL;
  if (full == NULL)
    return false;
  split_fragment(full, &uri, &encoded);
  AblakSchemaTarget target = {.resource = load(compiler, uri, error)};
  if (target.resource == NULL)
    return false;
  target.json = target.resource->root;
  g_autofree char *fragment = encoded != NULL ? g_uri_unescape_string(encoded, NULL) : NULL;
  if (encoded != NULL && fragment == NULL) {
    target.json = NULL;
  } else if (fragment != NULL && *fragment == '/') {
    g_autoptr(GError) cause = NULL;
    if (!follow_pointer(compiler, fragment, &target, &cause)) {
      if (cause != NULL) {
        g_propagate_error(error, g_steal_pointer(&cause));
        return false;
      }
      target.json = NULL;
    }
  } else if (fragment != NULL && *fragment != '\0') {
    gpointer name = NULL;
    gpointer anchored = NULL;
    g_hash_table_lookup_extended(target.resource->anchors, fragment, &name, &anchored);
    target.json = anchored;
    target.anchor = name;
  }
  if (target.json == NULL) {
    ablak_error_set(error, ABLAK_ERROR_UNPROCESSABLE, "schema/reference", "nothing at %s",
                    reference);
    return false;
  }
  *ret_target = target;
  return true;
}
