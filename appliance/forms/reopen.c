/* forms/reopen.c: a filed draft that people have open still is open again. */
#include "forms/live.h"

/* A close calls the transport, which may let its connection go. */
static void close_all(Document *document)
{
  g_autoptr(GPtrArray) all =
      g_ptr_array_new_with_free_func((GDestroyNotify)ablak_draft_live_connection_unref);
  for (guint i = 0; i < document->connections->len; i++)
    g_ptr_array_add(all,
                    ablak_draft_live_connection_ref(g_ptr_array_index(document->connections, i)));
  for (guint i = 0; i < all->len; i++)
    ablak_draft_live_connection_close(g_ptr_array_index(all, i), CLOSE_FROZEN, "frozen");
}

/* Nothing was taken in while it was frozen, so the copy in memory is the store's still: the same
 * documents go on, and whoever is connected sends only what is new. */
void ablak_drafts_reopened(AblakDrafts *drafts, const char *draft_id, bool moved)
{
  Live *live = g_hash_table_lookup(drafts->lives, draft_id);
  if (live == NULL || live->failed)
    return;
  if (moved) {
    close_all(&live->documents[0]);
    close_all(&live->documents[1]);
  }
  live->frozen = false;
  ablak_draft_live_checks_soon(live);
}
