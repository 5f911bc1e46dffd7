/* forms/live.h: the parts of a live draft, private to live.c, checks.c, connection.c, session.c,
 * writers.c.
 *
 * A Live is one draft in memory with its two documents. What happens to it in one turn of the loop
 * gathers in a batch; a batch is one job of the store. What people are told about it (relays,
 * acknowledgements, refusals) waits in the batch until the commit is durable. Everything here runs
 * on the main thread but the job itself, which sees only the batch's own rows. */
#pragma once
#include "forms/coedit/awareness.h"
#include "forms/coedit/sync.h"
#include "forms/private.h"
#include "forms/session.h"

enum { MESSAGE_DURABLE = 100, MESSAGE_REFUSED = 101, MESSAGE_CHECKS = 102 };
enum { CLOSE_RETRY = 1013, CLOSE_MALFORMED = 4400, CLOSE_FROZEN = 4409, CLOSE_TOO_LARGE = 4413 };

typedef struct Live Live;
typedef struct Batch Batch;

typedef struct {
  Live *live;
  bool office;
  const char *audience;
  AblakYdoc *ydoc;
  AblakYawareness *awareness;
  gint64 serial;          /* of the last row of the log, those in flight included */
  GHashTable *writers;    /* client id -> whose it is, "kind id" */
  GPtrArray *connections; /* borrowed */
  char *checks;           /* the last checks sent, JSON; NULL: none yet */
} Document;

struct Live {
  AblakDrafts *drafts;
  char *draft_id;
  AblakForm *form;
  Document documents[2]; /* shared, office */
  Batch *open;           /* gathers; NULL: nothing yet */
  GQueue flying;         /* of Batch, given to the store, oldest first */
  GHashTable *touched;   /* "audience path" -> Touch: authorship that is written already */
  gint64 updated_at_ms;  /* as the store has it, about */
  bool frozen;
  bool freezing;          /* a submission is on its way: what comes is held back */
  bool failed;            /* the store let us down: nothing more goes in or out */
  Live **submission;      /* the submission's way back to us; NULL: none on its way */
  GQueue held;            /* of Held, while freezing */
  GHashTable *restricted; /* cookies of gone connections that might not write everything */
  guint flush_source, checks_source, idle_source, awareness_source;
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
  GArray *clients;  /* guint64: awareness clients it spoke for */
};

/* What a batch tells once it is durable. */
typedef struct {
  AblakDraftConnection *to;     /* counted; NULL: all connections of the document but `except` */
  AblakDraftConnection *except; /* counted, may be NULL */
  Document *document;
  GBytes *message;
} Out;

typedef struct {
  char *audience, *path, *actor_kind, *actor_id;
  bool clear_below; /* rows moved: what was known below the path is void */
} Field;

typedef struct {
  const char *audience;
  gint64 serial;
  GBytes *update;
  char *actor;
} Row;

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
  GPtrArray *rows, *fields; /* Row, Field */
  GPtrArray *writers;       /* Writer */
  GPtrArray *outs;          /* Out */
  GArray *waiting;          /* Waiting */
  bool stamp;               /* bring draft.updated_at up to date */
  unsigned log_rows_max;
  gsize log_bytes_max;
};

typedef struct {
  AblakDraftConnection *connection; /* counted */
  GBytes *message;
} Held;

struct AblakDrafts {
  AblakStore *store;
  AblakDraftsOptions options;
  GHashTable *lives; /* draft id -> Live */
  guint64 last_cookie;
};

/* --- live.c: loading, batches, what is told --- */
Live *ablak_draft_live_get(AblakDrafts *drafts, const char *draft_id, GError **error);
void ablak_draft_live_free(Live *live);
Document *ablak_draft_live_document(Live *live, const char *audience);
unsigned ablak_draft_live_connections(const Live *live);
/* The batch that gathers now; it goes to the store at the end of this turn of the loop. */
Batch *ablak_draft_live_batch(Live *live);
void ablak_draft_live_flush(Live *live);
/* Writes an update of a document, relayed to all but `except` once it is durable. */
void ablak_draft_live_write(Document *document, GBytes *update, const char *actor_kind,
                            AblakDraftConnection *except);
void ablak_draft_live_touch(Document *document, const char *path, const char *actor_kind,
                            const char *actor_id, bool rows_moved);
/* Sends when all that was taken in so far is durable; takes the bytes over. */
void ablak_draft_live_tell(Document *document, AblakDraftConnection *to, GBytes *message);
/* Sends at once to all connections of the document but one. */
void ablak_draft_live_relay(Document *document, GBytes *message,
                            const AblakDraftConnection *except);
/* Closes everybody and forgets the memory copy: it may be ahead of the store. */
void ablak_draft_live_fail(Live *live);
void ablak_draft_live_watch_idle(Live *live);

/* --- checks.c --- */
void ablak_draft_live_checks_soon(Live *live);
void ablak_draft_live_checks_send(Document *document, AblakDraftConnection *to);

/* --- writers.c: whose a client id is --- */
bool ablak_draft_live_writers_load(Document *document, AblakTxn *txn, GError **error);
/* New: the client ids of the update that are nobody's yet, for writers_bind once it was applied.
 * NULL and "coedit/forged-writer" when it brings news under a client id of another. */
GArray *ablak_draft_live_writers_check(const AblakDraftConnection *connection, const void *update,
                                       gsize size, GError **error);
void ablak_draft_live_writers_bind(const AblakDraftConnection *connection, const GArray *clients);
void ablak_draft_live_writer_free(gpointer writer);
bool ablak_draft_live_writer_store(AblakTxn *txn, const char *draft_id, const Writer *writer,
                                   GError **error);

/* --- connection.c --- */
AblakDraftConnection *ablak_draft_live_connection_ref(AblakDraftConnection *connection);
void ablak_draft_live_connection_unref(AblakDraftConnection *connection);
void ablak_draft_live_connection_send(AblakDraftConnection *connection, GBytes *message);
void ablak_draft_live_connection_close(AblakDraftConnection *connection, unsigned code,
                                       const char *reason);
void ablak_draft_live_connection_receive(AblakDraftConnection *connection, const void *data,
                                         gsize size);
GBytes *ablak_draft_live_message(guint64 kind, const char *text);
