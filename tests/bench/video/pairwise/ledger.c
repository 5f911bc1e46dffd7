/* tests/bench/video/pairwise/ledger.c: two rings of numbers, one the senders' and one the
 * receivers'. */
#include "ledger.h"
#include "report.h"

/* Some four seconds of the most that a room of four sends. */
#define COPIES 4096
#define SENTS 2048
#define REFERENCE_US 64000
/* What two clocks may drift apart, of a million. */
#define DRIFT_PPM 100

/* As a sender numbered it. */
typedef struct {
  bool used;
  guint16 number;
  guint8 waiting, arrived, lost, repeated; /* receivers, a bit each */
  gint64 sent_us;
  gint64 late_us; /* of all receivers so far the most */
} Sent;

/* As a receiver got it. */
typedef struct {
  bool used, repeated;
  guint16 number;
  guint8 sender;
  guint16 original;
  gint64 sent_us;
} Copy;

typedef struct {
  Sent ring[SENTS];
  bool begun;
  guint16 cursor, end;                     /* WORST: the first not told of; behind the last sent */
  AblakArrivals arrivals[PAIRWISE_PLACES]; /* EACH: by receiver. WORST: the first */
} Sender;

typedef struct {
  Copy ring[COPIES];
  guint16 next;
  bool reported;
  guint16 reported_end; /* behind the last number reported */
  guint8 broken;        /* EACH: senders, a bit each, of whom packets were not reported on */
  gint32 reference;     /* of the last report */
  gint64 clock_us;      /* the same without its wrapping around */
  gint64 quickest_us;   /* receiver's clock less ours, of the quickest packet */
  gint64 quickest_at_us;
} Receiver;

struct PairwiseLedger {
  PairwiseRule rule;
  guint8 present;
  Sender senders[PAIRWISE_PLACES];
  Receiver receivers[PAIRWISE_PLACES];
};

PairwiseLedger *pairwise_ledger_new(PairwiseRule rule)
{
  PairwiseLedger *ledger = g_rc_box_new0(PairwiseLedger);
  ledger->rule = rule;
  return ledger;
}

PairwiseLedger *pairwise_ledger_ref(PairwiseLedger *ledger)
{
  return g_rc_box_acquire(ledger);
}

void pairwise_ledger_unref(PairwiseLedger *ledger)
{
  g_rc_box_release(ledger);
}

bool pairwise_ledger_enter(PairwiseLedger *ledger, guint *ret_place)
{
  for (guint place = 0; place < PAIRWISE_PLACES; place++)
    if ((ledger->present & 1u << place) == 0) {
      ledger->present |= (guint8)(1u << place);
      ledger->senders[place] = (Sender){0};
      ledger->receivers[place] = (Receiver){0};
      *ret_place = place;
      return true;
    }
  return false;
}

/* Nobody waits for it any more, and what it was sent says nothing of who comes next. */
void pairwise_ledger_leave(PairwiseLedger *ledger, guint place)
{
  guint8 others = (guint8) ~(1u << place);
  ledger->present &= others;
  for (guint i = 0; i < PAIRWISE_PLACES; i++) {
    for (guint j = 0; j < SENTS; j++)
      ledger->senders[i].ring[j].waiting &= others;
    for (guint j = 0; j < COPIES; j++)
      if (ledger->receivers[i].ring[j].sender == place)
        ledger->receivers[i].ring[j].used = false;
    ledger->senders[i].arrivals[place] = (AblakArrivals){0};
  }
}

static gint16 distance(guint16 from, guint16 to)
{
  return (gint16)(guint16)(to - from);
}

static Sent *sent_of(Sender *sender, guint16 number)
{
  Sent *sent = &sender->ring[number % SENTS];
  return sent->used && sent->number == number ? sent : NULL;
}

static Copy *copy_of(Receiver *receiver, guint16 number)
{
  Copy *copy = &receiver->ring[number % COPIES];
  return copy->used && copy->number == number ? copy : NULL;
}

guint16 pairwise_ledger_next(const PairwiseLedger *ledger, guint receiver)
{
  return ledger->receivers[receiver].next;
}

/* Numbers that jump begin anew. */
static void note_end(Sender *sender, guint16 number)
{
  gint16 since = distance(sender->end, number);
  if (!sender->begun || since >= SENTS || since <= -SENTS)
    sender->cursor = sender->end = number;
  sender->begun = true;
  if (distance(sender->end, number) >= 0)
    sender->end = (guint16)(number + 1);
  /* What has been overtaken by the ring is not told of any more. */
  if (distance(sender->cursor, sender->end) > SENTS)
    sender->cursor = (guint16)(sender->end - SENTS);
}

void pairwise_ledger_sent(PairwiseLedger *ledger, guint sender, guint16 number, guint receiver,
                          gint64 now_us)
{
  Receiver *to = &ledger->receivers[receiver];
  Sender *from = &ledger->senders[sender];
  to->ring[to->next % COPIES] = (Copy){.used = true,
                                       .number = to->next,
                                       .sender = (guint8)sender,
                                       .original = number,
                                       .sent_us = now_us};
  to->next++;
  Sent *sent = sent_of(from, number);
  if (sent == NULL) {
    sent = &from->ring[number % SENTS];
    *sent = (Sent){.used = true, .number = number, .sent_us = now_us};
    note_end(from, number);
  }
  sent->waiting |= (guint8)(1u << receiver);
}

void pairwise_ledger_repeated(PairwiseLedger *ledger, guint receiver, guint16 number)
{
  Copy *copy = copy_of(&ledger->receivers[receiver], number);
  if (copy == NULL)
    return;
  copy->repeated = true;
  Sent *sent = sent_of(&ledger->senders[copy->sender], copy->original);
  if (sent != NULL)
    sent->repeated |= (guint8)(1u << receiver);
}

/* --- what a receiver says ----------------------------------------------------------------------
 */

typedef struct {
  PairwiseLedger *ledger;
  guint place;
  Receiver *receiver;
} Reading;

/* How much longer than the receiver's quickest. The quickest of before counts for less and less, or
 * two clocks that drift apart would look like a line that fills. */
static gint64 late_of(Receiver *receiver, const Copy *copy, gint64 at_us)
{
  gint64 under_way_us = at_us - copy->sent_us;
  gint64 drift_us = (copy->sent_us - receiver->quickest_at_us) * DRIFT_PPM / G_USEC_PER_SEC;
  if (receiver->quickest_at_us == 0 || under_way_us < receiver->quickest_us + drift_us) {
    receiver->quickest_us = under_way_us;
    receiver->quickest_at_us = copy->sent_us;
    return 0;
  }
  return under_way_us - receiver->quickest_us - drift_us;
}

static void tell_each(Reading *reading, const Copy *copy, bool arrived, gint64 late_us)
{
  AblakArrivals *arrivals = &reading->ledger->senders[copy->sender].arrivals[reading->place];
  guint8 bit = (guint8)(1u << copy->sender);
  if ((reading->receiver->broken & bit) != 0) {
    arrivals->begun = true;
    arrivals->next = copy->original;
    reading->receiver->broken &= (guint8)~bit;
  }
  if (arrived)
    ablak_arrivals_note(arrivals, copy->original, copy->sent_us + late_us);
}

static bool came_to_all(const Sent *sent)
{
  return sent->arrived != 0 && (sent->lost | sent->repeated) == 0;
}

static void note_worst(Reading *reading, const Copy *copy, bool arrived, gint64 late_us)
{
  Sender *sender = &reading->ledger->senders[copy->sender];
  guint8 bit = (guint8)(1u << reading->place);
  Sent *sent = sent_of(sender, copy->original);
  if (sent == NULL || (sent->arrived & bit) != 0)
    return;
  bool told = distance(sender->cursor, copy->original) < 0;
  sent->waiting &= (guint8)~bit;
  if (!arrived) {
    sent->lost |= bit;
    return;
  }
  sent->lost &= (guint8)~bit;
  sent->arrived |= bit;
  sent->late_us = MAX(sent->late_us, late_us);
  /* Overtaken by another on its way, and lost only as it seemed. */
  if (told && sent->waiting == 0 && came_to_all(sent))
    ablak_arrivals_note(&sender->arrivals[0], sent->number, sent->sent_us + sent->late_us);
}

static void read_one(guint16 number, bool arrived, gint64 at_us, gpointer data)
{
  Reading *reading = data;
  Copy *copy = copy_of(reading->receiver, number);
  if (copy == NULL)
    return;
  arrived = arrived && !copy->repeated;
  gint64 late_us =
      arrived ? late_of(reading->receiver, copy, reading->receiver->clock_us + at_us) : 0;
  if (reading->ledger->rule == PAIRWISE_EACH)
    tell_each(reading, copy, arrived, late_us);
  else
    note_worst(reading, copy, arrived, late_us);
}

/* Between two reports one was lost: what it was about is not waited for. */
static void skip(Reading *reading, guint16 from, guint16 to)
{
  for (; distance(from, to) > 0; from++) {
    const Copy *copy = copy_of(reading->receiver, from);
    Sent *sent =
        copy == NULL ? NULL : sent_of(&reading->ledger->senders[copy->sender], copy->original);
    if (sent != NULL)
      sent->waiting &= (guint8) ~(1u << reading->place);
  }
}

void pairwise_ledger_report(PairwiseLedger *ledger, guint place, const AblakRtcpPacket *packet)
{
  PairwiseReport report;
  Receiver *receiver = &ledger->receivers[place];
  if (!pairwise_report_head(packet, &report))
    return;
  guint32 moved = (guint32)(report.reference - receiver->reference) << 8;
  receiver->clock_us += (gint64)((gint32)moved >> 8) * REFERENCE_US;
  receiver->reference = report.reference;
  Reading reading = {.ledger = ledger, .place = place, .receiver = receiver};
  if (!receiver->reported || distance(receiver->reported_end, report.base) > 0)
    receiver->broken = 0xff;
  if (receiver->reported)
    skip(&reading, receiver->reported_end, report.base);
  pairwise_report_each(packet, read_one, &reading);
  guint16 end = (guint16)(report.base + report.count);
  if (!receiver->reported || distance(receiver->reported_end, end) > 0)
    receiver->reported_end = end;
  receiver->reported = true;
}

/* --- what a sender is told ---------------------------------------------------------------------
 */

static bool is_decided(const Sent *sent, gint64 now_us)
{
  return sent->waiting == 0 || now_us - sent->sent_us >= PAIRWISE_PATIENCE_US;
}

/* Of what is decided as much as one packet can tell without naming what nobody has reported. */
static void gather(Sender *sender, gint64 now_us)
{
  AblakArrivals *arrivals = &sender->arrivals[0];
  for (; sender->cursor != sender->end; sender->cursor++) {
    const Sent *sent = sent_of(sender, sender->cursor);
    if (sent == NULL) /* never came here: the next one's arrival tells that it is lost */
      continue;
    if (!is_decided(sent, now_us))
      return;
    if (came_to_all(sent)) {
      if (arrivals->length == ABLAK_ARRIVALS_MAX)
        return;
      ablak_arrivals_note(arrivals, sent->number, sent->sent_us + sent->late_us);
    } else if ((sent->arrived | sent->lost | sent->repeated) == 0) {
      if (arrivals->length > 0)
        return;
      arrivals->next = (guint16)(sender->cursor + 1);
    }
  }
}

gsize pairwise_ledger_tell(PairwiseLedger *ledger, guint place,
                           guint8 ret_packet[ABLAK_RTCP_ARRIVALS_SIZE], guint32 sender_ssrc,
                           guint32 media_ssrc, gint64 now_us)
{
  Sender *sender = &ledger->senders[place];
  gsize size = 0;
  if (ledger->rule == PAIRWISE_WORST)
    gather(sender, now_us);
  for (guint i = 0; i < PAIRWISE_PLACES && size == 0; i++)
    size = ablak_rtcp_write_arrivals(ret_packet, &sender->arrivals[i], sender_ssrc, media_ssrc);
  return size;
}
