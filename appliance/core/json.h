/* core/json.h: jansson with automatic clean-up, safe parsing limits and canonical text. */
#pragma once
#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)

/* Parses exactly one JSON value: UTF-8, no duplicate keys, no NUL in strings, depth at most 64.
 * An error of code ABLAK_ERROR_INVALID, slug "request/json", otherwise. */
json_t *ablak_json_parse(const char *text, gsize length, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Compact text. Free with g_free. */
char *ablak_json_text(const json_t *value);

/* RFC 8785 canonical text (sorted by UTF-16 units, ECMAScript numbers). Free with g_free. */
char *ablak_json_canonical(const json_t *value);

/* A member's value, or NULL / the fallback when it is missing or of another type. */
const char *ablak_json_get_string(const json_t *object, const char *name);
gint64 ablak_json_get_int(const json_t *object, const char *name, gint64 fallback);
bool ablak_json_get_bool(const json_t *object, const char *name, bool fallback);
