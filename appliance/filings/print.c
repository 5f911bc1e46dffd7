/* filings/print.c: the receipt and the whole submission on paper. */
#include "core/error.h"
#include "core/messages.h"
#include "filings/filings.h"
#include "filings/sheet.h"
#include <string.h>

/* Text by language: the printed language, the binding one, English, any. */
static const char *text_of(const AblakPrint *print, const json_t *text)
{
  if (json_is_string(text))
    return json_string_value(text);
  const char *languages[] = {print->language, print->binding_language, "en"};
  for (gsize i = 0; i < G_N_ELEMENTS(languages); i++) {
    const char *found = languages[i] != NULL ? ablak_json_get_string(text, languages[i]) : NULL;
    if (found != NULL)
      return found;
  }
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)text, name, value) return json_string_value(value);
  return NULL;
}

/* Never NULL: what has no text in any language is printed without one. */
static const char *member_text(const AblakPrint *print, const json_t *element, const char *name)
{
  const char *text = text_of(print, json_object_get(element, name));
  return text != NULL ? text : "";
}

static const char *say(const AblakPrint *print, const char *key)
{
  return ablak_message(print->language, key);
}

static const char *fact(const AblakPrint *print, const char *name)
{
  const char *value = ablak_json_get_string(print->receipt, name);
  return value != NULL ? value : "";
}

static const char *office_name(const AblakPrint *print)
{
  const char *name = text_of(print, print->office_name);
  return name != NULL ? name : fact(print, "office");
}

static const char *service_name(const AblakPrint *print)
{
  const char *name = text_of(print, print->service_name);
  if (name == NULL)
    name = text_of(print, json_object_get(print->receipt, "serviceName"));
  return name != NULL ? name : fact(print, "service");
}

static char *date_text(const AblakPrint *print, const char *date)
{
  int year = 0, month = 0, day = 0;
  if (strlen(date) < 10 || sscanf(date, "%4d-%2d-%2d", &year, &month, &day) != 3)
    return g_strdup(date);
  g_autofree char *y = g_strdup_printf("%04d", year);
  g_autofree char *m = g_strdup_printf("%02d", month);
  g_autofree char *d = g_strdup_printf("%02d", day);
  return ablak_message_format(print->language, "print.date", "year", y, "month", m, "day", d, NULL);
}

/* The office's local time; the offset says which of two hours it is when clocks go back. */
static char *time_text(const AblakPrint *print, const char *utc)
{
  g_autoptr(GDateTime) time = utc != NULL ? g_date_time_new_from_iso8601(utc, NULL) : NULL;
  if (time == NULL)
    return g_strdup(utc != NULL ? utc : "");
  g_autofree char *local = ablak_zone_rfc3339(print->zone, g_date_time_to_unix(time) * 1000);
  g_autofree char *date = date_text(print, local);
  g_autofree char *clock = g_strndup(local + 11, 8);
  return ablak_message_format(print->language, "print.time", "date", date, "clock", clock, "zone",
                              ablak_zone_name(print->zone), "offset", local + 19, NULL);
}

/* --- the form's fields --- */

static const json_t *find_element(const json_t *elements, const char *name)
{
  for (gsize i = 0; i < json_array_size(elements); i++) {
    const json_t *element = json_array_get(elements, i);
    const char *field = ablak_json_get_string(element, "field");
    if (field != NULL && g_str_equal(field + (*field == '/'), name))
      return element;
  }
  return NULL;
}

static const json_t *find_top(const AblakPrint *print, const char *name)
{
  const json_t *layout = json_object_get(print->definition, "layout");
  const json_t *found = NULL;
  for (gsize i = 0; found == NULL && i < json_array_size(layout); i++)
    found = find_element(json_object_get(json_array_get(layout, i), "elements"), name);
  return found;
}

static bool hidden(const AblakPrint *print, const json_t *element)
{
  return !print->with_office && json_is_true(json_object_get(element, "office"));
}

/* "Children 2: Name" for "/children/1/name"; NULL when the gap is not for these eyes. */
static char *gap_label(const AblakPrint *print, const char *path)
{
  g_auto(GStrv) tokens = g_strsplit(path, "/", -1); /* names have no escapes in published forms */
  gsize count = g_strv_length(tokens);
  const json_t *element = count > 1 ? find_top(print, tokens[1]) : NULL;
  if (element == NULL)
    return g_strdup(count > 1 ? path : say(print, "print.gap.form"));
  if (hidden(print, element))
    return NULL;
  const json_t *inner =
      count > 3 ? find_element(json_object_get(element, "elements"), tokens[3]) : NULL;
  const char *title = text_of(print, json_object_get(element, "label"));
  if (title == NULL)
    title = member_text(print, element, "title");
  if (count < 3)
    return g_strdup(title);
  gint64 row = g_ascii_strtoll(tokens[2], NULL, 10) + 1;
  const char *label = text_of(print, json_object_get(inner, "label"));
  return g_strdup_printf("%s %" G_GINT64_FORMAT "%s%s", title, row, label != NULL ? ": " : "",
                         label != NULL ? label : "");
}

static const char *gap_reason(const AblakPrint *print, const char *keyword)
{
  bool missing =
      g_strcmp0(keyword, "required") == 0 || g_strcmp0(keyword, "dependentRequired") == 0;
  return say(print, missing ? "print.gap.missing" : "print.gap.wrong");
}

static const char *gap_at(const AblakPrint *print, const char *path)
{
  const json_t *gaps = json_object_get(print->receipt, "gaps");
  for (gsize i = 0; i < json_array_size(gaps); i++) {
    const json_t *gap = json_array_get(gaps, i);
    if (g_strcmp0(ablak_json_get_string(gap, "path"), path) == 0)
      return gap_reason(print, ablak_json_get_string(gap, "keyword"));
  }
  return NULL;
}

static void print_gaps(AblakSheet *sheet, const AblakPrint *print)
{
  const json_t *gaps = json_object_get(print->receipt, "gaps");
  ablak_sheet_heading(sheet, say(print, "print.gaps"));
  unsigned printed = 0;
  for (gsize i = 0; i < json_array_size(gaps); i++) {
    const json_t *gap = json_array_get(gaps, i);
    g_autofree char *label = gap_label(print, ablak_json_get_string(gap, "path"));
    if (label == NULL)
      continue;
    if (printed++ == 0)
      ablak_sheet_paragraph(sheet, say(print, "print.gaps.some"));
    ablak_sheet_row(sheet, label, gap_reason(print, ablak_json_get_string(gap, "keyword")),
                    ABLAK_SHEET_PLAIN, NULL);
  }
  if (printed == 0)
    ablak_sheet_paragraph(sheet, say(print, "print.gaps.none"));
}

static const char *option_label(const AblakPrint *print, const json_t *element, const char *value)
{
  const json_t *options = json_object_get(element, "options");
  for (gsize i = 0; i < json_array_size(options); i++) {
    const json_t *option = json_array_get(options, i);
    if (g_strcmp0(ablak_json_get_string(option, "value"), value) == 0)
      return text_of(print, json_object_get(option, "label"));
  }
  return NULL;
}

/* New, or NULL when nothing was given. */
static char *value_text(const AblakPrint *print, const json_t *element, const json_t *value)
{
  if (json_is_boolean(value))
    return g_strdup(say(print, json_is_true(value) ? "print.yes" : "print.no"));
  if (json_is_number(value))
    return ablak_json_canonical(value);
  if (!json_is_string(value))
    return NULL;
  const char *text = json_string_value(value);
  const char *label = option_label(print, element, text);
  if (label == NULL && g_strcmp0(ablak_json_get_string(element, "widget"), "date") == 0)
    return date_text(print, text);
  return g_strdup(label != NULL ? label : text);
}

static void print_field(AblakSheet *sheet, const AblakPrint *print, const json_t *element,
                        const json_t *value, const char *path)
{
  g_autofree char *text = value_text(print, element, value);
  ablak_sheet_row(sheet, member_text(print, element, "label"),
                  text != NULL ? text : say(print, "print.empty"),
                  text != NULL ? ABLAK_SHEET_PLAIN : ABLAK_SHEET_FAINT, gap_at(print, path));
}

static void print_rows(AblakSheet *sheet, const AblakPrint *print, const json_t *group,
                       const json_t *rows, const char *path)
{
  const char *title = member_text(print, group, "title");
  const json_t *elements = json_object_get(group, "elements");
  if (json_array_size(rows) == 0) {
    ablak_sheet_row(sheet, title, say(print, "print.empty"), ABLAK_SHEET_FAINT,
                    gap_at(print, path));
    return;
  }
  for (gsize i = 0; i < json_array_size(rows); i++) {
    g_autofree char *heading = g_strdup_printf("%s %zu", title, i + 1);
    ablak_sheet_subheading(sheet, heading);
    for (gsize j = 0; j < json_array_size(elements); j++) {
      const json_t *element = json_array_get(elements, j);
      const char *name = ablak_json_get_string(element, "field");
      g_autofree char *place = g_strdup_printf("%s/%zu/%s", path, i, name);
      print_field(sheet, print, element, json_object_get(json_array_get(rows, i), name), place);
    }
  }
}

static bool section_is_hidden(const AblakPrint *print, const json_t *elements)
{
  for (gsize i = 0; i < json_array_size(elements); i++)
    if (!hidden(print, json_array_get(elements, i)))
      return false;
  return true;
}

static void print_section(AblakSheet *sheet, const AblakPrint *print, const json_t *section)
{
  const json_t *elements = json_object_get(section, "elements");
  if (section_is_hidden(print, elements))
    return;
  ablak_sheet_heading(sheet, member_text(print, section, "title"));
  for (gsize i = 0; i < json_array_size(elements); i++) {
    const json_t *element = json_array_get(elements, i);
    const char *path = ablak_json_get_string(element, "field");
    if (hidden(print, element) || path == NULL)
      continue;
    const json_t *value = json_object_get(print->content, path + 1);
    if (g_strcmp0(ablak_json_get_string(element, "type"), "repeat") == 0)
      print_rows(sheet, print, element, value, path);
    else
      print_field(sheet, print, element, value, path);
  }
}

/* --- completions --- */

static bool is_completion(const AblakPrint *print)
{
  return json_is_object(json_object_get(print->receipt, "completes"));
}

/* "MINTA/2026/000017", of a completion with which one it is. */
static char *number_text(const AblakPrint *print)
{
  if (!is_completion(print))
    return g_strdup(fact(print, "number"));
  g_autofree char *which =
      g_strdup_printf("%" G_GINT64_FORMAT, ablak_json_get_int(print->receipt, "ordinal", 2) - 1);
  return ablak_message_format(print->language, "print.number.completion", "number",
                              fact(print, "number"), "which", which, NULL);
}

static void print_due(AblakSheet *sheet, const AblakPrint *print)
{
  const char *due = ablak_json_get_string(print->receipt, "due");
  if (due == NULL)
    return;
  bool late = json_is_true(json_object_get(print->receipt, "late"));
  g_autofree char *day = date_text(print, due);
  ablak_sheet_row(sheet, say(print, "print.completion.due"), day, ABLAK_SHEET_PLAIN,
                  late ? say(print, "print.completion.late") : NULL);
}

static void print_changes(AblakSheet *sheet, const AblakPrint *print)
{
  const json_t *changes = json_object_get(print->receipt, "changes");
  g_autoptr(GString) labels = g_string_new(NULL);
  for (gsize i = 0; i < json_array_size(changes); i++) {
    g_autofree char *label = gap_label(print, json_string_value(json_array_get(changes, i)));
    if (label != NULL)
      g_string_append_printf(labels, "%s%s", labels->len > 0 ? "\n" : "", label);
  }
  ablak_sheet_row(sheet, say(print, "print.completion.changes"),
                  labels->len > 0 ? labels->str : say(print, "print.completion.no-changes"),
                  labels->len > 0 ? ABLAK_SHEET_PLAIN : ABLAK_SHEET_FAINT, NULL);
}

static void print_completion(AblakSheet *sheet, const AblakPrint *print)
{
  const json_t *completes = json_object_get(print->receipt, "completes");
  if (!is_completion(print))
    return;
  g_autofree char *before = time_text(print, ablak_json_get_string(completes, "arrivedAt"));
  ablak_sheet_heading(sheet, say(print, "print.completion"));
  ablak_sheet_row(sheet, say(print, "print.completion.of"), before, ABLAK_SHEET_PLAIN, NULL);
  ablak_sheet_row(sheet, say(print, "print.completion.reason"), fact(print, "reason"),
                  ABLAK_SHEET_PLAIN, NULL);
  print_due(sheet, print);
  print_changes(sheet, print);
  ablak_sheet_row(sheet, say(print, "print.completion.digest"),
                  ablak_json_get_string(completes, "contentSha256"), ABLAK_SHEET_CODE, NULL);
}

/* --- the two documents --- */

static void print_facts(AblakSheet *sheet, const AblakPrint *print)
{
  g_autofree char *arrival = time_text(print, fact(print, "arrivedAt"));
  g_autofree char *number = number_text(print);
  g_autofree char *version =
      g_strdup_printf("%" G_GINT64_FORMAT, ablak_json_get_int(print->receipt, "formVersion", 0));
  const char *title = text_of(print, json_object_get(print->definition, "title"));
  g_autofree char *form =
      ablak_message_format(print->language, "print.form-version", "form",
                           title != NULL ? title : fact(print, "form"), "version", version, NULL);
  ablak_sheet_row(sheet, say(print, "print.number"), number, ABLAK_SHEET_STRONG, NULL);
  ablak_sheet_row(sheet, say(print, "print.arrived"), arrival, ABLAK_SHEET_STRONG, NULL);
  ablak_sheet_row(sheet, say(print, "print.office"), office_name(print), ABLAK_SHEET_PLAIN, NULL);
  ablak_sheet_row(sheet, say(print, "print.service"), service_name(print), ABLAK_SHEET_PLAIN, NULL);
  ablak_sheet_row(sheet, say(print, "print.form"), form, ABLAK_SHEET_PLAIN, NULL);
}

static void print_seal(AblakSheet *sheet, const AblakPrint *print)
{
  ablak_sheet_heading(sheet, say(print, "print.seal"));
  ablak_sheet_paragraph(sheet, say(print, "print.seal.about"));
  ablak_sheet_row(sheet, say(print, "print.digest"), fact(print, "contentSha256"), ABLAK_SHEET_CODE,
                  NULL);
  if (print->signature != NULL)
    ablak_sheet_row(sheet, say(print, "print.signature"), print->signature, ABLAK_SHEET_CODE, NULL);
  ablak_sheet_row(sheet, say(print, "print.key"), fact(print, "boxKey"), ABLAK_SHEET_CODE, NULL);
}

static void print_language_note(AblakSheet *sheet, const AblakPrint *print)
{
  if (print->binding_language == NULL || g_str_equal(print->binding_language, print->language))
    return;
  g_autofree char *key = g_strconcat("print.binding.", print->binding_language, NULL);
  ablak_sheet_note(sheet, say(print, key));
}

static void draw_receipt(AblakSheet *sheet, const AblakPrint *print)
{
  ablak_sheet_title(sheet, say(print, "print.receipt"), service_name(print));
  ablak_sheet_paragraph(
      sheet, say(print, is_completion(print) ? "print.completion.about" : "print.receipt.about"));
  print_language_note(sheet, print);
  print_facts(sheet, print);
  print_completion(sheet, print);
  print_gaps(sheet, print);
  print_seal(sheet, print);
}

static void draw_content(AblakSheet *sheet, const AblakPrint *print)
{
  const json_t *layout = json_object_get(print->definition, "layout");
  const char *title = text_of(print, json_object_get(print->definition, "title"));
  ablak_sheet_title(sheet, title != NULL ? title : fact(print, "form"),
                    say(print, "print.content"));
  print_language_note(sheet, print);
  print_facts(sheet, print);
  print_completion(sheet, print);
  for (gsize i = 0; i < json_array_size(layout); i++)
    print_section(sheet, print, json_array_get(layout, i));
  print_gaps(sheet, print);
  print_seal(sheet, print);
}

/* Twice: the first time only to count the pages. */
static GBytes *draw(const AblakPrint *print, void (*body)(AblakSheet *, const AblakPrint *),
                    const char *title, GError **error)
{
  g_autofree char *number = number_text(print);
  g_autofree char *footer = g_strdup_printf("%s · %s", office_name(print), number);
  bool sample = json_is_true(json_object_get(print->receipt, "sample"));
  const AblakSheetOptions options = {
      .title = title,
      .author = office_name(print),
      .left = office_name(print),
      .right = number,
      .mark = sample ? say(print, "print.sample") : NULL,
      .footer = footer,
      .page = say(print, "print.page"),
      .created = fact(print, "arrivedAt"),
      .language = print->language,
  };
  unsigned pages = 0;
  AblakSheet *sheet = ablak_sheet_new(&options, 0);
  body(sheet, print);
  g_autoptr(GBytes) draft = ablak_sheet_finish(sheet, &pages, error);
  if (draft == NULL)
    return NULL;
  sheet = ablak_sheet_new(&options, pages);
  body(sheet, print);
  return ablak_sheet_finish(sheet, NULL, error);
}

GBytes *ablak_print_receipt(const AblakPrint *print, GError **error)
{
  g_autofree char *number = number_text(print);
  g_autofree char *title = g_strdup_printf("%s %s", say(print, "print.receipt"), number);
  return draw(print, draw_receipt, title, error);
}

GBytes *ablak_print_content(const AblakPrint *print, GError **error)
{
  const char *form = text_of(print, json_object_get(print->definition, "title"));
  g_autofree char *number = number_text(print);
  g_autofree char *title =
      g_strdup_printf("%s %s", form != NULL ? form : fact(print, "form"), number);
  return draw(print, draw_content, title, error);
}
