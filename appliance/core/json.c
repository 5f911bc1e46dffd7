#include "core/json.h"
#include "core/error.h"
#include <string.h>

#define DEPTH_MAX 64

/* jansson's own limit is 2,048 levels; deeper than ours is refused before it builds anything. */
static bool depth_is_bounded(const char *text, gsize length)
{
  gsize depth = 0;
  bool in_string = false;
  for (gsize i = 0; i < length; i++) {
    char c = text[i];
    if (in_string && c == '\\')
      i++;
    else if (c == '"')
      in_string = !in_string;
    else if (!in_string && (c == '[' || c == '{') && ++depth > DEPTH_MAX)
      return false;
    else if (!in_string && (c == ']' || c == '}') && depth > 0)
      depth--;
  }
  return true;
}

json_t *ablak_json_parse(const char *text, gsize length, GError **error)
{
  if (!depth_is_bounded(text, length)) {
    ablak_error_set(error, ABLAK_ERROR_INVALID, "request/json", "JSON nested deeper than %d levels",
                    DEPTH_MAX);
    return NULL;
  }
  json_error_t fault;
  json_t *value =
      json_loadb(length > 0 ? text : "", length, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &fault);
  /* jansson's text quotes the input, which may be personal: only the place goes on. */
  if (value == NULL)
    ablak_error_set(error, ABLAK_ERROR_INVALID, "request/json", "not JSON at line %d, column %d",
                    fault.line, fault.column);
  return value;
}

char *ablak_json_text(const json_t *value)
{
  return json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
}

const char *ablak_json_get_string(const json_t *object, const char *name)
{
  return json_string_value(json_object_get(object, name));
}

gint64 ablak_json_get_int(const json_t *object, const char *name, gint64 fallback)
{
  const json_t *value = json_object_get(object, name);
  return json_is_integer(value) ? json_integer_value(value) : fallback;
}

bool ablak_json_get_bool(const json_t *object, const char *name, bool fallback)
{
  const json_t *value = json_object_get(object, name);
  return json_is_boolean(value) ? json_is_true(value) : fallback;
}
