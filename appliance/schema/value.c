/* schema/value.c: JSON values compared as mathematics, not as C types. */
#include "schema/private.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A long double holds every 64-bit integer and every double exactly on the machines we run on
 * (64-bit mantissa on x86-64, 113-bit on arm64). */
G_STATIC_ASSERT(__LDBL_MANT_DIG__ >= 64);

static long double number_of(const json_t *number)
{
  return json_is_integer(number) ? (long double)json_integer_value(number)
                                 : (long double)json_real_value(number);
}

int ablak_schema_number_compare(const json_t *a, const json_t *b)
{
  long double x = number_of(a), y = number_of(b);
  return x < y ? -1 : x > y ? 1 : 0;
}

bool ablak_schema_number_is_integer(const json_t *number)
{
  if (json_is_integer(number))
    return true;
  double value = json_real_value(number);
  return isfinite(value) && trunc(value) == value;
}

/* value = mantissa * 10^exponent, as the shortest decimal that reads back the same: what the
 * author of 0.01 meant, not what the binary fraction holds. */
typedef struct {
  guint64 mantissa;
  int exponent;
} Decimal;

static Decimal decimal_of(const json_t *number)
{
  Decimal decimal = {0, 0};
  if (json_is_integer(number)) {
    gint64 value = json_integer_value(number);
    decimal.mantissa = value < 0 ? 0 - (guint64)value : (guint64)value;
    return decimal;
  }
  double value = fabs(json_real_value(number));
  char text[48];
  for (int digits = 0; digits < 17; digits++) {
    char format[8];
    g_snprintf(format, sizeof format, "%%.%de", digits);
    g_ascii_formatd(text, sizeof text, format, value);
    if (g_ascii_strtod(text, NULL) == value)
      break;
  }
  char *exponent = strchr(text, 'e');
  decimal.exponent = exponent != NULL ? atoi(exponent + 1) : 0;
  bool fraction = false;
  for (const char *at = text; *at != '\0' && *at != 'e'; at++) {
    if (*at == '.') {
      fraction = true;
      continue;
    }
    decimal.mantissa = decimal.mantissa * 10 + (guint64)(*at - '0');
    if (fraction)
      decimal.exponent--;
  }
  return decimal;
}

bool ablak_schema_number_is_multiple(const json_t *number, const json_t *divisor)
{
  Decimal value = decimal_of(number), step = decimal_of(divisor);
  if (step.mantissa == 0)
    return false;
  if (value.mantissa == 0)
    return true;
  if (value.exponent >= step.exponent) {
    unsigned __int128 rest = value.mantissa % step.mantissa;
    for (int i = step.exponent; i < value.exponent && rest != 0; i++)
      rest = rest * 10 % step.mantissa;
    return rest == 0;
  }
  unsigned __int128 scaled = step.mantissa;
  for (int i = value.exponent; i < step.exponent; i++) {
    scaled *= 10;
    if (scaled > value.mantissa)
      return false;
  }
  return (unsigned __int128)value.mantissa % scaled == 0;
}

bool ablak_schema_equal(const json_t *a, const json_t *b)
{
  if (json_is_number(a) && json_is_number(b))
    return ablak_schema_number_compare(a, b) == 0;
  if (json_typeof(a) != json_typeof(b))
    return false;
  switch (json_typeof(a)) {
  case JSON_STRING:
    return json_string_length(a) == json_string_length(b) &&
           memcmp(json_string_value(a), json_string_value(b), json_string_length(a)) == 0;
  case JSON_ARRAY: {
    gsize size = json_array_size(a);
    if (size != json_array_size(b))
      return false;
    for (gsize i = 0; i < size; i++)
      if (!ablak_schema_equal(json_array_get(a, i), json_array_get(b, i)))
        return false;
    return true;
  }
  case JSON_OBJECT: {
    if (json_object_size(a) != json_object_size(b))
      return false;
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)a, name, value)
    {
      const json_t *other = json_object_get(b, name);
      if (other == NULL || !ablak_schema_equal(value, other))
        return false;
    }
    return true;
  }
  default:
    return true;
  }
}

static guint64 mix(guint64 hash, guint64 value)
{
  hash ^= value + 0x9e3779b97f4a7c15u + (hash << 6) + (hash >> 2);
  return hash * 0xff51afd7ed558ccdu;
}

static guint64 hash_bytes(const char *bytes, gsize length)
{
  guint64 hash = 0xcbf29ce484222325u;
  for (gsize i = 0; i < length; i++)
    hash = (hash ^ (guint8)bytes[i]) * 0x100000001b3u;
  return hash;
}

/* Equal values have equal hashes; objects are summed so that order does not matter. */
static guint64 hash_value(const json_t *value)
{
  guint64 hash = (guint64)json_typeof(value);
  const char *name;
  json_t *item;
  switch (json_typeof(value)) {
  case JSON_INTEGER:
  case JSON_REAL: {
    double number = (double)number_of(value);
    number = number == 0 ? 0 : number; /* -0.0 equals 0 */
    return mix(1, hash_bytes((const char *)&number, sizeof number));
  }
  case JSON_STRING:
    return mix(hash, hash_bytes(json_string_value(value), json_string_length(value)));
  case JSON_ARRAY:
    for (gsize i = 0; i < json_array_size(value); i++)
      hash = mix(hash, hash_value(json_array_get(value, i)));
    return hash;
  case JSON_OBJECT:
    json_object_foreach((json_t *)value, name, item) hash +=
        mix(hash_bytes(name, strlen(name)), hash_value(item));
    return hash;
  default:
    return mix(hash, 7);
  }
}

typedef struct {
  guint64 hash;
  const json_t *value;
} Hashed;

static int compare_hashed(const void *a, const void *b)
{
  guint64 x = ((const Hashed *)a)->hash, y = ((const Hashed *)b)->hash;
  return x < y ? -1 : x > y ? 1 : 0;
}

bool ablak_schema_items_unique(const json_t *array)
{
  gsize size = json_array_size(array);
  if (size < 2)
    return true;
  g_autofree Hashed *hashed = g_new(Hashed, size);
  for (gsize i = 0; i < size; i++)
    hashed[i] = (Hashed){hash_value(json_array_get(array, i)), json_array_get(array, i)};
  qsort(hashed, size, sizeof *hashed, compare_hashed);
  for (gsize i = 0; i < size; i++)
    for (gsize j = i + 1; j < size && hashed[j].hash == hashed[i].hash; j++)
      if (ablak_schema_equal(hashed[i].value, hashed[j].value))
        return false;
  return true;
}
