/* queue/private.h: shared inside this folder only. */
#pragma once
#include "queue/queue.h"

/* Appends an event to the topic "queue" about a ticket, with its number, service and counter. */
bool ablak_queue_ticket_event(AblakTxn *txn, const char *kind, const char *ticket_id,
                              const char *actor, GError **error);
/* Ends the open visit of a ticket, when there is one, without touching the ticket again. */
bool ablak_queue_end_visit_of(AblakTxn *txn, const char *ticket_id, const char *actor,
                              GError **error);
/* Reads the one row or says NOT_FOUND with this folder's slug. */
AblakRows *ablak_queue_row(AblakTxn *txn, const char *slug, const char *sql, const char *key,
                           GError **error);

/* A waiting number in the line. */
typedef struct {
  char *ticket_id, *service, *channel;
  bool passed_over; /* waits by video, and is away or set aside: not called until it is back */
} AblakStanding;
/* Those who wait, in calling order: an array of AblakStanding that frees them. */
GPtrArray *ablak_queue_order(AblakTxn *txn, const char *day, GError **error);
/* Ends a number that nobody will serve, and its visit if there is one. */
bool ablak_queue_cancel_ticket(AblakTxn *txn, const char *ticket_id, const char *actor,
                               GError **error);
