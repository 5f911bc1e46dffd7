#include "video/recorder/order.h"

/* Beyond this a jump of sequence numbers is a new beginning, not a gap (RFC 3550 §A.1). */
#define DROPOUT_MAX 3000
#define WAITING_MAX 1024
/* The first packet to come need not be the first that was sent. */
#define SETTLE_US 100000

typedef struct {
  GBytes *packet;
  AblakRtpHeader header;
  gint64 sequence; /* extended */
  gint64 at_us;
} Waiting;

struct AblakOrder {
  AblakOrderTake take;
  gpointer data;
  GQueue waiting; /* Waiting, by sequence */
  bool begun;
  gint64 settle_us; /* until then the beginning is open; 0: it is settled */
  gint64 next;      /* extended sequence of the packet to be given next */
  guint64 missed;
};

static void waiting_free(gpointer data)
{
  Waiting *waiting = data;
  g_bytes_unref(waiting->packet);
  g_free(waiting);
}

AblakOrder *ablak_order_new(AblakOrderTake take, gpointer data)
{
  AblakOrder *order = g_new0(AblakOrder, 1);
  order->take = take;
  order->data = data;
  return order;
}

void ablak_order_free(AblakOrder *order)
{
  if (order == NULL)
    return;
  g_queue_clear_full(&order->waiting, waiting_free);
  g_free(order);
}

static void give(AblakOrder *order)
{
  Waiting *first = g_queue_pop_head(&order->waiting);
  if (first->sequence > order->next)
    order->missed += (guint64)(first->sequence - order->next);
  order->next = first->sequence + 1;
  order->take(first->packet, &first->header, order->data);
  waiting_free(first);
}

/* What follows without a gap. */
static void give_ready(AblakOrder *order)
{
  for (;;) {
    const Waiting *first = g_queue_peek_head(&order->waiting);
    if (first == NULL || first->sequence != order->next)
      return;
    give(order);
  }
}

/* True once it is known which packet is the first. */
static bool settle(AblakOrder *order, gint64 now_us)
{
  if (order->settle_us == 0)
    return true;
  if (now_us < order->settle_us && order->waiting.length <= WAITING_MAX)
    return false;
  const Waiting *first = g_queue_peek_head(&order->waiting);
  order->settle_us = 0;
  order->next = first->sequence;
  return true;
}

void ablak_order_expire(AblakOrder *order, gint64 now_us)
{
  if (!settle(order, now_us))
    return;
  give_ready(order);
  for (;;) {
    const Waiting *first = g_queue_peek_head(&order->waiting);
    if (first == NULL || (now_us != G_MAXINT64 && now_us - first->at_us < ABLAK_ORDER_WAIT_US &&
                          order->waiting.length <= WAITING_MAX))
      return;
    give(order);
    give_ready(order);
  }
}

static gint64 extend(const AblakOrder *order, guint16 sequence)
{
  return order->next + (gint16)(sequence - (guint16)order->next);
}

static void insert(AblakOrder *order, Waiting *waiting)
{
  GList *behind = order->waiting.tail;
  while (behind != NULL && ((Waiting *)behind->data)->sequence > waiting->sequence)
    behind = behind->prev;
  if (behind != NULL && ((Waiting *)behind->data)->sequence == waiting->sequence) {
    waiting_free(waiting);
    return;
  }
  g_queue_insert_after(&order->waiting, behind, waiting);
}

static void begin(AblakOrder *order, gint64 sequence, gint64 at_us)
{
  order->begun = true;
  order->next = sequence;
  order->settle_us = at_us + SETTLE_US;
}

void ablak_order_push(AblakOrder *order, GBytes *packet, const AblakRtpHeader *header, gint64 at_us)
{
  gint64 sequence = order->begun ? extend(order, header->sequence) : header->sequence;
  if (!order->begun || ABS(sequence - order->next) > DROPOUT_MAX) {
    ablak_order_expire(order, G_MAXINT64);
    begin(order, sequence, at_us);
  }
  if (order->settle_us == 0 && sequence < order->next)
    return;
  Waiting *waiting = g_new0(Waiting, 1);
  *waiting = (Waiting){g_bytes_ref(packet), *header, sequence, at_us};
  insert(order, waiting);
  ablak_order_expire(order, at_us);
}

guint64 ablak_order_missed(const AblakOrder *order)
{
  return order->missed;
}
