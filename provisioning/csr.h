/* provisioning/csr.h: a certificate request (PKCS#10, RFC 2986), checked.
 *
 * Accepted: at most 16 KiB of DER without a tail, a key on P-256 or P-384, a valid
 * self-signature, exactly one common name that is a box id. Everything else is
 * ABLAK_ERROR_INVALID "provisioning/bad-request". Ownership: the caller's. Threads: any. */
#pragma once
#include <glib.h>
#include <stdbool.h>

typedef struct AblakCsr AblakCsr;

AblakCsr *ablak_csr_parse(const void *der, gsize size, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ablak_csr_free(AblakCsr *csr);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakCsr, ablak_csr_free)

/* Live as long as the request. */
const char *ablak_csr_common_name(const AblakCsr *csr);
/* SHA-256 of the DER, hex. */
const char *ablak_csr_sha256(const AblakCsr *csr);
/* The EVP_PKEY, for the authority. */
gpointer ablak_csr_key(const AblakCsr *csr);

/* A box id: lower-case letters, digits and inner hyphens, at most 63 (a DNS label). */
bool ablak_box_id_is_valid(const char *text);
