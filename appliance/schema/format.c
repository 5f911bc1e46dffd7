/* schema/format.c: the formats that are asserted (Validation §7.3). All text is ASCII where the
 * grammars say so; a string with a NUL never fits. */
#include "schema/private.h"
#include <arpa/inet.h>
#include <string.h>

static bool digits(const char *at, unsigned count, int *ret)
{
  int value = 0;
  for (unsigned i = 0; i < count; i++) {
    if (!g_ascii_isdigit(at[i]))
      return false;
    value = value * 10 + (at[i] - '0');
  }
  *ret = value;
  return true;
}

/* RFC 3339 §5.6 full-date */
static bool is_date(const char *text, gsize length)
{
  int year = 0, month = 0, day = 0;
  if (length != 10 || !digits(text, 4, &year) || text[4] != '-' || !digits(text + 5, 2, &month) ||
      text[7] != '-' || !digits(text + 8, 2, &day))
    return false;
  static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (month < 1 || month > 12 || day < 1)
    return false;
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return day <= lengths[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* RFC 3339 §5.6 full-time; a leap second only where one can be: 23:59:60 UTC. */
static bool is_time(const char *text, gsize length)
{
  int hour = 0, minute = 0, second = 0, zone_hour = 0, zone_minute = 0, sign = 0;
  if (length < 9 || !digits(text, 2, &hour) || text[2] != ':' || !digits(text + 3, 2, &minute) ||
      text[5] != ':' || !digits(text + 6, 2, &second))
    return false;
  const char *at = text + 8, *end = text + length;
  if (*at == '.') {
    const char *fraction = ++at;
    while (at < end && g_ascii_isdigit(*at))
      at++;
    if (at == fraction)
      return false;
  }
  if (end - at == 1 && (*at == 'Z' || *at == 'z')) {
    sign = 0;
  } else if (end - at == 6 && (*at == '+' || *at == '-') && digits(at + 1, 2, &zone_hour) &&
             at[3] == ':' && digits(at + 4, 2, &zone_minute)) {
    sign = *at == '+' ? -1 : 1;
  } else {
    return false;
  }
  if (hour > 23 || minute > 59 || second > 60 || zone_hour > 23 || zone_minute > 59)
    return false;
  int utc = (hour * 60 + minute + sign * (zone_hour * 60 + zone_minute) + 2880) % 1440;
  return second < 60 || utc == 23 * 60 + 59;
}

static bool is_date_time(const char *text, gsize length)
{
  return length > 11 && is_date(text, 10) && (text[10] == 'T' || text[10] == 't') &&
         is_time(text + 11, length - 11);
}

/* RFC 9562 §4 */
static bool is_uuid(const char *text, gsize length)
{
  if (length != 36)
    return false;
  for (gsize i = 0; i < length; i++) {
    bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    if (hyphen ? text[i] != '-' : !g_ascii_isxdigit(text[i]))
      return false;
  }
  return true;
}

static bool is_ipv4(const char *text, gsize length)
{
  struct in_addr address;
  return length < INET_ADDRSTRLEN && inet_pton(AF_INET, text, &address) == 1;
}

static bool is_ipv6(const char *text, gsize length)
{
  struct in6_addr address;
  return length < INET6_ADDRSTRLEN && inet_pton(AF_INET6, text, &address) == 1;
}

/* RFC 1123 host names, each label 1 to 63 letters, digits and inner hyphens */
static bool is_host(const char *text)
{
  if (strlen(text) > 253)
    return false;
  g_auto(GStrv) labels = g_strsplit(text, ".", -1);
  for (gsize i = 0; labels[i] != NULL; i++) {
    gsize length = strlen(labels[i]);
    if (length == 0 || length > 63 || labels[i][0] == '-' || labels[i][length - 1] == '-')
      return false;
    for (gsize j = 0; j < length; j++)
      if (!g_ascii_isalnum(labels[i][j]) && labels[i][j] != '-')
        return false;
  }
  return labels[0] != NULL;
}

static bool is_mail_domain(const char *domain)
{
  gsize length = strlen(domain);
  if (*domain != '[')
    return is_host(domain);
  if (domain[length - 1] != ']')
    return false;
  g_autofree char *literal = g_strndup(domain + 1, length - 2);
  if (g_ascii_strncasecmp(literal, "IPv6:", 5) == 0)
    return is_ipv6(literal + 5, strlen(literal) - 5);
  return is_ipv4(literal, strlen(literal));
}

/* RFC 5321 §4.1.2 Mailbox */
static bool is_email(const char *text, gsize length)
{
  const char *at = strrchr(text, '@');
  if (at == NULL || at == text || length > 320 || !is_mail_domain(at + 1))
    return false;
  if (*text == '"') {
    if (at - text < 2 || at[-1] != '"')
      return false;
    for (const char *c = text + 1; c < at - 1; c++) {
      if (*c == '\\' && c + 1 < at - 1)
        c++;
      else if (*c == '"' || *c == '\\')
        return false;
      if (*c < 0x20 || *c == 0x7f)
        return false;
    }
    return true;
  }
  for (const char *c = text; c < at; c++) {
    if (*c == '.' ? c == text || c[1] == '.' || c + 1 == at
                  : !g_ascii_isalnum(*c) && strchr("!#$%&'*+-/=?^_`{|}~", *c) == NULL)
      return false;
  }
  return true;
}

/* Characters of a URI's part; percent-encoding checked. */
static bool uri_characters(const char *at, const char *end, const char *extra)
{
  for (; at < end; at++) {
    if (*at == '%') {
      if (end - at < 3 || !g_ascii_isxdigit(at[1]) || !g_ascii_isxdigit(at[2]))
        return false;
      at += 2;
    } else if (!g_ascii_isalnum(*at) && strchr("-._~!$&'()*+,;=", *at) == NULL &&
               strchr(extra, *at) == NULL) {
      return false;
    }
  }
  return true;
}

/* RFC 3986 §3.2: [userinfo@]host[:port] */
static bool uri_authority(const char *at, const char *end)
{
  const char *user = memchr(at, '@', (gsize)(end - at));
  if (user != NULL) {
    if (!uri_characters(at, user, ":"))
      return false;
    at = user + 1;
  }
  const char *port = NULL;
  if (at < end && *at == '[') {
    const char *close = memchr(at, ']', (gsize)(end - at));
    if (close == NULL)
      return false;
    g_autofree char *literal = g_strndup(at + 1, (gsize)(close - at - 1));
    if (*literal != 'v' && *literal != 'V' && !is_ipv6(literal, strlen(literal)))
      return false;
    if (close + 1 < end && close[1] != ':')
      return false;
    port = close + 1 < end ? close + 2 : end;
  } else {
    const char *colon = memchr(at, ':', (gsize)(end - at));
    if (!uri_characters(at, colon != NULL ? colon : end, ""))
      return false;
    port = colon != NULL ? colon + 1 : end;
  }
  for (; port < end; port++)
    if (!g_ascii_isdigit(*port))
      return false;
  return true;
}

/* RFC 3986 §3 */
static bool is_uri(const char *text, gsize length)
{
  const char *at = text, *end = text + length;
  if (!g_ascii_isalpha(*at))
    return false;
  while (g_ascii_isalnum(*at) || (*at != '\0' && strchr("+-.", *at) != NULL))
    at++;
  if (*at++ != ':')
    return false;
  gsize hierarchy = strcspn(at, "?#");
  const char *tail = at + hierarchy;
  if (g_str_has_prefix(at, "//")) {
    const char *path = at + 2 + strcspn(at + 2, "/?#");
    if (!uri_authority(at + 2, path))
      return false;
    at = path;
  }
  if (!uri_characters(at, tail, ":@/"))
    return false;
  if (*tail == '?') {
    at = tail + 1;
    tail = at + strcspn(at, "#");
    if (!uri_characters(at, tail, ":@/?"))
      return false;
  }
  return *tail != '#' || uri_characters(tail + 1, end, ":@/?");
}

static bool is_regex(const char *text, gsize length)
{
  g_autofree char *translated = ablak_schema_pattern_translate(text, NULL);
  if (translated == NULL)
    return false;
  g_autoptr(GError) error = NULL;
  g_autoptr(GRegex) regex = g_regex_new(translated, G_REGEX_DOLLAR_ENDONLY, 0, &error);
  /* Well-formed for ECMA-262, although PCRE2 could not run it. */
  return regex != NULL ||
         g_error_matches(error, G_REGEX_ERROR, G_REGEX_ERROR_VARIABLE_LENGTH_LOOKBEHIND);
}

#define CHECKED(name)                                                                              \
  static bool check_##name(const char *text, gsize length)                                         \
  {                                                                                                \
    return strlen(text) == length && is_##name(text, length);                                      \
  }
CHECKED(date)
CHECKED(date_time)
CHECKED(time)
CHECKED(email)
CHECKED(uuid)
CHECKED(uri)
CHECKED(ipv4)
CHECKED(ipv6)
CHECKED(regex)

AblakSchemaFormatCheck ablak_schema_format(const char *name)
{
  static const struct {
    const char *name;
    AblakSchemaFormatCheck check;
  } formats[] = {{"date", check_date},   {"date-time", check_date_time}, {"time", check_time},
                 {"email", check_email}, {"uuid", check_uuid},           {"uri", check_uri},
                 {"ipv4", check_ipv4},   {"ipv6", check_ipv6},           {"regex", check_regex}};
  for (gsize i = 0; i < G_N_ELEMENTS(formats); i++)
    if (g_str_equal(name, formats[i].name))
      return formats[i].check;
  return NULL;
}
