/* provisioning/claim-code.h: the code a person types to enrol a box, and the brake on guessing it.
 *
 * "ABCD-EFGH-JKMN-PQRS": 16 digits of Crockford's base 32, 80 random bits. Case, hyphens and
 * spaces do not count; O is read as 0, I and L as 1. Threads: codes any; a limiter belongs to one
 * thread. */
#pragma once
#include <glib.h>
#include <stdbool.h>

/* Free with g_free. */
char *ablak_claim_code_new(void);
/* SHA-256 (hex) of the normal form; NULL when the text cannot be a code. 80 random bits need no
 * slow hash. */
char *ablak_claim_code_hash(const char *code);

/* Failed attempts by address: ten in a quarter of an hour, then "provisioning/too-many-attempts"
 * (RATE_LIMITED) until the quarter is over. Kept in memory: a failed job leaves no rows. */
typedef struct AblakClaimLimiter AblakClaimLimiter;
AblakClaimLimiter *ablak_claim_limiter_new(void);
void ablak_claim_limiter_free(AblakClaimLimiter *limiter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakClaimLimiter, ablak_claim_limiter_free)
/* Before redeeming. */
bool ablak_claim_limiter_allow(AblakClaimLimiter *limiter, const char *address, gint64 now_ms,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* After redeeming failed. */
void ablak_claim_limiter_failed(AblakClaimLimiter *limiter, const char *address, gint64 now_ms);
