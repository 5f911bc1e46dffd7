#include "accounts/accounts.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/messages.h"
#include <string.h>

#define FIELD_MOST 256 /* bytes */

enum { LOGIN, NAME, ROLES, LANGUAGE, PASSWORD, COLUMNS };
static const char *const column_names[COLUMNS] = {"login", "name", "roles", "language", "password"};

typedef struct {
  const char *at, *end;
  unsigned line;
} Reader;

static void complain(GError **error, unsigned line, const char *what)
{
  ablak_error_set(error, ABLAK_ERROR_INVALID, "accounts/csv", "line %u: %s", line, what);
}

/* One field (RFC 4180 §2): plain up to a comma or line end, or in quotes with "" for a quote. */
static char *read_field(Reader *reader, bool *ret_last, GError **error)
{
  g_autoptr(GString) field = g_string_new(NULL);
  bool quoted = reader->at < reader->end && *reader->at == '"';
  if (quoted)
    reader->at++;
  for (;; reader->at++) {
    if (reader->at == reader->end) {
      if (quoted) {
        complain(error, reader->line, "a quoted field has no end");
        return NULL;
      }
      break;
    }
    char c = *reader->at;
    if (quoted && c == '"') {
      if (reader->at + 1 < reader->end && reader->at[1] == '"') {
        reader->at++;
      } else {
        reader->at++;
        break;
      }
    } else if (!quoted && (c == ',' || c == '\n' || c == '\r')) {
      break;
    } else if (c == '\n') {
      reader->line++;
    }
    g_string_append_c(field, c);
  }
  *ret_last = reader->at == reader->end || *reader->at != ',';
  if (!*ret_last)
    reader->at++;
  else if (quoted && reader->at < reader->end && *reader->at != '\n' && *reader->at != '\r') {
    complain(error, reader->line, "text follows a closing quote");
    return NULL;
  }
  return g_string_free(g_steal_pointer(&field), FALSE);
}

/* The fields of one record; NULL with an error. */
static GPtrArray *read_record(Reader *reader, GError **error)
{
  g_autoptr(GPtrArray) fields = g_ptr_array_new_with_free_func(g_free);
  bool last = false;
  while (!last) {
    char *field = read_field(reader, &last, error);
    if (!field)
      return NULL;
    g_ptr_array_add(fields, field);
  }
  if (reader->at < reader->end && *reader->at == '\r')
    reader->at++;
  if (reader->at < reader->end && *reader->at == '\n')
    reader->at++;
  return g_steal_pointer(&fields);
}

static bool skip_blank_and_comments(Reader *reader)
{
  while (reader->at < reader->end &&
         (*reader->at == '#' || *reader->at == '\n' || *reader->at == '\r')) {
    const char *newline = memchr(reader->at, '\n', (gsize)(reader->end - reader->at));
    reader->at = newline ? newline + 1 : reader->end;
    reader->line++;
  }
  return reader->at < reader->end;
}

/* Control characters have no place in a name, and a blank around a login cannot be seen. */
static bool is_clean(const char *text)
{
  for (const char *at = text; *at; at = g_utf8_next_char(at))
    if (g_unichar_iscntrl(g_utf8_get_char(at)))
      return false;
  return *text && strlen(text) <= FIELD_MOST && !g_ascii_isspace(text[0]) &&
         !g_ascii_isspace(text[strlen(text) - 1]);
}

static bool roles_are_known(char **roles)
{
  static const char *const known[] = {"clerk", "supervisor", "editor", "it", NULL};
  for (char **role = roles; *role; role++)
    if (!g_strv_contains(known, *role))
      return false;
  return roles[0] != NULL;
}

static AblakStaff *person_from(GPtrArray *fields, unsigned line, GError **error)
{
  if (fields->len != COLUMNS) {
    complain(error, line, "five columns are needed: login, name, roles, language, password");
    return NULL;
  }
  char **values = (char **)fields->pdata;
  for (int i = 0; i < COLUMNS; i++)
    if (!is_clean(values[i])) {
      g_autofree char *what = g_strdup_printf(
          "the column %s is empty, too long or has blanks around it", column_names[i]);
      complain(error, line, what);
      return NULL;
    }
  g_autoptr(AblakStaff) staff = g_new0(AblakStaff, 1);
  staff->login = g_strdup(values[LOGIN]);
  staff->name = g_strdup(values[NAME]);
  staff->roles = g_strsplit(values[ROLES], " ", -1);
  staff->language = g_strdup(values[LANGUAGE]);
  if (!roles_are_known(staff->roles))
    complain(error, line, "roles are clerk, supervisor, editor or it, separated by spaces");
  else if (!ablak_messages_has_language(staff->language))
    complain(error, line, "the language is not one of the catalogue's");
  else
    return g_steal_pointer(&staff);
  return NULL;
}

static bool check_header(GPtrArray *header, GError **error)
{
  bool right = header->len == COLUMNS;
  for (guint i = 0; right && i < COLUMNS; i++)
    right = strcmp(header->pdata[i], column_names[i]) == 0;
  if (!right)
    complain(error, 1, "the first line must be login,name,roles,language,password");
  return right;
}

static bool is_new_login(GHashTable *logins, const AblakStaff *staff, unsigned line, GError **error)
{
  if (g_hash_table_add(logins, staff->login))
    return true;
  complain(error, line, "this login stands in the file twice");
  return false;
}

/* Last, because it takes long: a fault in any line is found before. */
static bool hash_passwords(GPtrArray *people, GPtrArray *passwords, GError **error)
{
  for (guint i = 0; i < people->len; i++) {
    AblakStaff *staff = people->pdata[i];
    if (!(staff->password_hash = ablak_password_hash(passwords->pdata[i], error)))
      return false;
  }
  return true;
}

GPtrArray *ablak_staff_from_csv(const char *text, gsize length, GError **error)
{
  if (!g_utf8_validate_len(text, length, NULL)) {
    ablak_error_set(error, ABLAK_ERROR_INVALID, "accounts/csv", "the file is not UTF-8 text");
    return NULL;
  }
  Reader reader = {.at = text, .end = text + length, .line = 1};
  /* Spreadsheets put a byte order mark first; the text need not end with NUL. */
  if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
    reader.at += 3;
  g_autoptr(GPtrArray) people = g_ptr_array_new_with_free_func((GDestroyNotify)ablak_staff_free);
  g_autoptr(GPtrArray) passwords = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GHashTable) logins = g_hash_table_new(g_str_hash, g_str_equal);
  bool header = false;
  while (skip_blank_and_comments(&reader)) {
    unsigned line = reader.line;
    g_autoptr(GPtrArray) fields = read_record(&reader, error);
    if (!fields)
      return NULL;
    reader.line++;
    if (!header) {
      if (!check_header(fields, error))
        return NULL;
      header = true;
      continue;
    }
    g_autoptr(AblakStaff) staff = person_from(fields, line, error);
    if (!staff || !is_new_login(logins, staff, line, error))
      return NULL;
    g_ptr_array_add(people, g_steal_pointer(&staff));
    g_ptr_array_add(passwords, g_strdup(fields->pdata[PASSWORD]));
  }
  if (people->len == 0) {
    complain(error, reader.line, "nobody stands in the file");
    return NULL;
  }
  return hash_passwords(people, passwords, error) ? g_steal_pointer(&people) : NULL;
}
