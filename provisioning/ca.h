/* provisioning/ca.h: headquarters' certificate authority.
 *
 * Purpose: one EC P-256 root in <state>/ca, made on first use, signs headquarters' own server
 * certificate for the box listener and the boxes' client certificates, and the revocation list.
 *
 * Ownership: results are the caller's. Threads: an AblakCa does not change once open and may be
 * used from any thread (certificates are issued inside store jobs).
 * Durability: key and certificate files are written whole and fsynced, keys 0600.
 * Errors: ABLAK_ERROR_FAILED "provisioning/ca" for faults of the authority itself. */
#pragma once
#include "provisioning/csr.h"
#include <glib.h>
#include <stdbool.h>

/* What browsers' and TLS libraries' limits for leaf certificates have settled on. */
#define ABLAK_CA_LEAF_DAYS 397

typedef struct AblakCa AblakCa;

/* Opens the authority in `dir` (<state>/ca), making key, root certificate and an empty revocation
 * list when they are missing. A key without its certificate is an error. */
AblakCa *ablak_ca_open(const char *dir, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ablak_ca_free(AblakCa *ca);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakCa, ablak_ca_free)

/* SHA-256 of the root certificate, hex: what a box is given to pin. Lives as long as the CA. */
const char *ablak_ca_fingerprint(const AblakCa *ca);
/* The root certificate, DER. */
GBytes *ablak_ca_certificate(const AblakCa *ca);

/* Makes sure that server.key and server.crt (leaf, then root) name all of `names` (DNS names or IP
 * addresses, NULL-terminated) and stay valid for 30 days; issues a new pair otherwise. */
bool ablak_ca_ensure_server(AblakCa *ca, const char *const *names, gint64 now_ms,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
  GBytes *der;
  char *serial; /* lower-case hex */
  char *sha256; /* of the DER, lower-case hex: http's peer fingerprint */
  gint64 not_after_ms;
} AblakCertificate;
void ablak_certificate_clear(AblakCertificate *certificate);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AblakCertificate, ablak_certificate_clear)

/* A client certificate (clientAuth, 397 days) for the request's key with CN = `box`. The request's
 * own CN must be the same. */
bool ablak_ca_issue_client(AblakCa *ca, const AblakCsr *csr, const char *box, gint64 now_ms,
                           AblakCertificate *ret_certificate,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
  char *serial; /* lower-case hex */
  gint64 revoked_ms;
} AblakRevoked;
void ablak_revoked_free(AblakRevoked *revoked);

/* Writes crl.pem with these entries (AblakRevoked), numbered by the time. */
bool ablak_ca_write_crl(AblakCa *ca, const GPtrArray *revoked, gint64 now_ms,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
