/* RFC 8785, JSON Canonicalization Scheme. */
#include "core/json.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS_MAX 17
#define SAFE_INTEGER (G_GINT64_CONSTANT(1) << 53)

static void put_value(GString *out, const json_t *value);

static double value_of(const char *digits, int count, int exponent)
{
  char text[64];
  g_snprintf(text, sizeof text, "%.*se%d", count, digits, exponent - count);
  return g_ascii_strtod(text, NULL);
}

/* Adds one unit in the last place; false when it carries out of the first. */
static bool increment(char *digits, int count)
{
  for (int i = count - 1; i >= 0; i--) {
    if (digits[i] != '9') {
      digits[i]++;
      return true;
    }
    digits[i] = '0';
  }
  return false;
}

/* ECMA-262 Number::toString, step 5: the fewest digits whose value is the number, and of those the
 * closest. The correctly rounded ones of %e are closest; only below a power of two, where the gap
 * to the smaller neighbour is halved, can they miss while the next ones up hit. */
static int shortest_digits(double number, char ret_digits[DIGITS_MAX + 1], int *ret_exponent)
{
  for (int count = 1;; count++) {
    char text[40], format[8];
    g_snprintf(format, sizeof format, "%%.%de", count - 1);
    g_ascii_formatd(text, sizeof text, format, number);
    char *mark = strchr(text, 'e');
    int exponent = atoi(mark + 1) + 1;
    ret_digits[0] = text[0];
    memcpy(ret_digits + 1, text + 2, (gsize)count - 1);
    ret_digits[count] = '\0';
    if (value_of(ret_digits, count, exponent) != number && count < DIGITS_MAX) {
      if (!increment(ret_digits, count) || value_of(ret_digits, count, exponent) != number)
        continue;
    }
    while (count > 1 && ret_digits[count - 1] == '0')
      count--;
    *ret_exponent = exponent;
    return count;
  }
}

static void put_zeros(GString *out, int count)
{
  for (int i = 0; i < count; i++)
    g_string_append_c(out, '0');
}

/* ECMA-262 Number::toString, steps 6 to 10: k digits, value 0.d1d2… × 10^n. */
static void put_double(GString *out, double number)
{
  if (number == 0) {
    g_string_append_c(out, '0');
    return;
  }
  if (number < 0)
    g_string_append_c(out, '-');
  char digits[DIGITS_MAX + 1];
  int n, k = shortest_digits(fabs(number), digits, &n);
  if (k <= n && n <= 21) {
    g_string_append_len(out, digits, k);
    put_zeros(out, n - k);
  } else if (0 < n && n <= 21) {
    g_string_append_len(out, digits, n);
    g_string_append_c(out, '.');
    g_string_append_len(out, digits + n, k - n);
  } else if (-6 < n && n <= 0) {
    g_string_append(out, "0.");
    put_zeros(out, -n);
    g_string_append_len(out, digits, k);
  } else {
    g_string_append_c(out, digits[0]);
    if (k > 1) {
      g_string_append_c(out, '.');
      g_string_append_len(out, digits + 1, k - 1);
    }
    g_string_append_printf(out, "e%c%d", n > 0 ? '+' : '-', abs(n - 1));
  }
}

/* RFC 8785 §3.2.2.3: every number is an IEEE 754 double. */
static void put_integer(GString *out, json_int_t number)
{
  if (number >= -SAFE_INTEGER && number <= SAFE_INTEGER)
    g_string_append_printf(out, "%" JSON_INTEGER_FORMAT, number);
  else
    put_double(out, (double)number);
}

static void put_string(GString *out, const char *text, gsize length)
{
  static const char shorts[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};
  g_string_append_c(out, '"');
  for (gsize i = 0; i < length; i++) {
    guint8 c = (guint8)text[i];
    if (c < sizeof shorts && shorts[c] != 0)
      g_string_append_printf(out, "\\%c", shorts[c]);
    else if (c < 0x20)
      g_string_append_printf(out, "\\u%04x", c);
    else
      g_string_append_c(out, text[i]);
  }
  g_string_append_c(out, '"');
}

/* Code point order and UTF-16 order differ only where a surrogate pair (D800…) meets E000…FFFF:
 * the latter are lifted above everything. */
static guint32 utf16_rank(gunichar c)
{
  return c >= 0xe000 && c <= 0xffff ? c + 0x200000 : c;
}

static int compare_names(const void *a, const void *b)
{
  const char *left = *(const char *const *)a, *right = *(const char *const *)b;
  while (*left != '\0' && *left == *right) {
    left++;
    right++;
  }
  /* Back to the start of the character in which they part. */
  while (((guint8)*left & 0xc0) == 0x80 || ((guint8)*right & 0xc0) == 0x80) {
    left--;
    right--;
  }
  guint32 l = utf16_rank(g_utf8_get_char(left)), r = utf16_rank(g_utf8_get_char(right));
  return l < r ? -1 : l > r;
}

static void put_object(GString *out, const json_t *object)
{
  gsize count = json_object_size(object), i = 0;
  g_autofree const char **names = g_new(const char *, count + 1);
  const char *name;
  json_t *member;
  json_object_foreach((json_t *)object, name, member) names[i++] = name;
  qsort(names, count, sizeof *names, compare_names);
  g_string_append_c(out, '{');
  for (i = 0; i < count; i++) {
    if (i > 0)
      g_string_append_c(out, ',');
    put_string(out, names[i], strlen(names[i]));
    g_string_append_c(out, ':');
    put_value(out, json_object_get(object, names[i]));
  }
  g_string_append_c(out, '}');
}

static void put_array(GString *out, const json_t *array)
{
  g_string_append_c(out, '[');
  for (gsize i = 0; i < json_array_size(array); i++) {
    if (i > 0)
      g_string_append_c(out, ',');
    put_value(out, json_array_get(array, i));
  }
  g_string_append_c(out, ']');
}

static void put_value(GString *out, const json_t *value)
{
  switch (json_typeof(value)) {
  case JSON_OBJECT:
    put_object(out, value);
    break;
  case JSON_ARRAY:
    put_array(out, value);
    break;
  case JSON_STRING:
    put_string(out, json_string_value(value), json_string_length(value));
    break;
  case JSON_INTEGER:
    put_integer(out, json_integer_value(value));
    break;
  case JSON_REAL:
    put_double(out, json_real_value(value));
    break;
  case JSON_TRUE:
    g_string_append(out, "true");
    break;
  case JSON_FALSE:
    g_string_append(out, "false");
    break;
  case JSON_NULL:
    g_string_append(out, "null");
    break;
  }
}

char *ablak_json_canonical(const json_t *value)
{
  GString *out = g_string_new(NULL);
  put_value(out, value);
  return g_string_free(out, FALSE);
}
