/* forms/session.h: open drafts, live, in memory, for any number of connections.
 *
 * Purpose: each draft and audience has one Yjs document here while somebody is connected; it is
 * loaded from the draft's log on first use and dropped when idle. Connections speak y-websocket's
 * protocol; the transport is the caller's. Beside the stock messages the box sends
 *   100  varuint: how many of this connection's update messages (0, 2) are durable,
 *   101  JSON string {"refused": [{"path", "reason"}]}: what of its update was undone
 *        (reasons "forbidden", "unknown", "structure", "value"),
 *   102  JSON string {"gaps": [{"path", "keyword", "detail"}], "complete": bool}: on connecting,
 *        and 150 ms after a change, at most each 0.9 s; each audience gets the gaps of its own
 * fields, 103  JSON string {"authors": [DraftAuthor], "complete": true}: who wrote what, of the
 *        receiver's audience: everything ("complete") on connecting and when rows moved, else only
 *        fields whose author, other writers or previous value changed, after the commit; the time
 *        of an author who goes on, every 30 s. DraftAuthor is a component of the interface,
 * and closes with 4400 "malformed", 4400 "forged" (something new under the Yjs client id of another
 * actor or the box), 4409 "frozen" (a change after the freeze), 4413 "too large", and 1013 where
 * connecting again helps: the store failed, "too fast", "full" (the open drafts fill their memory).
 *
 * Client ids: one belongs to the actor that first spoke (awareness) or wrote under it, as long as
 * the draft lives. Who sends faster than the limits is read more slowly; a transport that cannot
 * wait is closed.
 *
 * Durability: a change is written to the log and committed before it is relayed, acknowledged or
 * handed to a connection that joins. Field rules: a change is integrated and what the connection
 * may not change is undone in the same commit.
 * Threads: the main thread, in the store's context. Ownership: see each function. */
#pragma once
#include "forms/forms.h"
#include "store/store.h"

typedef struct AblakDrafts AblakDrafts;
typedef struct AblakDraftConnection AblakDraftConnection;

typedef struct {
  gsize message_max;      /* bytes of one message; 0: 1 MiB */
  gsize document_max;     /* bytes of one document in memory; 0: 4 MiB */
  unsigned checks_ms;     /* from a change to its check, and a sixth of the time between
                           checks of one draft; 0: 150 */
  unsigned idle_ms;       /* how long an unused document stays in memory; 0: 60,000 */
  unsigned quiet_ms;      /* and the documents of one that nobody goes on changing; a quarter
                           of it when nobody began to, or once only; 0: 600 */
  unsigned log_rows_max;  /* the log is merged into one row beyond this; 0: 200 */
  gsize log_bytes_max;    /* or beyond this; 0: 256 KiB */
  unsigned tail_rows_max; /* newest rows of all logs, kept together, about; 0: 32,768 */
  gsize memory_max;       /* of all documents in memory, about; 0: 256 MiB */
  /* What one connection may send. 0: 400 messages/s after 2,000 at once, and 512 KiB/s after 2 MiB.
   * A typist's key is two messages (text and cursor). */
  unsigned messages_per_s, messages_burst, bytes_per_s, bytes_burst;
  /* NULL: the clocks of core/clock.h. */
  gint64 (*monotonic_ms)(gpointer clock_data);
  gint64 (*wall_ms)(gpointer clock_data);
  gpointer clock_data;
} AblakDraftsOptions;

/* `store` must outlive it; `options` may be NULL. */
AblakDrafts *ablak_drafts_new(AblakStore *store, const AblakDraftsOptions *options);
/* No connection may be left. What is being written is waited for by ablak_store_close: close the
 * store after this; late results are ignored. */
void ablak_drafts_free(AblakDrafts *drafts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakDrafts, ablak_drafts_free)
/* Drafts in memory now, and what their documents take, in bytes. */
void ablak_drafts_usage(AblakDrafts *drafts, unsigned *ret_open, gsize *ret_bytes);

/* --- connections -------------------------------------------------------------------------------
 */

typedef struct {
  const char *actor_kind; /* "citizen" or "clerk"; copied */
  const char *actor_id;   /* an id, never a name; of a citizen the device's; copied */
  /* May this connection change the field at `path` ("/children/0/name")? NULL: every field of the
   * audience. Must not call back into drafts. */
  bool (*may_write)(const char *path, gpointer data);
  void (*send)(const void *message, gsize size, gpointer data);
  /* Called at most once; nothing is sent after it. The connection still has to be freed. */
  void (*close)(unsigned code, const char *reason, gpointer data);
  gpointer data;
  /* Reads nothing from now on, or again; what was read already may still be handed over. NULL: the
   * transport cannot. */
  void (*pause)(bool pause, gpointer data);
} AblakDraftPeer;

/* Whether the actor may see the draft and the audience is the caller's to decide before.
 * "forms/unknown-draft"; "forms/unavailable" (503, the draft is recovering) and "forms/full" (503,
 * no memory for one more): connect again. A filed draft can be read. */
AblakDraftConnection *ablak_drafts_connect(AblakDrafts *drafts, const char *draft_id,
                                           const char *audience, const AblakDraftPeer *peer,
                                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* One binary message. */
void ablak_draft_connection_receive(AblakDraftConnection *connection, const void *data, gsize size);
/* The transport is gone, or closes now. */
void ablak_draft_connection_free(AblakDraftConnection *connection);
/* Connections of a draft and audience now (NULL: both). */
unsigned ablak_drafts_connections(AblakDrafts *drafts, const char *draft_id, const char *audience);

/* --- the box as a peer -------------------------------------------------------------------------
 */
/* `done` is called on the main context after the commit, or with the error; never from inside. */

/* Sets fields: `values` (borrowed) is an object of path -> string, number, boolean or null
 * (clears). All or nothing. Paths with "office" fields go to that document. */
void ablak_drafts_prefill(AblakDrafts *drafts, const char *draft_id, const char *actor_kind,
                          const char *actor_id, const json_t *values, AblakDone done,
                          gpointer data);
/* Appends an empty row to a repeating group. */
void ablak_drafts_add_row(AblakDrafts *drafts, const char *draft_id, const char *actor_kind,
                          const char *actor_id, const char *path, AblakDone done, gpointer data);

/* Files the draft: holds back what arrives, runs `job` behind everything received before (it calls
 * ablak_submission_create and, in the same transaction, registers the filing), and on success
 * freezes the live documents. When the job fails, what was held back is taken in as if nothing had
 * been. `data` is freed with `free_data` after `done`. */
void ablak_drafts_submit(AblakDrafts *drafts, const char *draft_id, AblakJob job, AblakDone done,
                         gpointer data, GDestroyNotify free_data);
/* After the commit of a job that called ablak_draft_reopen or ablak_draft_take_up: whoever is
 * connected goes on with the live documents as they were. With `moved` the draft is another visit's
 * now, and everybody connected is closed with 4409 instead. */
void ablak_drafts_reopened(AblakDrafts *drafts, const char *draft_id, bool moved);
