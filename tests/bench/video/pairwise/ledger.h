/* tests/bench/video/pairwise/ledger.h: under which number each receiver got which packet of whom,
 * and what the senders are to be told when the receivers report. Of one room.
 *
 * A receiver's packets, whoever sent them, are numbered one after the other; its report is divided
 * by sender and given back in the senders' own numbers. Three things an honest pair by pair needs
 * beyond that:
 * - One clock. Receivers count time from somewhere, and a sender that reads reports of two clocks
 *   sees the line jump. So an arrival is told as when the relay sent the packet, and how much
 *   longer it was under way than the receiver's quickest.
 * - A report that is itself lost says nothing about the packets it was about: they are not told of,
 *   neither as lost nor as arrived.
 * - What the relay repeats comes late under its old number. For the sender it is lost.
 * With EACH a sender is told of every receiver's report. With WORST it is told once, when all who
 * were sent a packet have reported: it arrived when it came to everyone, and then as late as it was
 * to the last; it is lost when one has lost it. Threads: one at a time. */
#pragma once
#include "video/feedback.h"

#define PAIRWISE_PLACES 4
/* How long a receiver is waited for; then its silence says nothing. */
#define PAIRWISE_PATIENCE_US ((gint64)1500 * 1000)

typedef enum { PAIRWISE_EACH, PAIRWISE_WORST } PairwiseRule;

typedef struct PairwiseLedger PairwiseLedger;
PairwiseLedger *pairwise_ledger_new(PairwiseRule rule);
PairwiseLedger *pairwise_ledger_ref(PairwiseLedger *ledger);
void pairwise_ledger_unref(PairwiseLedger *ledger);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PairwiseLedger, pairwise_ledger_unref)

/* A place of one's own; false when all are taken. */
bool pairwise_ledger_enter(PairwiseLedger *ledger, guint *ret_place);
void pairwise_ledger_leave(PairwiseLedger *ledger, guint place);

/* The number under which the next packet goes to the receiver. */
guint16 pairwise_ledger_next(const PairwiseLedger *ledger, guint receiver);
/* It went: the sender's own number was `number`. */
void pairwise_ledger_sent(PairwiseLedger *ledger, guint sender, guint16 number, guint receiver,
                          gint64 now_us);
/* The relay sends the receiver once more what went to it as `number`. */
void pairwise_ledger_repeated(PairwiseLedger *ledger, guint receiver, guint16 number);
/* The senders are told before the next one is given. */
void pairwise_ledger_report(PairwiseLedger *ledger, guint receiver, const AblakRtcpPacket *packet);
/* What the sender is to be told now; 0 when there is nothing more. */
gsize pairwise_ledger_tell(PairwiseLedger *ledger, guint sender,
                           guint8 ret_packet[ABLAK_RTCP_ARRIVALS_SIZE], guint32 sender_ssrc,
                           guint32 media_ssrc, gint64 now_us);
