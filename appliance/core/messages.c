#include "core/messages.h"
#include "core/messages-table.h"
#include <stdlib.h>
#include <string.h>

const char *const *ablak_messages_languages(void)
{
  return ablak_messages_table_languages;
}

static int language_index(const char *language)
{
  for (int i = 0; language != NULL && ablak_messages_table_languages[i] != NULL; i++)
    if (strcmp(ablak_messages_table_languages[i], language) == 0)
      return i;
  return -1;
}

bool ablak_messages_has_language(const char *language)
{
  return language_index(language) >= 0;
}

static int compare_key(const void *key, const void *row)
{
  return strcmp(key, ((const AblakMessageRow *)row)->key);
}

const char *ablak_message(const char *language, const char *key)
{
  const AblakMessageRow *row = bsearch(key, ablak_messages_table, ablak_messages_table_size,
                                       sizeof *ablak_messages_table, compare_key);
  if (row == NULL)
    return key;
  int index = language_index(language);
  return row->texts[index >= 0 ? index : language_index("en")];
}

static const char *find_value(GPtrArray *pairs, const char *name, gsize length)
{
  for (guint i = 0; i + 1 < pairs->len; i += 2) {
    const char *candidate = pairs->pdata[i];
    if (strlen(candidate) == length && memcmp(candidate, name, length) == 0)
      return pairs->pdata[i + 1];
  }
  return NULL;
}

char *ablak_message_format(const char *language, const char *key, ...)
{
  g_autoptr(GPtrArray) pairs = g_ptr_array_new();
  va_list arguments;
  va_start(arguments, key);
  for (char *name; (name = va_arg(arguments, char *)) != NULL;) {
    g_ptr_array_add(pairs, name);
    g_ptr_array_add(pairs, va_arg(arguments, char *));
  }
  va_end(arguments);
  GString *out = g_string_new(NULL);
  for (const char *at = ablak_message(language, key); *at != '\0';) {
    const char *end = *at == '{' ? strchr(at, '}') : NULL;
    const char *value = end != NULL ? find_value(pairs, at + 1, (gsize)(end - at - 1)) : NULL;
    if (value != NULL) {
      g_string_append(out, value);
      at = end + 1;
    } else {
      g_string_append_c(out, *at++);
    }
  }
  return g_string_free(out, FALSE);
}

/* RFC 4647 §3.4 lookup, one step: "hu-HU" finds "hu". */
static int language_of_range(const char *range, const char *fallback)
{
  if (strcmp(range, "*") == 0)
    return language_index(fallback);
  g_autofree char *lower = g_ascii_strdown(range, -1);
  lower[strcspn(lower, "-")] = '\0';
  return language_index(lower);
}

static double quality_of(const char *parameters)
{
  g_auto(GStrv) parts = g_strsplit(parameters != NULL ? parameters : "", ";", -1);
  for (char **part = parts; *part != NULL; part++) {
    g_strstrip(*part);
    if (g_ascii_strncasecmp(*part, "q=", 2) == 0)
      return g_ascii_strtod(*part + 2, NULL);
  }
  return 1;
}

const char *ablak_messages_negotiate(const char *accept_language, const char *fallback)
{
  g_auto(GStrv) ranges = g_strsplit(accept_language != NULL ? accept_language : "", ",", 32);
  double best = 0;
  int chosen = -1;
  for (char **range = ranges; *range != NULL; range++) {
    char *parameters = strchr(*range, ';');
    if (parameters != NULL)
      *parameters++ = '\0';
    double quality = quality_of(parameters);
    int index = language_of_range(g_strstrip(*range), fallback);
    if (index >= 0 && quality > best) {
      best = quality;
      chosen = index;
    }
  }
  return chosen >= 0 ? ablak_messages_table_languages[chosen] : fallback;
}
