/* queue/queue.h: numbers, calling, visits and the day's figures.
 *
 * Plain synchronous functions over a transaction; each change appends an event to the topic "queue"
 * (numbers, ids and states, never names) or "visit:<id>". Because one writer runs all jobs, two
 * clerks can never call one client, and a serial is given once.
 * Units: times are UTC ms, durations ms; a `day` is the local date "YYYY-MM-DD" (core/clock.h).
 * Ownership: results are the caller's; strings inside belong to them. Threads: the transaction's.
 * Durability: the job's commit. */
#pragma once
#include "store/store.h"
#include <glib.h>
#include <stdbool.h>

extern const AblakStorePart ablak_queue_store_part;

/* --- services and counters ----------------------------------------------------------------------
 */

typedef struct {
  const char *id, *prefix;
} AblakServiceSpec;
typedef struct {
  const char *id, *name;
} AblakCounterSpec;

/* Takes over the catalogue's list: new ones begin open (services) or closed (counters), known ones
 * keep their state, vanished ones are closed. A prefix already in use by another service is
 * lengthened by a letter so that no two numbers look the same. */
bool ablak_queue_take_services(AblakTxn *txn, const AblakServiceSpec *specs, gsize count,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;
bool ablak_queue_take_counters(AblakTxn *txn, const AblakCounterSpec *specs, gsize count,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Errors: NOT_FOUND "queue/no-such-service", "queue/no-such-counter". */
bool ablak_queue_set_service_open(AblakTxn *txn, const char *service, bool open, const char *actor,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;
bool ablak_queue_set_counter_open(AblakTxn *txn, const char *counter, bool open, const char *actor,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* A clerk takes a counter (which opens it) and leaves any other; `counter` NULL only leaves.
 * CONFLICT "queue/counter-taken" when somebody else sits there, "queue/client-present" while the
 * counter to be left still has a client. */
bool ablak_queue_take_counter(AblakTxn *txn, const char *counter, const char *staff_id,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The counter that this person has taken; NULL for none. Free with g_free. */
char *ablak_queue_counter_of(AblakTxn *txn, const char *staff_id, GError **error);
/* CONFLICT "queue/client-present" while a called ticket is at the counter. */
bool ablak_queue_counter_is_free(AblakTxn *txn, const char *counter,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- tickets
 * ---------------------------------------------------------------------------------------- */

typedef struct {
  char *id, *number, *service, *channel, *state, *counter; /* counter: NULL before the call */
  gint64 calls, issued_ms, called_ms, last_called_ms, finished_ms; /* 0: not yet */
} AblakTicket;
void ablak_ticket_free(AblakTicket *ticket);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakTicket, ablak_ticket_free)

/* The same key again gives the same ticket: a double tap prints one number. `key` may be NULL.
 * Errors: CONFLICT "queue/service-closed", NOT_FOUND "queue/no-such-service". */
bool ablak_queue_issue(AblakTxn *txn, const char *day, const char *service, const char *channel,
                       const char *key, const char *actor, char **ret_ticket_id,
                       GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
  const char *const *services; /* NULL or empty: all */
  const char *channel;         /* NULL: any */
} AblakCallWish;
/* The longest waiting client who fits goes to the counter; those who wait by video and are not
 * there are passed over (queue/waiting.h). Errors: CONFLICT "queue/client-present" while the
 * counter has one, "queue/nobody-waiting". */
bool ablak_queue_call_next(AblakTxn *txn, const char *day, const char *counter,
                           const AblakCallWish *wish, const char *staff_id, char **ret_ticket_id,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* These three need a called ticket: CONFLICT "queue/not-called" otherwise; NOT_FOUND
 * "queue/no-such-ticket". */
bool ablak_queue_recall(AblakTxn *txn, const char *ticket_id, const char *actor,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
bool ablak_queue_no_show(AblakTxn *txn, const char *ticket_id, const char *actor,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Has been served. CONFLICT "queue/not-answered" for one called by video who has not come to the
 * meeting: recall, set aside or no-show says what happened. In the hall that is for the clerk to
 * see. */
bool ablak_queue_finish(AblakTxn *txn, const char *ticket_id, const char *actor,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* A waiting client gives up: CONFLICT "queue/not-waiting" otherwise. What is left of former days is
 * cancelled by itself with the first number or call of a new day. */
bool ablak_queue_cancel(AblakTxn *txn, const char *ticket_id, const char *actor,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

AblakTicket *ablak_queue_ticket(AblakTxn *txn, const char *ticket_id,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Arrays of AblakTicket, freed with the array. Waiting: in calling order. Called: now at a counter.
 */
GPtrArray *ablak_queue_waiting(AblakTxn *txn, const char *day,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;
GPtrArray *ablak_queue_called(AblakTxn *txn, const char *day,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* What the board shows: the last calls of the day to a counter in the house, newest first, also of
 * those already served. */
GPtrArray *ablak_queue_last_called(AblakTxn *txn, const char *day, gsize most,
                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- visits
 * -------------------------------------------------------------------------------------------- */

typedef struct {
  char *id, *ticket_id, *service, *counter, *clerk_id, *channel, *identity,
      *state; /* ticket_id, counter may be NULL */
  gint64 opened_ms, ended_ms;
} AblakVisit;
void ablak_visit_free(AblakVisit *visit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakVisit, ablak_visit_free)

typedef struct {
  const char *id; /* that was promised before (queue/waiting.h); NULL: a new one */
  const char *ticket_id, *service, *counter, *clerk_id, *channel; /* ticket, counter: or NULL */
} AblakVisitNew;
/* One clerk serves one client: CONFLICT "queue/client-present" while the clerk has an open visit.
 */
bool ablak_visit_open(AblakTxn *txn, const AblakVisitNew *visit, char **ret_visit_id,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* CONFLICT "queue/client-present" while the clerk has an open visit. */
bool ablak_visit_clerk_is_free(AblakTxn *txn, const char *clerk_id,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* CONFLICT "queue/visit-ended" when it has ended already. A called ticket of the visit is finished
 * too. */
bool ablak_visit_end(AblakTxn *txn, const char *visit_id, const char *actor,
                     GError **error) G_GNUC_WARN_UNUSED_RESULT;
bool ablak_visit_set_identity(AblakTxn *txn, const char *visit_id, const char *method,
                              const char *actor, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* NOT_FOUND "queue/no-such-visit". */
AblakVisit *ablak_visit_load(AblakTxn *txn, const char *visit_id,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The visit that belongs to a ticket, or that a clerk has open; NULL without an error when there is
 * none. */
AblakVisit *ablak_visit_of_ticket(AblakTxn *txn, const char *ticket_id, GError **error);
AblakVisit *ablak_visit_of_clerk(AblakTxn *txn, const char *clerk_id, GError **error);

/* --- messages
 * ------------------------------------------------------------------------------------------ */

typedef struct {
  char *id, *author, *text; /* author: "citizen", "clerk" or "guest" */
  char *role, *name;        /* the guest's; else "" */
  gint64 serial, sent_ms;   /* serial: 1, 2, 3 within the visit */
} AblakVisitMessage;
void ablak_visit_message_free(AblakVisitMessage *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakVisitMessage, ablak_visit_message_free)

typedef struct {
  const char *author, *actor, *key, *text;
  const char *role, *name; /* of a guest */
} AblakVisitSaying;

/* Keeps one message. The same key of the same author again gives the message of before. The caller
 * has checked that the visit goes on and bounds the text. CONFLICT "queue/too-many-messages" after
 * 2,000 of a visit. */
bool ablak_visit_say(AblakTxn *txn, const char *visit_id, const AblakVisitSaying *saying,
                     char **ret_message_id, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* NOT_FOUND "queue/no-such-message". */
AblakVisitMessage *ablak_visit_message_load(AblakTxn *txn, const char *message_id,
                                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Those with a greater serial than `after`, oldest first: an array of AblakVisitMessage that frees
 * them. */
GPtrArray *ablak_visit_messages(AblakTxn *txn, const char *visit_id, gint64 after,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- files
 * ------------------------------------------------------------------------------------------- */

#define ABLAK_VISIT_FILE_BYTES_MOST (20 * 1024 * 1024)
#define ABLAK_VISIT_FILES_MOST 20

typedef struct {
  char *id, *visit_id, *author, *name, *sha256;
  char *type, *filing_id;             /* NULL: not known yet; not filed */
  gint64 size, announced_ms, kept_ms; /* kept_ms 0: still coming in */
} AblakVisitFile;
void ablak_visit_file_free(AblakVisitFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakVisitFile, ablak_visit_file_free)

typedef struct {
  const char *author, *key, *name, *sha256; /* sha256: what the sender says it is */
  gint64 size;
} AblakVisitFileNew;

/* The same key of the same author again gives the file of before, to go on with. The caller has
 * checked that the visit goes on and bounds name and size. CONFLICT "queue/too-many-files" beyond
 * 20 of a visit. */
bool ablak_visit_file_announce(AblakTxn *txn, const char *visit_id, const AblakVisitFileNew *file,
                               char **ret_file_id, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Its content is there, and of that type. Event "visit.file". NOT_FOUND "queue/no-such-file". */
bool ablak_visit_file_keep(AblakTxn *txn, const char *file_id, const char *type, const char *actor,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Event "visit.file". CONFLICT "queue/file-filed" when it went with a filing. `ret_unused` gets the
 * SHA-256 of a content that nobody has any more, or NULL. */
bool ablak_visit_file_remove(AblakTxn *txn, const char *file_id, const char *actor,
                             char **ret_unused, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Whether some file has this content, or is coming in and may be about to. */
bool ablak_visit_files_have(AblakTxn *txn, const char *sha256, bool *ret_used,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* NOT_FOUND "queue/no-such-file". */
AblakVisitFile *ablak_visit_file_load(AblakTxn *txn, const char *file_id,
                                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* In the order of their announcement: an array of AblakVisitFile that frees them. */
GPtrArray *ablak_visit_files(AblakTxn *txn, const char *visit_id,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* What is kept and not filed yet went with this filing. */
bool ablak_visit_files_filed(AblakTxn *txn, const char *visit_id, const char *filing_id,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- figures
 * --------------------------------------------------------------------------------------------- */

typedef struct {
  char *id, *prefix;
  bool open;
  gint64 waiting, longest_wait_ms, average_service_ms; /* -1: unknown or nobody */
} AblakServiceFigures;
typedef struct {
  char *id, *name, *staff_id, *ticket_number; /* NULL: none */
  bool open;
  gint64 since_ms; /* when the client was called; 0: none */
} AblakCounterFigures;
typedef struct {
  gint64 issued, finished, no_show, average_wait_ms, average_service_ms; /* -1: unknown */
} AblakDayFigures;

/* Arrays freed with their elements. */
GPtrArray *ablak_queue_service_figures(AblakTxn *txn, const char *day,
                                       GError **error) G_GNUC_WARN_UNUSED_RESULT;
GPtrArray *ablak_queue_counter_figures(AblakTxn *txn, const char *day,
                                       GError **error) G_GNUC_WARN_UNUSED_RESULT;
bool ablak_queue_day_figures(AblakTxn *txn, const char *day, AblakDayFigures *ret_figures,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
