/* provisioning/identity.h: the box's side of enrolment: its key, its request, its certificate.
 *
 * Files lie in <state>/id (layout.h). The key is made on the box and never leaves it. A new key and
 * its request are kept beside the present ones until the certificate has come, so that a lost
 * answer is asked for again with the same request and a daemon keeps its old identity meanwhile.
 * A crash at any step leaves either the old or the new identity after ablak_identity_load.
 *
 * Threads: one at a time for a state folder. Durability: files are fsynced before true is returned.
 * Errors: INVALID "provisioning/bad-answer" (what headquarters sent does not fit), NOT_FOUND
 * "provisioning/not-enrolled", FAILED "provisioning/ca", "provisioning/state-unwritable". */
#pragma once
#include "core/json.h"
#include <glib.h>
#include <stdbool.h>

/* Writes ca.crt. When `sha256` is not NULL the certificate must have that fingerprint:
 * UNPROCESSABLE "provisioning/wrong-ca" otherwise. `pem` may hold more certificates; the CA among
 * them counts. */
bool ablak_identity_pin(const char *state, const void *pem, gsize size, const char *sha256,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The pending certificate request (DER) for `box`, made with a new key when there is none. */
GBytes *ablak_identity_request(const char *state, const char *box,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Takes an EST answer: finds the certificate of the pending key, checks it against ca.crt, and puts
 * key and certificate in place. */
bool ablak_identity_install(const char *state, const void *answer, gsize size,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Writes box.json: what headquarters told ({"box","name","office","epoch","editionKey"}) and the
 * address it was reached at, as "hq". Ends an epoch request. */
bool ablak_identity_write_document(const char *state, json_t *document, const char *hq,
                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
  char *box, *name, *office;
  gint64 epoch;
  char **hq;         /* base addresses, "https://host:port", NULL-terminated */
  char *edition_key; /* base64url Ed25519 key that signs editions */
  gint64 not_after_ms;
  bool epoch_request; /* restored from a backup: must be enrolled again before it syncs */
} AblakIdentity;
/* NULL and "provisioning/not-enrolled" when the box has no identity yet. */
AblakIdentity *ablak_identity_load(const char *state, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ablak_identity_free(AblakIdentity *identity);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakIdentity, ablak_identity_free)

/* True when less than a third of the certificate's life is left. */
bool ablak_identity_renewal_due(const AblakIdentity *identity, gint64 now_ms);
