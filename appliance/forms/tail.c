/* forms/tail.c: keeping draft_tail short.
 *
 * Its rows go from the front only, up to the first that some document needs. So a draft in which
 * somebody typed a little and stopped holds everything behind it back: when the tail grows beyond
 * its bound, the logs of those who hold it back are merged, a few at a time: each is
 * read, merged and written while everybody else waits. */
#include "core/log.h"
#include "forms/live.h"

#define LOOKS 256 /* while as many rows are written as the tail may hold */

struct Trim {
  AblakDrafts *drafts; /* NULL: nobody is interested any more */
  gint64 rows_at_once, rows_max;
  GPtrArray *laggards; /* AblakDraftLaggard */
};

static void trim_free(gpointer data)
{
  Trim *trim = data;
  g_clear_pointer(&trim->laggards, g_ptr_array_unref);
  g_free(trim);
}

static bool trim_job(AblakTxn *txn, gpointer data, GError **error)
{
  Trim *trim = data;
  g_clear_pointer(&trim->laggards, g_ptr_array_unref); /* a job may be run again */
  return ablak_draft_log_trim(txn, trim->rows_at_once, trim->rows_max, &trim->laggards, error);
}

static bool bring_home_job(AblakTxn *txn, gpointer data, GError **error)
{
  const AblakDraftLaggard *laggard = data;
  return ablak_draft_log_bring_home(txn, laggard->draft_id, laggard->audience, error);
}

/* A draft that failed has left its rows behind. */
static void bring_home(AblakDrafts *drafts, const AblakDraftLaggard *laggard)
{
  AblakDraftLaggard *copy = g_new0(AblakDraftLaggard, 1);
  *copy = (AblakDraftLaggard){g_strdup(laggard->draft_id), g_strdup(laggard->audience)};
  ablak_store_write(drafts->store, bring_home_job, NULL, copy, ablak_draft_laggard_free);
}

static void catch_up(AblakDrafts *drafts, const AblakDraftLaggard *laggard)
{
  Live *live = g_hash_table_lookup(drafts->lives, laggard->draft_id);
  if (live == NULL)
    bring_home(drafts, laggard);
  else if (!live->failed && ablak_draft_live_wake(live))
    ablak_draft_live_merge_logs(live);
}

static void trim_done(const GError *error, gpointer data)
{
  Trim *trim = data;
  if (error != NULL)
    ablak_log_gerror(ABLAK_LOG_WARNING, "draft.tail-failed", error, NULL);
  if (trim->drafts == NULL)
    return;
  trim->drafts->trim = NULL;
  for (guint i = 0; error == NULL && i < trim->laggards->len; i++)
    catch_up(trim->drafts, g_ptr_array_index(trim->laggards, i));
}

void ablak_draft_live_tail_written(AblakDrafts *drafts, guint rows)
{
  gint64 rows_max = drafts->options.tail_rows_max, every = MAX(rows_max / LOOKS, 1);
  drafts->tail_rows += rows;
  if (drafts->trim != NULL || drafts->tail_rows < every)
    return;
  drafts->trim = g_new0(Trim, 1);
  *drafts->trim =
      (Trim){.drafts = drafts, .rows_at_once = 4 * (gint64)drafts->tail_rows, .rows_max = rows_max};
  drafts->tail_rows = 0;
  ablak_store_write(drafts->store, trim_job, trim_done, drafts->trim, trim_free);
}

/* --- the beginning and the end --- */

static bool bring_all_home_job(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_draft_log_bring_all_home(txn, error);
}

void ablak_draft_live_tail_open(AblakDrafts *drafts)
{
  g_autoptr(GError) error = NULL;
  if (!ablak_store_write_sync(drafts->store, bring_all_home_job, NULL, &error))
    ablak_log_gerror(ABLAK_LOG_WARNING, "draft.tail-failed", error, NULL); /* it is read as it is */
}

void ablak_draft_live_tail_close(AblakDrafts *drafts)
{
  if (drafts->trim != NULL)
    drafts->trim->drafts = NULL;
  ablak_store_write(drafts->store, bring_all_home_job, NULL, NULL, NULL);
}
