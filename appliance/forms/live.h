/* forms/live.h: the parts of a live draft, private to live.c, batch.c, checks.c, connection.c,
 * due.c, fill.c, presence.c, reopen.c, rules.c, session.c, tail.c, writers.c.
 *
 * A Live is one draft in memory with its two documents. What happens to it in one turn of the loop
 * gathers in a batch; a batch is one job of the store. What people are told about it (relays,
 * acknowledgements, refusals) waits in the batch until the commit is durable. Everything here runs
 * on the main thread but the job itself, which sees only the batch's own rows. */
#pragma once
#include "forms/authors.h"
#include "forms/coedit/awareness.h"
#include "forms/coedit/sync.h"
#include "forms/log.h"
#include "forms/rate.h"
#include "forms/session.h"

enum { MESSAGE_DURABLE = 100, MESSAGE_REFUSED = 101, MESSAGE_CHECKS = 102, MESSAGE_AUTHORS = 103 };
enum { CLOSE_RETRY = 1013, CLOSE_MALFORMED = 4400, CLOSE_FROZEN = 4409, CLOSE_TOO_LARGE = 4413 };

#define ROW_BYTES 64 /* about, what a row of the log costs beside its update */

typedef struct Live Live;
typedef struct Batch Batch;
typedef struct Trim Trim;

typedef struct {
  Live *live;
  bool office;
  const char *audience;
  AblakYdoc *ydoc;            /* NULL: asleep, and so are authors, writers and actors */
  AblakYawareness *awareness; /* NULL: nobody has said yet where they are */
  AblakAuthors *authors;
  AblakDraftLog log;      /* what is known of it, also while asleep */
  gint64 serial;          /* of the last row of the log, those in flight included */
  guint log_rows;         /* in the log, those in flight included */
  gsize log_bytes;        /* written to it since it was merged or came home */
  gsize base_bytes;       /* of the merged row, or of those that came home */
  bool log_has_gap;       /* a row waits for one that is not there: the log stays as it is */
  gsize memory;           /* what it counts for in the drafts' sum */
  GHashTable *writers;    /* client id -> whose it is, borrowed from `actors` */
  GHashTable *actors;     /* "kind id" -> how many client ids */
  GPtrArray *connections; /* borrowed */
  guint64 checks;         /* digest of the last checks sent; 0: none yet */
} Document;

struct Live {
  AblakDrafts *drafts;
  char *draft_id;
  AblakForm *form;
  Document documents[2]; /* shared, office */
  Batch *open;           /* gathers; NULL: nothing yet */
  GQueue flying;         /* of Batch, given to the store, oldest first */
  gint64 used_at_ms;     /* monotonic: when the documents were last needed */
  gint64 changed_at_ms;  /* monotonic: when somebody last wrote */
  bool typing;           /* and that was soon after the time before */
  gint64 checked_at_ms;  /* monotonic: when the last check ran */
  gint64 check_at_ms;    /* while it is among the unchecked */
  gint64 leave_at_ms;    /* while it is among the unused */
  gint64 updated_at_ms;  /* monotonic: when the store was last told */
  bool frozen;
  bool freezing;     /* a submission is on its way: what comes is held back */
  bool failed;       /* the store let us down: nothing more goes in or out */
  Live **submission; /* the submission's way back to us; NULL: none on its way */
  GQueue held;       /* of Held, while freezing */
  GHashTable *gone;  /* cookie -> Gone, while something waits; NULL: none */
  bool leaving;      /* its log is being merged before it goes */
  guint leave_source;
  GList *gathering, *awake, *unused; /* its places in the queues of due.c; NULL: none */
  GSequenceIter *unchecked;
};

struct AblakDraftConnection {
  grefcount references; /* the transport's, and one for each waiting message */
  Document *document;   /* NULL: detached */
  AblakDraftPeer peer;
  char *actor_kind, *actor_id;
  guint64 cookie;
  guint64 received; /* update messages */
  bool waits;       /* its last update waits for one that is missing: nothing is durable yet */
  bool closed;      /* the transport was told */
  AblakRate messages, bytes;
  guint pause_source; /* the transport reads nothing until then */
  GArray *clients;    /* guint64: awareness clients it spoke for; NULL: none */
};

/* A connection that went while something it delivered may still wait for what is missing. */
typedef struct {
  char *actor_kind, *actor_id;
  bool restricted; /* it might not write everything */
} Gone;

/* What a batch tells once it is durable. */
typedef struct {
  AblakDraftConnection *to;     /* counted; NULL: all connections of the document but `except` */
  AblakDraftConnection *except; /* counted, may be NULL */
  Document *document;
  GBytes *message; /* NULL: authors */
  json_t *authors; /* told to each in its own way */
} Out;

typedef struct {
  const char *audience;
  gint64 serial;
  GBytes *update;
  char *actor;
  gint64 seq; /* its place in draft_tail; 0: it is in a merged row */
} Row;

/* The whole document, in place of its log up to `serial`. */
typedef struct {
  const char *audience;
  gint64 serial;
  GBytes *state;
} Merged;

typedef struct {
  const char *audience;
  guint64 client;
  char *actor_kind, *actor_id;
} Writer;

typedef struct {
  AblakDone done;
  gpointer data;
} Waiting;

struct Batch {
  Live *live; /* NULL: nobody is interested any more */
  char *draft_id;
  GPtrArray *rows;    /* Row */
  GPtrArray *merged;  /* Merged */
  GPtrArray *authors; /* AblakAuthorsWrite */
  GPtrArray *writers; /* Writer */
  GPtrArray *outs;    /* Out */
  GArray *waiting;    /* Waiting */
  bool home[2];       /* the rows of the document come home as they are */
  bool stamp;         /* bring draft.updated_at up to date */
};

typedef struct {
  AblakDraftConnection *connection; /* counted */
  GBytes *message;
} Held;

struct AblakDrafts {
  AblakStore *store;
  AblakDraftsOptions options;
  GHashTable *lives; /* draft id -> Live */
  GHashTable *forms; /* "id version edition" -> AblakForm: of the drafts in memory */
  gsize memory;      /* of the documents */
  guint64 last_cookie;
  GQueue gathering, awake, unused; /* of Live: due.c */
  GSequence *unchecked;            /* of Live, by check_at_ms */
  guint gathering_source, checks_source, sleep_source, unused_source;
  guint awareness_source;
  guint asleep;    /* how many fell asleep since memory was given back */
  guint tail_rows; /* written since draft_tail was last looked after */
  Trim *trim;      /* on its way; NULL: none */
};

static inline gint64 drafts_monotonic_ms(const AblakDrafts *drafts)
{
  return drafts->options.monotonic_ms(drafts->options.clock_data);
}

static inline gint64 drafts_wall_ms(const AblakDrafts *drafts)
{
  return drafts->options.wall_ms(drafts->options.clock_data);
}

/* --- session.c --- */
/* The live draft, if it may still be changed. */
Live *ablak_draft_live_open(AblakDrafts *drafts, const char *draft_id, GError **error);
/* Takes the error over; never answers from inside the call that failed. */
void ablak_draft_live_answer(AblakDone done, gpointer data, GDestroyNotify free_data,
                             GError *error);

/* --- live.c: loading, unloading, memory --- */
Live *ablak_draft_live_get(AblakDrafts *drafts, const char *draft_id, GError **error);
void ablak_draft_live_free(Live *live);
/* A page that is open but quiet needs no documents: they go after a while and are read from the log
 * again here. False: the store failed, and with it the draft. */
bool ablak_draft_live_wake(Live *live);
/* False: something is here that the log does not have. */
bool ablak_draft_live_sleep(Live *live);
Document *ablak_draft_live_document(Live *live, const char *audience);
unsigned ablak_draft_live_connections(const Live *live);
/* Closes everybody and forgets the memory copy: it may be ahead of the store. */
void ablak_draft_live_fail(Live *live);
void ablak_draft_live_watch_idle(Live *live);
/* Goes if it may still go. */
void ablak_draft_live_leave(Live *live);
/* Counts the document anew. */
void ablak_draft_live_weigh(Document *document);
/* Is there memory for `size` more? Unused drafts make room. */
bool ablak_draft_live_room(AblakDrafts *drafts, gsize size);

/* --- batch.c: to the store, and what is told afterwards --- */
void ablak_draft_live_batch_free(gpointer batch);
/* The batch that gathers now; it goes to the store at the end of this turn of the loop. */
Batch *ablak_draft_live_batch(Live *live);
void ablak_draft_live_flush(Live *live);
/* Writes an update of a document, relayed to all but `except` once it is durable. */
void ablak_draft_live_write(Document *document, GBytes *update, const char *actor_kind,
                            AblakDraftConnection *except);
/* Sends when all that was taken in so far is durable; takes the bytes over. */
void ablak_draft_live_tell(Document *document, AblakDraftConnection *to, GBytes *message);
/* Sends at once to all connections of the document but one. */
void ablak_draft_live_relay(Document *document, GBytes *message,
                            const AblakDraftConnection *except);
/* Everything of the document's authors, when all that was taken in so far is durable. */
void ablak_draft_live_tell_authors(Document *document, AblakDraftConnection *to);
/* Nothing of the draft is left in draft_tail with the next batch, and each log that can be is one
 * row. False: it is so already. */
bool ablak_draft_live_merge_logs(Live *live);

/* --- due.c: what drafts wait for --- */
/* At the end of this turn of the loop. */
void ablak_draft_live_flush_soon(Live *live);
void ablak_draft_live_check_in(Live *live, gint64 wait_ms); /* it is not among the unchecked */
/* Its documents were needed just now; when they are not for a while, it falls asleep. */
void ablak_draft_live_used(Live *live);
/* Leaves when it has been unused for a while. */
void ablak_draft_live_leave_later(Live *live);
void ablak_draft_live_part(GQueue *queue, GList **place);
void ablak_draft_live_part_all(Live *live);
void ablak_draft_live_due_start(AblakDrafts *drafts);
void ablak_draft_live_due_stop(AblakDrafts *drafts); /* no draft is left */

/* --- checks.c --- */
void ablak_draft_live_checks_soon(Live *live);
void ablak_draft_live_check(Live *live);
void ablak_draft_live_checks_send(Document *document, AblakDraftConnection *to);

/* --- tail.c: keeping draft_tail short --- */
/* Brings home what a box that was killed has left there, or what is there at the end. */
void ablak_draft_live_tail_open(AblakDrafts *drafts);
void ablak_draft_live_tail_close(AblakDrafts *drafts);
/* After a commit with so many rows. */
void ablak_draft_live_tail_written(AblakDrafts *drafts, guint rows);

/* --- writers.c: whose a client id is --- */
bool ablak_draft_live_writers_load(Document *document, AblakTxn *txn, GError **error);
/* New: the client ids of the update that are nobody's yet, for writers_bind once it was applied.
 * NULL and "coedit/forged-writer" when it brings news under a client id of another. */
GArray *ablak_draft_live_writers_check(const AblakDraftConnection *connection, const void *update,
                                       gsize size, GError **error);
void ablak_draft_live_writers_bind(const AblakDraftConnection *connection, const GArray *clients);
bool ablak_draft_live_writers_is_own(const AblakDraftConnection *connection, guint64 client);
/* May the connection speak for this client? A client that was nobody's becomes its own. */
bool ablak_draft_live_writers_claim(const AblakDraftConnection *connection, guint64 client);
void ablak_draft_live_writer_free(gpointer writer);
bool ablak_draft_live_writer_store(AblakTxn *txn, const char *draft_id, const Writer *writer,
                                   GError **error);

/* --- rules.c: what a connection may change --- */
/* AblakYdocAllow over a Document. */
bool ablak_draft_live_allow(const AblakYdocChange *change, gpointer document);
/* Authors, values and refusals of what was integrated. */
void ablak_draft_live_settle(AblakDraftConnection *connection, const AblakYdocReport *report);
/* Remembers a connection that goes, or forgets all when nothing waits. */
void ablak_draft_live_remember(const AblakDraftConnection *connection);

/* --- presence.c: who is where --- */
void ablak_draft_live_presence_take(AblakDraftConnection *connection, const void *data, gsize size);
void ablak_draft_live_presence_send(AblakDraftConnection *connection);
/* The connection is out of the document's list already. */
void ablak_draft_live_presence_leave(AblakDraftConnection *connection, Document *document);
/* The timer that forgets who has not been heard of. */
guint ablak_draft_live_presence_watch(AblakDrafts *drafts);

/* --- connection.c --- */
AblakDraftConnection *ablak_draft_live_connection_ref(AblakDraftConnection *connection);
void ablak_draft_live_connection_unref(AblakDraftConnection *connection);
void ablak_draft_live_connection_send(AblakDraftConnection *connection, GBytes *message);
void ablak_draft_live_connection_close(AblakDraftConnection *connection, unsigned code,
                                       const char *reason);
void ablak_draft_live_connection_receive(AblakDraftConnection *connection, const void *data,
                                         gsize size);
/* Closes for bytes that cannot be taken. */
void ablak_draft_live_connection_refuse(AblakDraftConnection *connection, const GError *error);
GBytes *ablak_draft_live_message(guint64 kind, const char *text);
