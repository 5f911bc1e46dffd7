/* schema/pattern.c: ECMA-262 regular expressions on PCRE2 (through GRegex).
 *
 * The translation writes out what differs: \d \w \s \b are ASCII or ECMAScript's own set (GRegex
 * turns on Unicode properties), `.` stops at ECMAScript's line terminators, `$` is the very end,
 * classes may be empty, \u escapes, long names of general categories. What ECMA-262 does not have
 * ((?i), (?#, (?P<, (?>, \A, \Z, POSIX classes, possessive quantifiers) is refused. Lookbehind must
 * have a fixed length. Matching effort is bounded. */
#include "core/error.h"
#include "schema/private.h"
#include <string.h>

#define MATCH_EFFORT "(*LIMIT_MATCH=200000)(*LIMIT_DEPTH=20000)"

typedef struct {
  const char *at;
  GString *out;
  unsigned groups; /* depth of open groups */
  bool quantifiable;
} Translator;

typedef struct {
  gunichar first, last;
} Range;

static const Range digit_ranges[] = {{'0', '9'}};
static const Range word_ranges[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
static const Range space_ranges[] = {
    {0x9, 0xd},       {0x20, 0x20},     {0xa0, 0xa0},     {0x1680, 0x1680}, {0x2000, 0x200a},
    {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}, {0xfeff, 0xfeff}};

static const struct {
  const char *name, *category;
} long_categories[] = {{"Letter", "L"},
                       {"Cased_Letter", "L&"},
                       {"Uppercase_Letter", "Lu"},
                       {"Lowercase_Letter", "Ll"},
                       {"Titlecase_Letter", "Lt"},
                       {"Modifier_Letter", "Lm"},
                       {"Other_Letter", "Lo"},
                       {"Mark", "M"},
                       {"Nonspacing_Mark", "Mn"},
                       {"Spacing_Mark", "Mc"},
                       {"Enclosing_Mark", "Me"},
                       {"Number", "N"},
                       {"Decimal_Number", "Nd"},
                       {"digit", "Nd"},
                       {"Letter_Number", "Nl"},
                       {"Other_Number", "No"},
                       {"Symbol", "S"},
                       {"Math_Symbol", "Sm"},
                       {"Currency_Symbol", "Sc"},
                       {"Modifier_Symbol", "Sk"},
                       {"Other_Symbol", "So"},
                       {"Punctuation", "P"},
                       {"punct", "P"},
                       {"Connector_Punctuation", "Pc"},
                       {"Dash_Punctuation", "Pd"},
                       {"Open_Punctuation", "Ps"},
                       {"Close_Punctuation", "Pe"},
                       {"Initial_Punctuation", "Pi"},
                       {"Final_Punctuation", "Pf"},
                       {"Other_Punctuation", "Po"},
                       {"Separator", "Z"},
                       {"Space_Separator", "Zs"},
                       {"Line_Separator", "Zl"},
                       {"Paragraph_Separator", "Zp"},
                       {"Other", "C"},
                       {"Control", "Cc"},
                       {"Format", "Cf"},
                       {"Surrogate", "Cs"},
                       {"Private_Use", "Co"},
                       {"Unassigned", "Cn"}};

static bool refuse(GError **error, const char *what)
{
  ablak_error_set(error, ABLAK_ERROR_UNPROCESSABLE, "schema/pattern", "regular expression: %s",
                  what);
  return false;
}

static void put_code_point(GString *out, gunichar c)
{
  g_string_append_printf(out, "\\x{%x}", c);
}

static void put_range(GString *out, gunichar first, gunichar last)
{
  g_string_append_printf(out, "\\x{%x}-\\x{%x}", first, last);
}

/* The ranges, or all other code points, as members of a class. */
static void put_ranges(GString *out, const Range *ranges, gsize count, bool negated)
{
  gunichar next = 0;
  for (gsize i = 0; i < count; i++) {
    if (!negated)
      put_range(out, ranges[i].first, ranges[i].last);
    else if (ranges[i].first > next)
      put_range(out, next, ranges[i].first - 1);
    next = ranges[i].last + 1;
  }
  if (negated)
    put_range(out, next, 0x10ffff);
}

static void put_set(Translator *t, char kind, bool in_class)
{
  bool negated = g_ascii_isupper(kind);
  if (!in_class)
    g_string_append_c(t->out, '[');
  if (g_ascii_tolower(kind) == 'w')
    put_ranges(t->out, word_ranges, G_N_ELEMENTS(word_ranges), negated);
  else if (g_ascii_tolower(kind) == 's')
    put_ranges(t->out, space_ranges, G_N_ELEMENTS(space_ranges), negated);
  else
    put_ranges(t->out, digit_ranges, G_N_ELEMENTS(digit_ranges), negated);
  if (!in_class)
    g_string_append_c(t->out, ']');
}

static bool read_hex(const char *at, unsigned digits, gunichar *ret)
{
  gunichar value = 0;
  for (unsigned i = 0; i < digits; i++) {
    if (!g_ascii_isxdigit(at[i]))
      return false;
    value = value * 16 + (gunichar)g_ascii_xdigit_value(at[i]);
  }
  *ret = value;
  return true;
}

/* After "\u": four digits, a surrogate pair, or {digits}. */
static bool unicode_escape(Translator *t, gunichar *ret, GError **error)
{
  gunichar value = 0, low = 0;
  if (*t->at == '{') {
    const char *at = t->at + 1;
    while (g_ascii_isxdigit(*at) && value <= 0x10ffff)
      value = value * 16 + (gunichar)g_ascii_xdigit_value(*at++);
    if (*at != '}' || at == t->at + 1 || value > 0x10ffff)
      return refuse(error, "bad \\u{} escape");
    t->at = at + 1;
  } else {
    if (!read_hex(t->at, 4, &value))
      return refuse(error, "bad \\u escape");
    t->at += 4;
    if (value >= 0xd800 && value < 0xdc00 && t->at[0] == '\\' && t->at[1] == 'u' &&
        read_hex(t->at + 2, 4, &low) && low >= 0xdc00 && low < 0xe000) {
      value = 0x10000 + ((value - 0xd800) << 10) + (low - 0xdc00);
      t->at += 6;
    }
  }
  if (value >= 0xd800 && value < 0xe000)
    return refuse(error, "a lone surrogate");
  *ret = value;
  return true;
}

/* After "\p" or "\P": {Category}, {General_Category=...}, {Script=...}. */
static bool property_escape(Translator *t, char kind, GError **error)
{
  const char *end = *t->at == '{' ? strchr(t->at, '}') : NULL;
  if (end == NULL || end - t->at > 64)
    return refuse(error, "bad \\p escape");
  g_autofree char *name = g_strndup(t->at + 1, (gsize)(end - t->at - 1));
  t->at = end + 1;
  const char *value = name;
  char *equals = strchr(name, '=');
  if (equals != NULL) {
    *equals = '\0';
    value = equals + 1;
    if (g_str_equal(name, "Script") || g_str_equal(name, "sc") ||
        g_str_equal(name, "Script_Extensions") || g_str_equal(name, "scx")) {
      bool extensions = g_str_equal(name, "scx") || g_str_equal(name, "Script_Extensions");
      g_string_append_printf(t->out, "\\%c{%s:%s}", kind, extensions ? "scx" : "sc", value);
      return true;
    }
    if (!g_str_equal(name, "General_Category") && !g_str_equal(name, "gc"))
      return refuse(error, "unknown property");
  }
  for (gsize i = 0; i < G_N_ELEMENTS(long_categories); i++)
    if (g_str_equal(value, long_categories[i].name))
      value = long_categories[i].category;
  g_string_append_printf(t->out, "\\%c{%s}", kind, value);
  return true;
}

/* A character escape, common to classes and outside; false without error: not one of these. */
static bool character_escape(Translator *t, char c, bool *ret_done, GError **error)
{
  gunichar value = 0;
  *ret_done = true;
  switch (c) {
  case 't':
    value = '\t';
    break;
  case 'n':
    value = '\n';
    break;
  case 'v':
    value = 0xb;
    break;
  case 'f':
    value = '\f';
    break;
  case 'r':
    value = '\r';
    break;
  case '0':
    if (g_ascii_isdigit(*t->at))
      return refuse(error, "octal escape");
    break;
  case 'c':
    if (!g_ascii_isalpha(*t->at))
      return refuse(error, "bad control escape");
    value = (gunichar)(*t->at++ & 0x1f);
    break;
  case 'x':
    if (!read_hex(t->at, 2, &value))
      return refuse(error, "bad \\x escape");
    t->at += 2;
    break;
  case 'u':
    if (!unicode_escape(t, &value, error))
      return false;
    break;
  default:
    if (c != '-' && strchr("^$\\.*+?()[]{}|/", c) == NULL) {
      *ret_done = false;
      return true;
    }
    value = (gunichar)c;
  }
  put_code_point(t->out, value);
  return true;
}

static bool escape(Translator *t, bool in_class, GError **error)
{
  char c = *t->at;
  if (c == '\0')
    return refuse(error, "ends in a backslash");
  t->at++;
  if (strchr("dDwWsS", c) != NULL) {
    put_set(t, c, in_class);
    return true;
  }
  if (c == 'p' || c == 'P')
    return property_escape(t, c, error);
  if (in_class && c == 'b') {
    put_code_point(t->out, 0x8);
    return true;
  }
  if (!in_class && (c == 'b' || c == 'B')) {
#define WORD "[0-9A-Za-z_]"
    g_string_append(t->out, c == 'b' ? "(?:(?<=" WORD ")(?!" WORD ")|(?<!" WORD ")(?=" WORD "))"
                                     : "(?:(?<=" WORD ")(?=" WORD ")|(?<!" WORD ")(?!" WORD "))");
#undef WORD
    t->quantifiable = false;
    return true;
  }
  if (!in_class && c >= '1' && c <= '9') {
    unsigned number = (unsigned)(c - '0');
    while (g_ascii_isdigit(*t->at) && number < 1000)
      number = number * 10 + (unsigned)(*t->at++ - '0');
    g_string_append_printf(t->out, "\\g{%u}", number);
    return true;
  }
  if (!in_class && c == 'k') {
    const char *end = *t->at == '<' ? strchr(t->at, '>') : NULL;
    if (end == NULL)
      return refuse(error, "bad \\k escape");
    g_string_append(t->out, "\\k");
    g_string_append_len(t->out, t->at, end + 1 - t->at);
    t->at = end + 1;
    return true;
  }
  bool done = false;
  if (!character_escape(t, c, &done, error))
    return false;
  return done || refuse(error, "unknown escape");
}

static bool character_class(Translator *t, GError **error)
{
  bool negated = *t->at == '^';
  if (negated)
    t->at++;
  if (*t->at == ']') {
    t->at++;
    g_string_append(t->out, negated ? "(?s:.)" : "(?!)");
    return true;
  }
  g_string_append(t->out, negated ? "[^" : "[");
  while (*t->at != ']') {
    if (*t->at == '\0')
      return refuse(error, "unclosed class");
    if (*t->at == '\\') {
      bool set = strchr("dDwWsSpP", t->at[1]) != NULL && t->at[1] != '\0';
      t->at++;
      if (!escape(t, true, error))
        return false;
      if (set && *t->at == '-') { /* [\w-a]: the hyphen is itself */
        g_string_append(t->out, "\\-");
        t->at++;
      }
    } else if (*t->at == '-' && t->at[1] != '\0' && t->at[1] == '\\' && t->at[2] != '\0' &&
               strchr("dDwWsSpP", t->at[2]) != NULL) {
      g_string_append(t->out, "\\-");
      t->at++;
    } else if (*t->at == '-') {
      g_string_append_c(t->out, *t->at++);
    } else {
      put_code_point(t->out, g_utf8_get_char(t->at));
      t->at = g_utf8_next_char(t->at);
    }
  }
  t->at++;
  g_string_append_c(t->out, ']');
  return true;
}

static bool open_group(Translator *t, GError **error)
{
  t->groups++;
  t->quantifiable = false;
  if (t->groups > 100)
    return refuse(error, "groups too deep");
  if (*t->at != '?') {
    if (*t->at == '*')
      return refuse(error, "nothing to repeat");
    g_string_append_c(t->out, '(');
    return true;
  }
  static const char *const kinds[] = {"?:", "?=", "?!", "?<=", "?<!"};
  for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
    if (g_str_has_prefix(t->at, kinds[i])) {
      g_string_append_printf(t->out, "(%s", kinds[i]);
      t->at += strlen(kinds[i]);
      return true;
    }
  const char *end = t->at[1] == '<' ? strchr(t->at, '>') : NULL;
  if (end == NULL || end == t->at + 2)
    return refuse(error, "unknown kind of group");
  g_string_append_c(t->out, '(');
  g_string_append_len(t->out, t->at, end + 1 - t->at);
  t->at = end + 1;
  return true;
}

/* At '*', '+', '?' or '{'. A brace that opens no quantifier is a character. */
static bool quantifier(Translator *t, GError **error)
{
  const char *at = t->at;
  if (*at == '{') {
    const char *end = at + 1;
    while (g_ascii_isdigit(*end))
      end++;
    bool counted = end > at + 1;
    if (counted && *end == ',')
      for (end++; g_ascii_isdigit(*end);)
        end++;
    if (!counted || *end != '}') {
      g_string_append(t->out, "\\{");
      t->at++;
      t->quantifiable = true;
      return true;
    }
    at = end;
  }
  if (!t->quantifiable)
    return refuse(error, "nothing to repeat");
  at++;
  if (*at == '?')
    at++;
  g_string_append_len(t->out, t->at, at - t->at);
  t->at = at;
  t->quantifiable = false;
  return true;
}

static bool atom(Translator *t, GError **error)
{
  char c = *t->at;
  switch (c) {
  case '\\':
    t->at++;
    t->quantifiable = true;
    return escape(t, false, error);
  case '[':
    t->at++;
    t->quantifiable = true;
    return character_class(t, error);
  case '(':
    t->at++;
    return open_group(t, error);
  case ')':
    if (t->groups == 0)
      return refuse(error, "unopened group");
    t->groups--;
    t->quantifiable = true;
    break;
  case '*':
  case '+':
  case '?':
  case '{':
    return quantifier(t, error);
  case '^':
  case '|':
    t->quantifiable = false;
    break;
  case '$':
    t->at++;
    t->quantifiable = false;
    g_string_append(t->out, "\\z");
    return true;
  case '.':
    t->at++;
    t->quantifiable = true;
    g_string_append(t->out, "[^\\n\\r\\x{2028}\\x{2029}]");
    return true;
  default:
    t->quantifiable = true;
    if (g_ascii_isalnum(c)) {
      break;
    }
    put_code_point(t->out, g_utf8_get_char(t->at));
    t->at = g_utf8_next_char(t->at);
    return true;
  }
  g_string_append_c(t->out, c);
  t->at++;
  return true;
}

char *ablak_schema_pattern_translate(const char *pattern, GError **error)
{
  if (strlen(pattern) > 4096) {
    refuse(error, "longer than 4096 bytes");
    return NULL;
  }
  g_autoptr(GString) out = g_string_new(MATCH_EFFORT);
  Translator t = {.at = pattern, .out = out};
  while (*t.at != '\0')
    if (!atom(&t, error))
      return NULL;
  if (t.groups != 0) {
    refuse(error, "unclosed group");
    return NULL;
  }
  return g_string_free(g_steal_pointer(&out), FALSE);
}

GRegex *ablak_schema_pattern_compile(const char *pattern, GError **error)
{
  g_autofree char *translated = ablak_schema_pattern_translate(pattern, error);
  if (translated == NULL)
    return NULL;
  g_autoptr(GError) cause = NULL;
  GRegex *regex = g_regex_new(translated, G_REGEX_DOLLAR_ENDONLY | G_REGEX_NEWLINE_LF, 0, &cause);
  if (regex == NULL)
    refuse(error, cause->message);
  return regex;
}

int ablak_schema_pattern_match(GRegex *regex, const char *text, gsize length)
{
  g_autoptr(GError) error = NULL;
  if (length > G_MAXINT)
    return -1;
  bool matched = g_regex_match_full(regex, text, (gssize)length, 0, 0, NULL, &error);
  return error != NULL ? -1 : matched ? 1 : 0;
}
