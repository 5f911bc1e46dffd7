#include "accounts/accounts.h"
#include "core/error.h"

#define KEYS_MOST 10000

/* The generic cell rate algorithm: a key's whole state is the time at which it will have its full
 * burst again (ITU-T I.371 §A.1, "virtual scheduling"). */
struct AblakAllowance {
  unsigned burst;
  gint64 refill_ms;
  GHashTable *full_at; /* key -> gint64, monotonic ms */
};

AblakAllowance *ablak_allowance_new(unsigned burst, gint64 refill_ms)
{
  AblakAllowance *allowance = g_new0(AblakAllowance, 1);
  ablak_allowance_set(allowance, burst, refill_ms);
  allowance->full_at = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  return allowance;
}

void ablak_allowance_free(AblakAllowance *allowance)
{
  if (!allowance)
    return;
  g_hash_table_unref(allowance->full_at);
  g_free(allowance);
}

void ablak_allowance_set(AblakAllowance *allowance, unsigned burst, gint64 refill_ms)
{
  allowance->burst = burst;
  allowance->refill_ms = refill_ms;
}

static gboolean is_full(gpointer key, gpointer value, gpointer now_ms)
{
  return *(gint64 *)value <= *(gint64 *)now_ms;
}

static void make_room(AblakAllowance *allowance, gint64 now_ms)
{
  if (g_hash_table_size(allowance->full_at) < KEYS_MOST)
    return;
  g_hash_table_foreach_remove(allowance->full_at, is_full, &now_ms);
  if (g_hash_table_size(allowance->full_at) >= KEYS_MOST)
    g_hash_table_remove_all(allowance->full_at);
}

bool ablak_allowance_take(AblakAllowance *allowance, const char *key, gint64 now_ms, GError **error)
{
  gint64 *known = g_hash_table_lookup(allowance->full_at, key);
  gint64 full_at = MAX(known ? *known : 0, now_ms) + allowance->refill_ms;
  if (full_at - now_ms > (gint64)allowance->burst * allowance->refill_ms) {
    ablak_error_set(error, ABLAK_ERROR_RATE_LIMITED, "request/rate-limited", "too many at once");
    return false;
  }
  if (known) {
    *known = full_at;
    return true;
  }
  make_room(allowance, now_ms);
  g_hash_table_insert(allowance->full_at, g_strdup(key), g_memdup2(&full_at, sizeof full_at));
  return true;
}
