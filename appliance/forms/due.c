/* forms/due.c: drafts that wait for something to happen: to be written, checked, put to sleep, or
 * to leave. Waiting is by the real clock, whatever clock the drafts were given. Each of these has
 * one queue and one source of the main loop for all drafts: with a source for each of thousands,
 * every turn of the loop walks them all. */
#include "core/clock.h"
#include "forms/live.h"
#include <malloc.h>

#define TICK_MS 4 /* what is due so soon after each other is checked together */
#define NAP_MS 10 /* and sleep need not be to the point */
/* At most, in one turn of the loop, of what can wait: keys that come meanwhile cannot. Hundreds who
 * began to type together are due together ever after. */
#define SLICE_US 1000
#define TRIM_FROM 64 /* drafts that fell asleep while few are awake: give their memory back */

static void join(GQueue *queue, GList **place, Live *live)
{
  if (*place != NULL)
    return;
  g_queue_push_tail(queue, live);
  *place = queue->tail;
}

void ablak_draft_live_part(GQueue *queue, GList **place)
{
  if (*place != NULL)
    g_queue_delete_link(queue, *place);
  *place = NULL;
}

static void part_unchecked(Live *live)
{
  g_clear_pointer(&live->unchecked, g_sequence_remove);
}

void ablak_draft_live_part_all(Live *live)
{
  AblakDrafts *drafts = live->drafts;
  ablak_draft_live_part(&drafts->gathering, &live->gathering);
  ablak_draft_live_part(&drafts->awake, &live->awake);
  ablak_draft_live_part(&drafts->unused, &live->unused);
  part_unchecked(live);
}

static void stop(guint *source)
{
  if (*source != 0)
    g_source_remove(*source);
  *source = 0;
}

void ablak_draft_live_due_start(AblakDrafts *drafts)
{
  drafts->unchecked = g_sequence_new(NULL);
}

void ablak_draft_live_due_stop(AblakDrafts *drafts)
{
  stop(&drafts->gathering_source);
  stop(&drafts->checks_source);
  stop(&drafts->unused_source);
  stop(&drafts->sleep_source);
  g_sequence_free(drafts->unchecked);
}

/* --- writing --- */

static gboolean flush_all(gpointer data)
{
  AblakDrafts *drafts = data;
  drafts->gathering_source = 0;
  ablak_store_hold(drafts->store);
  while (!g_queue_is_empty(&drafts->gathering))
    ablak_draft_live_flush(g_queue_peek_head(&drafts->gathering));
  ablak_store_release(drafts->store);
  return G_SOURCE_REMOVE;
}

/* Runs after the sockets of this turn of the loop, so that what arrived together is one commit. */
void ablak_draft_live_flush_soon(Live *live)
{
  AblakDrafts *drafts = live->drafts;
  join(&drafts->gathering, &live->gathering, live);
  if (drafts->gathering_source == 0)
    drafts->gathering_source = g_idle_add_full(G_PRIORITY_HIGH_IDLE, flush_all, drafts, NULL);
}

/* --- checking --- */

/* Who typed lately waits longer, so the order is not that of coming. */
static int by_check_at(gconstpointer a, gconstpointer b, gpointer data)
{
  const Live *one = a, *other = b;
  return (one->check_at_ms > other->check_at_ms) - (one->check_at_ms < other->check_at_ms);
}

static Live *first_unchecked(AblakDrafts *drafts)
{
  GSequenceIter *first = g_sequence_get_begin_iter(drafts->unchecked);
  return g_sequence_iter_is_end(first) ? NULL : g_sequence_get(first);
}

static void watch_unchecked(AblakDrafts *drafts);

static gboolean check_all(gpointer data)
{
  AblakDrafts *drafts = data;
  gint64 now_ms = ablak_clock_monotonic_ms(), end_us = g_get_monotonic_time() + SLICE_US;
  drafts->checks_source = 0;
  Live *live;
  while ((live = first_unchecked(drafts)) != NULL && live->check_at_ms <= now_ms &&
         g_get_monotonic_time() < end_us) {
    part_unchecked(live);
    ablak_draft_live_check(live);
  }
  watch_unchecked(drafts);
  return G_SOURCE_REMOVE;
}

static void watch_unchecked(AblakDrafts *drafts)
{
  stop(&drafts->checks_source);
  const Live *first = first_unchecked(drafts);
  if (first == NULL)
    return;
  gint64 wait_ms = MAX(first->check_at_ms - ablak_clock_monotonic_ms(), 0);
  gint64 tick_ms = MIN(TICK_MS, drafts->options.checks_ms);
  drafts->checks_source = g_timeout_add((guint)MAX(wait_ms, tick_ms), check_all, drafts);
}

void ablak_draft_live_check_in(Live *live, gint64 wait_ms)
{
  AblakDrafts *drafts = live->drafts;
  live->check_at_ms = ablak_clock_monotonic_ms() + wait_ms;
  live->unchecked = g_sequence_insert_sorted(drafts->unchecked, live, by_check_at, NULL);
  if (first_unchecked(drafts) == live)
    watch_unchecked(drafts);
}

/* --- sleeping --- */

/* Whoever opened a draft has got what there is, and who changed it once may be done; who types
 * pauses, and goes on. */
static bool is_quiet(const Live *live, gint64 now_ms)
{
  gint64 quiet_ms = live->drafts->options.quiet_ms;
  return now_ms - live->used_at_ms >= (live->typing ? quiet_ms : quiet_ms / 4);
}

static gboolean sleep_all(gpointer data)
{
  AblakDrafts *drafts = data;
  gint64 now_ms = drafts_monotonic_ms(drafts), quiet_ms = drafts->options.quiet_ms;
  gint64 end_us = g_get_monotonic_time() + SLICE_US;
  for (GList *at = drafts->awake.head, *next; at != NULL; at = next) {
    Live *live = at->data;
    next = at->next;
    bool rests = now_ms - live->used_at_ms >= quiet_ms / 4; /* if not, nobody behind it does */
    if (!rests || g_get_monotonic_time() >= end_us)
      break;
    bool unused = ablak_draft_live_connections(live) == 0; /* it will leave instead */
    bool sleeps = !unused && is_quiet(live, now_ms) && ablak_draft_live_sleep(live);
    if (unused || sleeps)
      ablak_draft_live_part(&drafts->awake, &live->awake);
    drafts->asleep += sleeps;
  }
  if (drafts->asleep >= MAX(TRIM_FROM, 4 * drafts->awake.length)) {
    drafts->asleep = 0;
    malloc_trim(0);
  }
  if (!g_queue_is_empty(&drafts->awake))
    return G_SOURCE_CONTINUE;
  drafts->sleep_source = 0;
  return G_SOURCE_REMOVE;
}

void ablak_draft_live_used(Live *live)
{
  AblakDrafts *drafts = live->drafts;
  live->used_at_ms = drafts_monotonic_ms(drafts);
  if (live->awake != NULL) {
    g_queue_unlink(&drafts->awake, live->awake);
    g_queue_push_tail_link(&drafts->awake, live->awake);
  } else {
    join(&drafts->awake, &live->awake, live);
  }
  if (drafts->sleep_source == 0)
    drafts->sleep_source = g_timeout_add(MIN(drafts->options.quiet_ms, NAP_MS), sleep_all, drafts);
}

/* --- leaving --- */

static void watch_unused(AblakDrafts *drafts);

static gboolean leave_all(gpointer data)
{
  AblakDrafts *drafts = data;
  gint64 now_ms = ablak_clock_monotonic_ms(), end_us = g_get_monotonic_time() + SLICE_US;
  drafts->unused_source = 0;
  Live *live;
  while ((live = g_queue_peek_head(&drafts->unused)) != NULL && live->leave_at_ms <= now_ms &&
         g_get_monotonic_time() < end_us) {
    ablak_draft_live_part(&drafts->unused, &live->unused);
    ablak_draft_live_leave(live);
  }
  watch_unused(drafts);
  return G_SOURCE_REMOVE;
}

/* All wait equally long, so the first in the queue is the first to go. */
static void watch_unused(AblakDrafts *drafts)
{
  const Live *first = g_queue_peek_head(&drafts->unused);
  if (first == NULL || drafts->unused_source != 0)
    return;
  gint64 wait_ms = MAX(first->leave_at_ms - ablak_clock_monotonic_ms(), 0);
  drafts->unused_source = g_timeout_add((guint)wait_ms, leave_all, drafts);
}

void ablak_draft_live_leave_later(Live *live)
{
  AblakDrafts *drafts = live->drafts;
  live->leave_at_ms = ablak_clock_monotonic_ms() + drafts->options.idle_ms;
  join(&drafts->unused, &live->unused, live);
  watch_unused(drafts);
}
