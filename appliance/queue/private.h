/* queue/private.h: shared inside this folder only. */
#pragma once
#include "queue/queue.h"

/* Appends an event to the topic "queue" about a ticket, with its number, service and counter. */
bool ablak_queue_ticket_event(AblakTxn *txn, const char *kind, const char *ticket_id,
                              const char *actor, GError **error);
/* Ends the open visit of a ticket, when there is one, without touching the ticket again. */
bool ablak_queue_end_visit_of(AblakTxn *txn, const char *ticket_id, const char *actor,
                              GError **error);
/* CONFLICT "queue/client-present" while a called ticket is at the counter. */
bool ablak_queue_counter_is_free(AblakTxn *txn, const char *counter, GError **error);
/* Reads the one row or says NOT_FOUND with this folder's slug. */
AblakRows *ablak_queue_row(AblakTxn *txn, const char *slug, const char *sql, const char *key,
                           GError **error);
