/* queue/waiting.h: the line (who is called before whom, and how long that may take), and those who
 * wait in it for a meeting by video.
 *
 * How a wait is computed. A handling time is measured: from the call of a number to its finish. Of
 * a service the last 30 within 28 days count; one over two hours is a finish that was forgotten,
 * and left out, and so is a call that nobody answered. Where there are fewer than five, those of
 * all services serve; with fewer than five of these nothing is said. The line is played forward
 * over the open counters: whoever is next goes to the one that is free first, and one with a
 * client is free after the rest of a mean handling time, a minute at least. One client's time
 * says nothing of the next one's, so along a counter means add up and variances add up; four
 * waits of five end within 1.28 standard deviations of the sum (the normal approximation of W.
 * Whitt, "Predicting Queueing Delays", Management Science 45, 1999). Who is further back never
 * reads less than who stands before.
 *
 * Units, ownership, threads, durability as in queue/queue.h. */
#pragma once
#include "queue/queue.h"

/* --- the formula --------------------------------------------------------------------------------
 */

#define ABLAK_HANDLING_NEEDED 5

typedef struct {
  bool known;
  double mean_ms, variance; /* ms², of the sample */
} AblakHandling;
/* Of measured times; not known from fewer than ABLAK_HANDLING_NEEDED that count. */
AblakHandling ablak_handling_of(const gint64 *times_ms, gsize count);

/* When an open counter is free, from now on. */
typedef struct {
  double mean_ms, variance;
} AblakCounterFree;

typedef struct {
  gint64 ahead;
  gint64 low_ms, likely_ms, high_ms; /* all -1: it cannot be said */
} AblakWait;

/* The wait behind `ahead` clients. Changes `counters`. */
AblakWait ablak_wait_play(AblakCounterFree *counters, gsize counter_count,
                          const AblakHandling *ahead, gsize ahead_count);

/* For people: whole minutes in steps of five, rounded outwards and never the same. False when the
 * wait cannot be said. */
bool ablak_wait_minutes(const AblakWait *wait, gint64 *ret_low, gint64 *ret_high);

/* --- the line
 * ------------------------------------------------------------------------------------ */

typedef struct AblakLine AblakLine;
/* As it stands in this transaction. */
AblakLine *ablak_line_load(AblakTxn *txn, const char *day,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ablak_line_free(AblakLine *line);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakLine, ablak_line_free)
/* Of a waiting number; NULL: of one that were issued now. Ahead are those who would be called
 * before it. */
AblakWait ablak_line_wait(const AblakLine *line, const char *ticket_id);

/* --- places: waiting for a meeting by video
 * ---------------------------------------------------------------------------------------- */

/* A page that is gone for longer is passed over, and stands where it stood when it is back. */
#define ABLAK_PLACE_GRACE_MS (2 * 60 * 1000)

typedef struct {
  char *visit_id, *service, *language;
  char *ticket_id;          /* NULL: the link has not been opened yet */
  gint64 away_ms, aside_ms; /* since when; 0: is there; is not set aside */
} AblakPlace;
void ablak_place_free(AblakPlace *place);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakPlace, ablak_place_free)

/* A place that somebody may take by a link to its visit's id. NOT_FOUND "queue/no-such-service". */
bool ablak_place_make(AblakTxn *txn, const char *service, char **ret_visit_id,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Takes a number for it, once. CONFLICT "queue/service-closed". */
bool ablak_place_enter(AblakTxn *txn, const char *day, const char *visit_id, const char *language,
                       GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* NOT_FOUND "queue/no-such-place". */
AblakPlace *ablak_place_load(AblakTxn *txn, const char *visit_id,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* NULL without an error when the number was taken in the hall. */
AblakPlace *ablak_place_of_ticket(AblakTxn *txn, const char *ticket_id, GError **error);

/* Its page is open, or the last one went. Also of a place that waits no more. */
bool ablak_place_set_there(AblakTxn *txn, const char *visit_id, bool there,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* After a start: no page is open yet. */
bool ablak_places_all_away(AblakTxn *txn, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* A called one did not answer: back into the line at the place of before, but not called until it
 * says that it is back. CONFLICT "queue/not-called", "queue/answered"; NOT_FOUND
 * "queue/no-such-place". */
bool ablak_place_set_aside(AblakTxn *txn, const char *ticket_id, const char *actor,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Nothing happens to one that was not set aside. CONFLICT "queue/not-waiting". */
bool ablak_place_return(AblakTxn *txn, const char *visit_id,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* A called one comes to the meeting. The caller opens the visit, with this clerk. CONFLICT
 * "queue/not-called". */
bool ablak_place_answer(AblakTxn *txn, const char *visit_id, AblakTicket **ret_ticket,
                        char **ret_clerk_id, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Gives up waiting, also while being called. CONFLICT "queue/not-waiting" after that. */
bool ablak_place_give_up(AblakTxn *txn, const char *visit_id,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Deletes those that no session can belong to any more; call now and then. */
bool ablak_places_prune(AblakTxn *txn, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- what the desk tells them
 * ---------------------------------------------------------------------------------------- */

typedef struct {
  char *id, *service, *language;
  char *number, *phrase, *text; /* NULL: everybody of the service; a text; a phrase */
  gint64 sent_ms;
} AblakDeskMessage;
void ablak_desk_message_free(AblakDeskMessage *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakDeskMessage, ablak_desk_message_free)

typedef struct {
  const char *day, *service, *staff_id, *key, *language;
  const char *ticket_id;     /* NULL: everybody */
  const char *phrase, *text; /* one of them */
} AblakDeskSaying;

/* The same key of the same person again gives the message of before. The caller bounds the text.
 * NOT_FOUND "queue/no-such-service", "queue/no-such-place"; CONFLICT "queue/not-waiting". */
bool ablak_desk_say(AblakTxn *txn, const AblakDeskSaying *saying, char **ret_message_id,
                    GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The newest 50 of them, oldest first: arrays of AblakDeskMessage that free them. For a reader:
 * those since a quarter of an hour before the number was taken, for they may still hold. */
GPtrArray *ablak_desk_messages_for(AblakTxn *txn, const AblakTicket *ticket,
                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;
GPtrArray *ablak_desk_messages_of_day(AblakTxn *txn, const char *day,
                                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
AblakDeskMessage *ablak_desk_message_load(AblakTxn *txn, const char *message_id,
                                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
