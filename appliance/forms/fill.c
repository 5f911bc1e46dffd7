/* forms/fill.c: the box itself as a peer: it fills in fields and adds rows on somebody's behalf. */
#include "core/error.h"
#include "forms/live.h"
#include <string.h>

static void answer_when_durable(Live *live, AblakDone done, gpointer data)
{
  Waiting waiting = {done, data};
  if (done != NULL)
    g_array_append_val(ablak_draft_live_batch(live)->waiting, waiting);
}

/* --- fields --- */

/* The row must be there. */
static bool check_row(Live *live, const AblakFormField *field, const char *path, GError **error)
{
  g_auto(GStrv) tokens = ablak_form_path_tokens(path);
  AblakYtype *root = ablak_ydoc_root(live->documents[field->office].ydoc, FORM_ROOT);
  AblakYtype *rows = ablak_ymap_get_type(root, field->group->name);
  if (rows != NULL && g_ascii_strtoull(tokens[1], NULL, 10) < ablak_ytype_length(rows))
    return true;
  ablak_error_set(error, ABLAK_ERROR_UNPROCESSABLE, "forms/unknown-field", "no such row");
  return false;
}

static bool check_values(Live *live, const json_t *values, GError **error)
{
  const char *path;
  json_t *value;
  json_object_foreach((json_t *)values, path, value)
  {
    const AblakFormField *field = ablak_form_field_at(live->form, path);
    if (field == NULL) {
      ablak_error_set(error, ABLAK_ERROR_UNPROCESSABLE, "forms/unknown-field", "no such field");
      return false;
    }
    if (!ablak_form_value_fits(field, value)) {
      ablak_error_set(error, ABLAK_ERROR_UNPROCESSABLE, "forms/value", "not a value of that field");
      return false;
    }
    if (field->group != NULL && !check_row(live, field, path, error))
      return false;
  }
  return true;
}

/* What the document holds at the field's path; NULL: nothing. */
static json_t *value_at(Document *document, const char *path)
{
  g_autoptr(json_t) keys = json_pack("[s]", FORM_ROOT);
  g_auto(GStrv) tokens = ablak_form_path_tokens(path);
  for (guint i = 0; tokens[i] != NULL; i++)
    json_array_append_new(keys, i == 1 ? json_integer(g_ascii_strtoll(tokens[i], NULL, 10))
                                       : json_string(tokens[i]));
  return ablak_ydoc_json_at(document->ydoc, keys);
}

/* Filling in keeps a common beginning and end of a text: then it is still both persons'. */
static bool keeps_some(const json_t *before, const json_t *now)
{
  const char *one = json_string_value(before), *other = json_string_value(now);
  gsize size = json_string_length(before), other_size = json_string_length(now);
  return size > 0 && other_size > 0 &&
         (one[0] == other[0] || one[size - 1] == other[other_size - 1]);
}

static void note_value(Document *document, const char *path, AblakActor by, const json_t *before)
{
  g_autoptr(json_t) now = value_at(document, path);
  gint64 now_ms = drafts_wall_ms(document->live->drafts);
  if (json_equal(before, now))
    return;
  if (json_is_string(now) &&
      ablak_widget_is_text(ablak_form_field_at(document->live->form, path)->widget)) {
    gsize length = json_string_length(now);
    ablak_authors_typed(document->authors, path, by, now_ms, length,
                        keeps_some(before, now) ? length - 1 : length);
  } else {
    ablak_authors_set(document->authors, path, by, now_ms, before, now, false);
  }
}

static bool set_values(Document *document, const json_t *values, AblakActor by, GError **error)
{
  const AblakForm *form = document->live->form;
  g_autoptr(json_t) before = json_object();
  const char *path;
  json_t *value;
  bool good = true;
  json_object_foreach((json_t *)values, path, value)
  {
    if (ablak_form_field_at(form, path)->office == document->office)
      json_object_set_new(before, path, value_at(document, path));
  }
  ablak_ydoc_begin(document->ydoc);
  json_object_foreach((json_t *)values, path, value)
  {
    if (good && ablak_form_field_at(form, path)->office == document->office)
      good = ablak_form_set(form, document->ydoc, path, value, error);
  }
  g_autoptr(GBytes) update = ablak_ydoc_commit(document->ydoc);
  if (!good || update == NULL)
    return good;
  ablak_draft_live_write(document, update, by.kind, NULL);
  json_object_foreach((json_t *)values, path, value)
  {
    if (ablak_form_field_at(form, path)->office == document->office)
      note_value(document, path, by, json_object_get(before, path));
  }
  return true;
}

void ablak_drafts_prefill(AblakDrafts *drafts, const char *draft_id, const char *actor_kind,
                          const char *actor_id, const json_t *values, AblakDone done, gpointer data)
{
  GError *error = NULL;
  const AblakActor by = {actor_kind, actor_id};
  Live *live = ablak_draft_live_open(drafts, draft_id, &error);
  if (live == NULL || !check_values(live, values, &error)) {
    ablak_draft_live_answer(done, data, NULL, error);
    return;
  }
  if (!set_values(&live->documents[0], values, by, &error) ||
      !set_values(&live->documents[1], values, by, &error)) {
    ablak_draft_live_fail(live); /* half of it is in memory: begin again from the store */
    ablak_draft_live_answer(done, data, NULL, error);
    return;
  }
  answer_when_durable(live, done, data);
}

/* --- rows --- */

void ablak_drafts_add_row(AblakDrafts *drafts, const char *draft_id, const char *actor_kind,
                          const char *actor_id, const char *path, AblakDone done, gpointer data)
{
  GError *error = NULL;
  Live *live = ablak_draft_live_open(drafts, draft_id, &error);
  const AblakFormField *group = live != NULL ? ablak_form_field_at(live->form, path) : NULL;
  bool citizen = g_strcmp0(actor_kind, "citizen") == 0;
  if (live != NULL &&
      (group == NULL || group->widget != ABLAK_WIDGET_REPEAT || (group->office && citizen)))
    ablak_error_set(&error, ABLAK_ERROR_UNPROCESSABLE, "forms/unknown-field", "no such group");
  if (error != NULL) {
    ablak_draft_live_answer(done, data, NULL, error);
    return;
  }
  Document *document = &live->documents[group->office];
  ablak_ydoc_begin(document->ydoc);
  bool added = ablak_form_append_row(live->form, document->ydoc, group, &error);
  g_autoptr(GBytes) update = ablak_ydoc_commit(document->ydoc);
  if (!added) {
    if (update != NULL)
      ablak_draft_live_fail(live);
    ablak_draft_live_answer(done, data, NULL, error);
    return;
  }
  ablak_draft_live_write(document, update, actor_kind, NULL);
  ablak_authors_read_rows(document->authors, document->ydoc);
  ablak_authors_moved(document->authors, path, (AblakActor){actor_kind, actor_id},
                      drafts_wall_ms(drafts));
  answer_when_durable(live, done, data);
}
