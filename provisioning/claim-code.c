#include "provisioning/claim-code.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/id.h"
#include <string.h>

#define CODE_DIGITS 16
#define CODE_BYTES 10
#define ATTEMPTS_MAX 10
#define WINDOW_MS (15 * 60 * 1000)
#define ADDRESSES_MAX 10000

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

char *ablak_claim_code_new(void)
{
  g_autofree char *secret = ablak_secret_new(CODE_BYTES);
  g_autoptr(GBytes) random = ablak_base64url_decode(secret);
  const guint8 *bytes = g_bytes_get_data(random, NULL);
  GString *code = g_string_new(NULL);
  for (unsigned i = 0; i < CODE_DIGITS; i++) {
    unsigned bit = i * 5;
    unsigned pair =
        (unsigned)bytes[bit / 8] << 8 | (bit / 8 + 1 < CODE_BYTES ? bytes[bit / 8 + 1] : 0);
    if (i > 0 && i % 4 == 0)
      g_string_append_c(code, '-');
    g_string_append_c(code, alphabet[pair >> (11 - bit % 8) & 31]);
  }
  return g_string_free(code, FALSE);
}

static char normal_digit(char c)
{
  c = g_ascii_toupper(c);
  if (c == 'O')
    return '0';
  return c == 'I' || c == 'L' ? '1' : c;
}

char *ablak_claim_code_hash(const char *code)
{
  char normal[CODE_DIGITS];
  unsigned count = 0;
  for (; *code != '\0'; code++) {
    if (*code == '-' || g_ascii_isspace(*code))
      continue;
    char digit = normal_digit(*code);
    if (count == CODE_DIGITS || strchr(alphabet, digit) == NULL)
      return NULL;
    normal[count++] = digit;
  }
  return count == CODE_DIGITS ? ablak_sha256_hex(normal, CODE_DIGITS) : NULL;
}

/* --- the brake ----------------------------------------------------------------------------------
 */

typedef struct {
  gint64 since_ms;
  unsigned failures;
} Attempts;

struct AblakClaimLimiter {
  GHashTable *by_address; /* char * -> Attempts * */
};

AblakClaimLimiter *ablak_claim_limiter_new(void)
{
  AblakClaimLimiter *limiter = g_new0(AblakClaimLimiter, 1);
  limiter->by_address = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  return limiter;
}

void ablak_claim_limiter_free(AblakClaimLimiter *limiter)
{
  if (limiter == NULL)
    return;
  g_hash_table_unref(limiter->by_address);
  g_free(limiter);
}

bool ablak_claim_limiter_allow(AblakClaimLimiter *limiter, const char *address, gint64 now_ms,
                               GError **error)
{
  Attempts *attempts = g_hash_table_lookup(limiter->by_address, address);
  if (attempts == NULL || now_ms - attempts->since_ms >= WINDOW_MS ||
      attempts->failures < ATTEMPTS_MAX)
    return true;
  ablak_error_set(error, ABLAK_ERROR_RATE_LIMITED, "provisioning/too-many-attempts",
                  "too many failed claims from one address");
  return false;
}

static gboolean is_over(gpointer address, gpointer value, gpointer now_ms)
{
  return *(const gint64 *)now_ms - ((Attempts *)value)->since_ms >= WINDOW_MS;
}

void ablak_claim_limiter_failed(AblakClaimLimiter *limiter, const char *address, gint64 now_ms)
{
  Attempts *attempts = g_hash_table_lookup(limiter->by_address, address);
  if (attempts == NULL) {
    if (g_hash_table_size(limiter->by_address) >= ADDRESSES_MAX)
      g_hash_table_foreach_remove(limiter->by_address, is_over, &now_ms);
    /* Still full of fresh ones: forgetting them all is better than growing without end, and 80
     * bits withstand the guesses that this lets through. */
    if (g_hash_table_size(limiter->by_address) >= ADDRESSES_MAX)
      g_hash_table_remove_all(limiter->by_address);
    attempts = g_new0(Attempts, 1);
    g_hash_table_insert(limiter->by_address, g_strdup(address), attempts);
  }
  if (attempts->failures == 0 || now_ms - attempts->since_ms >= WINDOW_MS)
    *attempts = (Attempts){.since_ms = now_ms};
  attempts->failures++;
}
