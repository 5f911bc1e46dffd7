/* forms/checks.c: tells each audience what is missing in its own fields, when changes settle. */
#include "forms/live.h"
#include <string.h>

#define CHECKS_APART 6 /* times as long as changes settle */

static json_t *content_of(Live *live)
{
  json_t *content = json_object();
  for (int i = 0; i < 2; i++)
    ablak_form_collect(live->form, i == 1, live->documents[i].ydoc, content);
  return content;
}

/* A gap of the form as a whole is everybody's. */
static bool concerns(const Document *document, const char *path)
{
  g_auto(GStrv) tokens = ablak_form_path_tokens(path);
  const AblakFormField *field =
      tokens != NULL && tokens[0] != NULL ? ablak_form_top(document->live->form, tokens[0]) : NULL;
  return field == NULL || field->office == document->office;
}

static char *checks_text(const Document *document, const json_t *gaps)
{
  json_t *own = json_array();
  for (gsize i = 0; i < json_array_size(gaps); i++) {
    json_t *gap = json_array_get(gaps, i);
    if (concerns(document, ablak_json_get_string(gap, "path")))
      json_array_append(own, gap);
  }
  g_autoptr(json_t) checks =
      json_pack("{s:o, s:b}", "gaps", own, "complete", (int)(json_array_size(own) == 0));
  return ablak_json_text(checks);
}

static void refresh(Document *document, const json_t *gaps)
{
  g_autofree char *text = checks_text(document, gaps);
  if (g_strcmp0(text, document->checks) == 0)
    return;
  g_free(document->checks);
  document->checks = g_strdup(text);
  g_autoptr(GBytes) message = ablak_draft_live_message(MESSAGE_CHECKS, text);
  ablak_draft_live_relay(document, message, NULL);
}

static gboolean check_now(gpointer data)
{
  Live *live = data;
  live->checks_source = 0;
  live->checked_at_ms = drafts_monotonic_ms(live->drafts);
  if (live->failed || !ablak_draft_live_wake(live))
    return G_SOURCE_REMOVE;
  g_autoptr(json_t) content = content_of(live);
  g_autoptr(json_t) gaps = ablak_form_gaps(live->form, content);
  refresh(&live->documents[0], gaps);
  refresh(&live->documents[1], gaps);
  return G_SOURCE_REMOVE;
}

/* Who types changes something five times a second: a check has its time from the first change, and
 * the next one comes a while later. */
void ablak_draft_live_checks_soon(Live *live)
{
  if (live->checks_source != 0)
    return;
  gint64 settle_ms = live->drafts->options.checks_ms;
  gint64 since_ms = drafts_monotonic_ms(live->drafts) - live->checked_at_ms;
  gint64 wait_ms = CLAMP(CHECKS_APART * settle_ms - since_ms, settle_ms, CHECKS_APART * settle_ms);
  live->checks_source = g_timeout_add((guint)wait_ms, check_now, live);
}

void ablak_draft_live_checks_send(Document *document, AblakDraftConnection *to)
{
  g_autoptr(json_t) content = content_of(document->live);
  g_autoptr(json_t) gaps = ablak_form_gaps(document->live->form, content);
  g_autofree char *text = checks_text(document, gaps);
  g_autoptr(GBytes) message = ablak_draft_live_message(MESSAGE_CHECKS, text);
  ablak_draft_live_connection_send(to, message);
}
