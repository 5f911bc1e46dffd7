/* schema/private.h: the compiled form, private to this folder. */
#pragma once
#include "schema/schema.h"

typedef struct AblakSchemaNode AblakSchemaNode;
typedef struct AblakSchemaResource AblakSchemaResource;

typedef enum {
  SCHEMA_TYPE_NULL = 1 << 0,
  SCHEMA_TYPE_BOOLEAN = 1 << 1,
  SCHEMA_TYPE_INTEGER = 1 << 2,
  SCHEMA_TYPE_NUMBER = 1 << 3,
  SCHEMA_TYPE_STRING = 1 << 4,
  SCHEMA_TYPE_ARRAY = 1 << 5,
  SCHEMA_TYPE_OBJECT = 1 << 6,
} AblakSchemaType;

/* Which vocabularies a resource's metaschema asks for (Core §8.1.2). */
typedef struct {
  bool applicator, unevaluated, validation, format_assertion;
} AblakSchemaDialect;

/* A schema resource: what one absolute URI without fragment names (Core §4.3.5). */
struct AblakSchemaResource {
  char *uri;
  json_t *root;                /* borrowed from the document */
  GHashTable *anchors;         /* name -> json_t, both kinds of anchors */
  GHashTable *dynamic_anchors; /* name -> json_t */
  GHashTable *dynamic_nodes;   /* name -> AblakSchemaNode, filled when everything is compiled */
  AblakSchemaDialect dialect;
};

typedef struct {
  GRegex *regex;
  AblakSchemaNode *node;
} AblakSchemaPatternProperty;

typedef bool (*AblakSchemaFormatCheck)(const char *text, gsize length);

#define SCHEMA_NO_LIMIT G_MAXSIZE

struct AblakSchemaNode {
  json_t *json; /* borrowed from the document */
  AblakSchemaResource *resource;
  bool never; /* the boolean schema false */
  unsigned types;
  json_t *constant, *enumeration;
  json_t *multiple_of, *maximum, *minimum, *exclusive_maximum, *exclusive_minimum;
  gsize max_length, min_length, max_items, min_items, max_properties, min_properties;
  gsize max_contains, min_contains;
  GRegex *pattern;
  AblakSchemaFormatCheck format;
  const char *format_name;
  bool unique_items;
  json_t *required, *dependent_required;
  AblakSchemaNode *ref, *dynamic_ref;
  const char *dynamic_name; /* set when the dynamic reference really is dynamic */
  GPtrArray *all_of, *any_of, *one_of, *prefix_items; /* AblakSchemaNode */
  AblakSchemaNode *not_of, *if_of, *then_of, *else_of;
  AblakSchemaNode *items, *contains, *additional_properties, *property_names;
  AblakSchemaNode *unevaluated_items, *unevaluated_properties;
  GHashTable *properties, *dependent_schemas; /* name -> AblakSchemaNode */
  GPtrArray *pattern_properties;              /* AblakSchemaPatternProperty */
};

struct AblakSchema {
  json_t *json;         /* a private copy, so that the caller's later changes do no harm */
  GPtrArray *documents; /* json_t kept alive */
  GPtrArray *resources; /* AblakSchemaResource */
  GHashTable *by_uri;   /* uri -> AblakSchemaResource */
  GHashTable *owners;   /* json_t of a known subschema -> AblakSchemaResource */
  GHashTable *nodes;    /* json_t -> AblakSchemaNode */
  AblakSchemaNode *root;
  bool unevaluated; /* some schema asks for evaluated properties or items */
};

/* --- resources.c: documents, $id, anchors, references ----------------------------------------- */
typedef struct {
  AblakSchema *schema;
  const AblakSchemaOptions *options;
  GQueue *pending; /* nodes whose keywords are still to be read */
} AblakSchemaCompiler;

/* Registers a document and everything in it that has a URI. */
AblakSchemaResource *ablak_schema_add_document(AblakSchemaCompiler *compiler, const char *uri,
                                               json_t *json, GError **error);
void ablak_schema_resource_free(AblakSchemaResource *resource);

typedef struct {
  json_t *json;
  AblakSchemaResource *resource;
  const char *anchor; /* the plain-name fragment when the reference had one; static to the caller */
} AblakSchemaTarget;
bool ablak_schema_resolve(AblakSchemaCompiler *compiler, AblakSchemaResource *base,
                          const char *reference, AblakSchemaTarget *ret_target, GError **error);

/* The text of a built-in metaschema, or NULL (generated). */
const char *ablak_schema_metaschema(const char *uri);

/* --- value.c: numbers, equality ------------------------------------------------------------------
 */
int ablak_schema_number_compare(const json_t *a, const json_t *b);
bool ablak_schema_number_is_integer(const json_t *number);
bool ablak_schema_number_is_multiple(const json_t *number, const json_t *divisor);
bool ablak_schema_equal(const json_t *a, const json_t *b);
bool ablak_schema_items_unique(const json_t *array);

/* --- pattern.c
 * -------------------------------------------------------------------------------------- */
/* Translates ECMA-262 (unicode mode, leniently) to PCRE2; NULL with an error when it is not a
 * pattern. */
char *ablak_schema_pattern_translate(const char *pattern, GError **error);
GRegex *ablak_schema_pattern_compile(const char *pattern, GError **error);
/* 1 a match, 0 none, -1 when the effort limit was reached. */
int ablak_schema_pattern_match(GRegex *regex, const char *text, gsize length);

/* --- format.c
 * ---------------------------------------------------------------------------------------- */
AblakSchemaFormatCheck ablak_schema_format(const char *name);
