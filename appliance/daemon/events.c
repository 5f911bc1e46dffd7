#include "daemon/events.h"
#include "core/log.h"
#include "daemon/times.h"

#define REPLAY_MOST 1000

static void committed(const AblakEvent *const *events, gsize count, gpointer data)
{
  for (gsize i = 0; i < count; i++)
    ablak_live_publish(data, events[i]->seq, events[i]->at_ms, events[i]->topic, events[i]->kind,
                       events[i]->subject, events[i]->data);
}

void ablak_events_publish_to(AblakStore *store, AblakLive *live)
{
  ablak_store_watch_commits(store, committed, live);
}

static json_t *event_json(const AblakEvent *event)
{
  return json_pack("{s:s, s:I, s:o, s:s, s:s, s:s?, s:O?}", "type", "event", "seq",
                   (json_int_t)event->seq, "at", ablak_json_time(event->at_ms), "topic",
                   event->topic, "kind", event->kind, "subject", event->subject, "data",
                   event->data);
}

bool ablak_events_replay(AblakStore *store, gint64 since, const char *const *topics,
                         void (*emit)(json_t *event, gpointer to), gpointer to)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(store, &error);
  g_autoptr(GPtrArray) events =
      txn ? ablak_events_since(txn, since, REPLAY_MOST + 1, &error) : NULL;
  if (!events) {
    ablak_log_gerror(ABLAK_LOG_WARNING, "events.replay-failed", error, NULL);
    return false;
  }
  if (events->len > REPLAY_MOST)
    return false;
  for (guint i = 0; i < events->len; i++) {
    const AblakEvent *event = events->pdata[i];
    if (g_strv_contains(topics, event->topic)) {
      g_autoptr(json_t) json = event_json(event);
      emit(json, to);
    }
  }
  return true;
}

gint64 ablak_events_newest(AblakStore *store)
{
  g_autoptr(AblakTxn) txn = ablak_store_read(store, NULL);
  return txn ? ablak_events_last_seq(txn, NULL) : 0;
}
