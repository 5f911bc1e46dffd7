#include "http/path.h"
#include <gio/gio.h>
#include <string.h>

#define QUERY_MAX 64

char *ablak_percent_decode(const char *text, gsize size, bool plus)
{
  g_autoptr(GString) out = g_string_sized_new(size);
  for (gsize i = 0; i < size; i++) {
    char c = text[i];
    if (c == '%') {
      if (size - i < 3)
        return NULL;
      int high = g_ascii_xdigit_value(text[i + 1]), low = g_ascii_xdigit_value(text[i + 2]);
      if (high < 0 || low < 0)
        return NULL;
      c = (char)(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus) {
      c = ' ';
    }
    if (c == '\0')
      return NULL;
    g_string_append_c(out, c);
  }
  if (!g_utf8_validate(out->str, (gssize)out->len, NULL))
    return NULL;
  return g_string_free(g_steal_pointer(&out), FALSE);
}

GStrv ablak_path_segments(const char *target)
{
  if (target[0] != '/')
    return NULL;
  g_autofree char *path = g_strndup(target, strcspn(target, "?#"));
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
  if (strcmp(path, "/") == 0)
    return g_strv_builder_end(builder);
  g_auto(GStrv) parts = g_strsplit(path + 1, "/", -1);
  for (char **part = parts; *part != NULL; part++) {
    g_autofree char *segment = ablak_percent_decode(*part, strlen(*part), false);
    if (segment == NULL || strchr(segment, '/') != NULL || strcmp(segment, ".") == 0 ||
        strcmp(segment, "..") == 0)
      return NULL;
    g_strv_builder_add(builder, segment);
  }
  return g_strv_builder_end(builder);
}

static bool is_parameter(const char *part, gsize size)
{
  return size > 2 && part[0] == '{' && part[size - 1] == '}';
}

/* The next part of a template, or NULL at its end. */
static const char *next_part(const char **at, gsize *ret_size)
{
  if (**at != '/' || (*at)[1] == '\0')
    return NULL;
  const char *part = *at + 1;
  *ret_size = strcspn(part, "/");
  *at = part + *ret_size;
  return part;
}

int ablak_path_match(const char *path_template, const char *const *segments)
{
  int literal = 0;
  gsize size = 0;
  const char *part;
  while ((part = next_part(&path_template, &size)) != NULL) {
    const char *segment = *segments++;
    if (segment == NULL)
      return -1;
    if (is_parameter(part, size)) {
      if (*segment == '\0')
        return -1;
      continue;
    }
    if (strlen(segment) != size || memcmp(segment, part, size) != 0)
      return -1;
    literal++;
  }
  return *segments == NULL ? literal : -1;
}

GHashTable *ablak_path_parameters(const char *path_template, const char *const *segments)
{
  GHashTable *found = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  gsize size = 0;
  const char *part;
  while ((part = next_part(&path_template, &size)) != NULL && *segments != NULL) {
    if (is_parameter(part, size))
      g_hash_table_insert(found, g_strndup(part + 1, size - 2), (gpointer)*segments);
    segments++;
  }
  return found;
}

GHashTable *ablak_query_parse(const char *target)
{
  g_autoptr(GHashTable) found = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  const char *query = strchr(target, '?');
  if (query == NULL)
    return g_steal_pointer(&found);
  g_auto(GStrv) pairs = g_strsplit(query + 1, "&", -1);
  if (g_strv_length(pairs) > QUERY_MAX)
    return NULL;
  for (char **pair = pairs; *pair != NULL; pair++) {
    if (**pair == '\0')
      continue;
    gsize name_size = strcspn(*pair, "=");
    const char *rest = *pair + name_size;
    g_autofree char *name = ablak_percent_decode(*pair, name_size, true);
    g_autofree char *value =
        ablak_percent_decode(*rest == '=' ? rest + 1 : rest, strlen(rest) - (*rest == '='), true);
    if (name == NULL || value == NULL)
      return NULL;
    if (!g_hash_table_contains(found, name))
      g_hash_table_insert(found, g_steal_pointer(&name), g_steal_pointer(&value));
  }
  return g_steal_pointer(&found);
}

char *ablak_cookie_find(const char *header, const char *name)
{
  if (header == NULL)
    return NULL;
  gsize name_size = strlen(name);
  while (*header != '\0') {
    header += strspn(header, " \t;");
    gsize size = strcspn(header, ";");
    if (size > name_size && header[name_size] == '=' && memcmp(header, name, name_size) == 0) {
      char *value = g_strndup(header + name_size + 1, size - name_size - 1);
      return g_strchomp(value);
    }
    header += size;
  }
  return NULL;
}

/* "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]:80", "2001:db8::1" -> the address alone. */
static char *plain_address(const char *text)
{
  g_autofree char *address = g_strdup(text);
  g_strstrip(address);
  gsize size = strlen(address);
  if (size >= 2 && address[0] == '"' && address[size - 1] == '"') {
    address[size - 1] = '\0';
    memmove(address, address + 1, size - 1);
  }
  if (address[0] == '[') {
    char *end = strchr(address, ']');
    if (end == NULL)
      return NULL;
    *end = '\0';
    memmove(address, address + 1, strlen(address));
  } else {
    char *colon = strchr(address, ':');
    if (colon != NULL && strchr(colon + 1, ':') == NULL)
      *colon = '\0';
  }
  g_autoptr(GInetAddress) inet = g_inet_address_new_from_string(address);
  return inet != NULL ? g_inet_address_to_string(inet) : NULL;
}

char *ablak_forwarded_client(const char *forwarded, const char *x_forwarded_for)
{
  if (forwarded != NULL) {
    const char *last = strrchr(forwarded, ',');
    g_auto(GStrv) pairs = g_strsplit(last != NULL ? last + 1 : forwarded, ";", -1);
    for (char **pair = pairs; *pair != NULL; pair++) {
      g_strstrip(*pair);
      if (g_ascii_strncasecmp(*pair, "for=", 4) == 0)
        return plain_address(*pair + 4);
    }
    return NULL;
  }
  if (x_forwarded_for == NULL)
    return NULL;
  const char *last = strrchr(x_forwarded_for, ',');
  return plain_address(last != NULL ? last + 1 : x_forwarded_for);
}
