#include "accounts/accounts.h"
#include "core/error.h"

#define KEYS_MOST 10000

typedef struct {
  unsigned failures;
  gint64 last_ms;
  GList *link; /* in the order of last failures */
} Entry;

struct AblakThrottle {
  unsigned free_failures;
  gint64 most_ms;
  GHashTable *entries; /* key -> Entry */
  GQueue order;        /* keys, oldest first */
};

AblakThrottle *ablak_throttle_new(unsigned free_failures, gint64 most_ms)
{
  AblakThrottle *throttle = g_new0(AblakThrottle, 1);
  throttle->free_failures = free_failures;
  throttle->most_ms = most_ms;
  throttle->entries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  g_queue_init(&throttle->order);
  return throttle;
}

void ablak_throttle_free(AblakThrottle *throttle)
{
  if (!throttle)
    return;
  g_queue_clear(&throttle->order);
  g_hash_table_unref(throttle->entries);
  g_free(throttle);
}

static gint64 wait_of(const AblakThrottle *throttle, const Entry *entry)
{
  if (entry->failures < throttle->free_failures)
    return 0;
  unsigned doublings = MIN(entry->failures - throttle->free_failures, 30);
  return MIN(G_GINT64_CONSTANT(1000) << doublings, throttle->most_ms);
}

bool ablak_throttle_check(AblakThrottle *throttle, const char *key, gint64 now_ms, GError **error)
{
  const Entry *entry = g_hash_table_lookup(throttle->entries, key);
  if (entry && now_ms < entry->last_ms + wait_of(throttle, entry)) {
    ablak_error_set(error, ABLAK_ERROR_RATE_LIMITED, "request/rate-limited", "too many failures");
    return false;
  }
  return true;
}

static void forget(AblakThrottle *throttle, const char *key)
{
  Entry *entry = g_hash_table_lookup(throttle->entries, key);
  if (!entry)
    return;
  g_queue_delete_link(&throttle->order, entry->link);
  g_hash_table_remove(throttle->entries, key);
}

static void make_room(AblakThrottle *throttle, gint64 now_ms)
{
  for (;;) {
    const char *oldest = g_queue_peek_head(&throttle->order);
    if (!oldest)
      return;
    const Entry *entry = g_hash_table_lookup(throttle->entries, oldest);
    if (g_hash_table_size(throttle->entries) < KEYS_MOST &&
        now_ms - entry->last_ms < throttle->most_ms)
      return;
    forget(throttle, oldest);
  }
}

void ablak_throttle_failed(AblakThrottle *throttle, const char *key, gint64 now_ms)
{
  make_room(throttle, now_ms);
  Entry *entry = g_hash_table_lookup(throttle->entries, key);
  if (!entry) {
    char *copy = g_strdup(key);
    entry = g_new0(Entry, 1);
    g_hash_table_insert(throttle->entries, copy, entry);
    g_queue_push_tail(&throttle->order, copy);
    entry->link = g_queue_peek_tail_link(&throttle->order);
  } else {
    g_queue_unlink(&throttle->order, entry->link);
    g_queue_push_tail_link(&throttle->order, entry->link);
  }
  entry->failures++;
  entry->last_ms = now_ms;
}

void ablak_throttle_succeeded(AblakThrottle *throttle, const char *key)
{
  forget(throttle, key);
}

void ablak_throttle_forgive(AblakThrottle *throttle, const char *key)
{
  Entry *entry = g_hash_table_lookup(throttle->entries, key);
  if (entry && --entry->failures == 0)
    forget(throttle, key);
}
