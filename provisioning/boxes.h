/* provisioning/boxes.h: headquarters' register of boxes and the claim that makes one.
 *
 * A box is created with a claim code: 80 random bits, shown once, stored as a hash, good for 24
 * hours and one certificate. Redeeming it with a certificate request enrols the box; the same
 * request again gets the same certificate, because an answer can be lost. A replaced box gets a new
 * epoch and a new code, and every certificate of the old epoch is revoked: what identifies a box is
 * (id, epoch), and that is looked up by the certificate's fingerprint.
 *
 * Plain functions over a transaction; each change is an event of topic "fleet". Threads: the
 * transaction's. Ownership: results are the caller's.
 * Errors, beside the store's: UNAUTHENTICATED "provisioning/claim-unknown", GONE
 * "provisioning/claim-expired" and "provisioning/claim-used", INVALID "provisioning/bad-request"
 * and "provisioning/bad-name", NOT_FOUND "provisioning/box-unknown", CONFLICT
 * "provisioning/box-exists" and "provisioning/box-state", FORBIDDEN "provisioning/box-revoked". */
#pragma once
#include "core/json.h"
#include "provisioning/ca.h"
#include "store/store.h"

extern const AblakStorePart ablak_provisioning_store_part;

#define ABLAK_CLAIM_LIFE_MS (24 * G_GINT64_CONSTANT(3600000))

typedef struct {
  char *id, *name, *office;
  gint64 epoch;
  char *state;                    /* "new", "enrolled", "revoked" */
  gint64 created_ms, enrolled_ms; /* enrolled_ms: 0 when never */
  char *serial;                   /* of the newest certificate, or NULL */
} AblakBox;
void ablak_box_free(AblakBox *box);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakBox, ablak_box_free)

/* `id` NULL: one is made, "<office>-<six digits>". `actor` is a user id or "system". */
bool ablak_box_create(AblakTxn *txn, const char *id, const char *name, const char *office,
                      const char *actor, char **ret_id, char **ret_code,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* A fresh code for a box that has not enrolled yet; earlier codes stop working. */
bool ablak_box_claim(AblakTxn *txn, const char *id, const char *actor, char **ret_code,
                     GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Revokes the old machine, raises the epoch, gives a code for the new one. */
bool ablak_box_replace(AblakTxn *txn, const char *id, const char *actor, char **ret_code,
                       GError **error) G_GNUC_WARN_UNUSED_RESULT;
bool ablak_box_revoke(AblakTxn *txn, const char *id, const char *actor,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* EST simpleenroll (RFC 7030 §4.2.1): `code` as it was typed. `ret_der`: the certificate. */
bool ablak_claim_redeem(AblakTxn *txn, AblakCa *ca, const char *box, const char *code,
                        const AblakCsr *csr, GBytes **ret_der,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* EST simplereenroll (RFC 7030 §4.2.2) by the holder of a valid certificate. */
bool ablak_box_renew(AblakTxn *txn, AblakCa *ca, const char *certificate_sha256,
                     const AblakCsr *csr, GBytes **ret_der,
                     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Whose certificate it is, now: fences out revoked and replaced machines. NULL and an error. */
AblakBox *ablak_box_identify(AblakTxn *txn, const char *certificate_sha256,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
AblakBox *ablak_box_get(AblakTxn *txn, const char *id, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* All boxes (AblakBox), by name. */
GPtrArray *ablak_box_list(AblakTxn *txn, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Entries (AblakRevoked) for ablak_ca_write_crl: unexpired revoked certificates. */
GPtrArray *ablak_box_revoked(AblakTxn *txn, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* What an enrolled box is told about itself: {"box","name","office","epoch","editionKey"}. */
json_t *ablak_box_document(const AblakBox *box, const char *edition_key);
