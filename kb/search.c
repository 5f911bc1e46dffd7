/* Full-text search over one edition (SQLite FTS5). What people type is cut into words here and only
 * ever reaches FTS5 as quoted strings, so its query syntax is out of their reach. */
#include "core/error.h"
#include "kb/private.h"
#include <string.h>

#define WORDS_MAX 16
#define WORD_CHARS_MAX 40
#define TEXT_BYTES_MAX 1000
#define HITS_MAX 100
/* bm25 weights: office, id, then ABLAK_KB_SEARCH_COLUMNS. */
#define WEIGHTS "0.0, 0.0, 10.0, 8.0, 4.0, 1.0, 0.7, 1.5"
/* Around a match in a snippet; the build keeps them out of the text. */
#define MATCH_BEGINS '\001'
#define MATCH_ENDS '\002'

/* --- words ----------------------------------------------------------------------------------- */

/* As the tokenizer unicode61 cuts: letters and digits belong to words, and so do marks. */
static bool is_word_character(gunichar c)
{
  return g_unichar_isalnum(c) || g_unichar_ismark(c);
}

static char *clean_text(const char *text)
{
  gsize length = strnlen(text, TEXT_BYTES_MAX);
  g_autofree char *valid = g_utf8_make_valid(text, (gssize)length);
  return g_utf8_normalize(valid, -1, G_NORMALIZE_NFC);
}

static GPtrArray *split_words(const char *text)
{
  GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
  g_autofree char *clean = clean_text(text);
  const char *at = clean;
  while (*at != '\0' && words->len < WORDS_MAX) {
    const char *start = at;
    glong characters = 0;
    for (; *at != '\0' && is_word_character(g_utf8_get_char(at)) && characters < WORD_CHARS_MAX;
         at = g_utf8_next_char(at))
      characters++;
    if (at > start)
      g_ptr_array_add(words, g_strndup(start, (gsize)(at - start)));
    else
      at = g_utf8_next_char(at);
  }
  return words;
}

/* A word has no quotation mark in it: those are no word characters. */
static void append_quoted(GString *query, const char *word)
{
  g_string_append_printf(query, "\"%s\"", word);
}

/* Every word; the last one perhaps unfinished, but whole in a name or keyword it counts twice. */
static char *strict_query(const GPtrArray *words)
{
  GString *query = g_string_new(NULL);
  for (guint i = 0; i + 1 < words->len; i++) {
    append_quoted(query, g_ptr_array_index(words, i));
    g_string_append(query, " AND ");
  }
  const char *last = g_ptr_array_index(words, words->len - 1);
  g_string_append(query, "({name keywords} : ");
  append_quoted(query, last);
  g_string_append(query, " OR ");
  append_quoted(query, last);
  g_string_append(query, " *)");
  return g_string_free(query, FALSE);
}

/* Hungarian and Czech put endings on words: without a stemmer, the first two thirds of a word stand
 * for all its forms. */
static char *stem(const char *word)
{
  glong characters = g_utf8_strlen(word, -1);
  return g_utf8_substring(word, 0, MAX(MIN(characters, 4), characters * 2 / 3));
}

/* Any word's beginning; very short words would find everything. */
static char *loose_query(const GPtrArray *words)
{
  GString *query = g_string_new(NULL);
  for (guint i = 0; i < words->len; i++) {
    const char *word = g_ptr_array_index(words, i);
    if (words->len > 1 && g_utf8_strlen(word, -1) < 3)
      continue;
    if (query->len > 0)
      g_string_append(query, " OR ");
    g_autofree char *beginning = stem(word);
    append_quoted(query, beginning);
    g_string_append(query, " *");
  }
  return g_string_free(query, FALSE);
}

/* --- hits ------------------------------------------------------------------------------------ */

static void append_part(json_t *parts, const char *start, const char *end, bool match)
{
  if (end > start)
    json_array_append_new(parts, json_pack("{s:s%, s:b}", "text", start, (size_t)(end - start),
                                           "match", match ? 1 : 0));
}

static json_t *snippet_parts(const char *text)
{
  json_t *parts = json_array();
  const char *start = text;
  bool match = false;
  for (const char *at = text;; at++) {
    if (*at != '\0' && *at != MATCH_BEGINS && *at != MATCH_ENDS)
      continue;
    append_part(parts, start, at, match);
    if (*at == '\0')
      return parts;
    match = *at == MATCH_BEGINS;
    start = at + 1;
  }
}

/* The first of the snippets that shows a match, else the summary. */
static const char *best_snippet(AblakRows *rows)
{
  for (int column = 3; column <= 7; column++) {
    const char *text = ablak_rows_text(rows, column);
    if (text != NULL && strchr(text, MATCH_BEGINS) != NULL)
      return text;
  }
  return ablak_rows_text(rows, 3);
}

static json_t *hit(AblakRows *rows)
{
  return json_pack("{s:s, s:s, s:s, s:o}", "id", ablak_rows_text(rows, 0), "name",
                   ablak_rows_text(rows, 1), "summary", ablak_rows_text(rows, 2), "snippet",
                   snippet_parts(best_snippet(rows)));
}

static char *search_sql(const char *language)
{
  return g_strdup_printf(
      "SELECT id, name, summary, snippet(search_%s, 4, char(1), char(2), '…', 24), "
      "snippet(search_%s, 5, char(1), char(2), '…', 24), "
      "snippet(search_%s, 3, char(1), char(2), '…', 16), "
      "snippet(search_%s, 6, char(1), char(2), '…', 24), "
      "snippet(search_%s, 7, char(1), char(2), '…', 24) "
      "FROM search_%s WHERE search_%s MATCH ? AND office = ? "
      "ORDER BY bm25(search_%s, " WEIGHTS "), id LIMIT ?",
      language, language, language, language, language, language, language, language);
}

static json_t *run_query(AblakTxn *txn, const char *language, const char *query, const char *office,
                         unsigned limit, GError **error)
{
  g_autofree char *sql = search_sql(language);
  g_autoptr(AblakRows) rows =
      ablak_txn_query(txn, error, sql, "tti", query, office, (gint64)MIN(limit, HITS_MAX));
  if (rows == NULL)
    return NULL;
  g_autoptr(json_t) hits = json_array();
  g_autoptr(GError) fault = NULL;
  while (ablak_rows_next(rows, &fault))
    json_array_append_new(hits, hit(rows));
  if (fault != NULL) {
    g_propagate_error(error, g_steal_pointer(&fault));
    return NULL;
  }
  return g_steal_pointer(&hits);
}

/* The asked language when the office has it, else the binding one; it becomes part of a table's
 * name, so it comes from the edition and never from the caller. */
static char *choose_language(AblakKbEdition *edition, const char *office, const char *language,
                             GError **error)
{
  g_autoptr(json_t) found = ablak_kb_office(edition, office, error);
  if (found == NULL)
    return NULL;
  const json_t *languages = json_object_get(found, "languages");
  const char *chosen = json_string_value(json_array_get(languages, 0));
  gsize i;
  json_t *item;
  json_array_foreach((json_t *)languages, i, item)
  {
    if (g_strcmp0(json_string_value(item), language) == 0)
      chosen = json_string_value(item);
  }
  if (!ablak_kb_language_is_valid(chosen)) {
    ablak_error_set(error, ABLAK_ERROR_UNPROCESSABLE, "kb/edition", "the office has no language");
    return NULL;
  }
  return g_strdup(chosen);
}

json_t *ablak_kb_search(AblakKbEdition *edition, const char *office, const char *text,
                        const char *language, unsigned limit, GError **error)
{
  g_autofree char *chosen = choose_language(edition, office, language, error);
  if (chosen == NULL)
    return NULL;
  g_autoptr(GPtrArray) words = split_words(text);
  if (words->len == 0)
    return json_array();
  AblakTxn *txn = ablak_kb_edition_txn(edition);
  g_autofree char *strict = strict_query(words);
  g_autoptr(json_t) hits = run_query(txn, chosen, strict, office, limit, error);
  if (hits == NULL || json_array_size(hits) > 0)
    return g_steal_pointer(&hits);
  g_autofree char *loose = loose_query(words);
  return *loose == '\0' ? g_steal_pointer(&hits)
                        : run_query(txn, chosen, loose, office, limit, error);
}
