/* forms/checks.c: tells each audience what is missing in its own fields, when changes settle. */
#include "core/crypto.h"
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

/* Thousands of drafts are open: the texts themselves would take more than the rest of a quiet one.
 */
static guint64 digest_of(const char *text)
{
  guint8 digest[ABLAK_SHA256_SIZE];
  guint64 start;
  ablak_sha256(text, strlen(text), digest);
  memcpy(&start, digest, sizeof start);
  return start != 0 ? start : 1;
}

static void refresh(Document *document, const json_t *gaps)
{
  g_autofree char *text = checks_text(document, gaps);
  guint64 digest = digest_of(text);
  if (digest == document->checks)
    return;
  document->checks = digest;
  g_autoptr(GBytes) message = ablak_draft_live_message(MESSAGE_CHECKS, text);
  ablak_draft_live_relay(document, message, NULL);
}

void ablak_draft_live_check(Live *live)
{
  live->checked_at_ms = drafts_monotonic_ms(live->drafts);
  /* who is awake is not kept awake by this: nobody needs it */
  if (live->failed || (live->documents[0].ydoc == NULL && !ablak_draft_live_wake(live)))
    return;
  g_autoptr(json_t) content = content_of(live);
  g_autoptr(json_t) gaps = ablak_form_gaps(live->form, content);
  refresh(&live->documents[0], gaps);
  refresh(&live->documents[1], gaps);
}

/* Who types changes something five times a second: a check has its time from the first change, and
 * the next one comes a while later. */
void ablak_draft_live_checks_soon(Live *live)
{
  if (live->unchecked != NULL)
    return;
  gint64 settle_ms = live->drafts->options.checks_ms;
  gint64 since_ms = drafts_monotonic_ms(live->drafts) - live->checked_at_ms;
  gint64 wait_ms = CLAMP(CHECKS_APART * settle_ms - since_ms, settle_ms, CHECKS_APART * settle_ms);
  ablak_draft_live_check_in(live, wait_ms);
}

void ablak_draft_live_checks_send(Document *document, AblakDraftConnection *to)
{
  g_autoptr(json_t) content = content_of(document->live);
  g_autoptr(json_t) gaps = ablak_form_gaps(document->live->form, content);
  g_autofree char *text = checks_text(document, gaps);
  g_autoptr(GBytes) message = ablak_draft_live_message(MESSAGE_CHECKS, text);
  ablak_draft_live_connection_send(to, message);
}
