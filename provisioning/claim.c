/* Redeeming a claim code and renewing a certificate: what the EST routes do inside a store job. */
#include "core/error.h"
#include "provisioning/boxes.h"
#include "provisioning/claim-code.h"

typedef struct {
  char *id;
  gint64 epoch, expires_ms;
  bool used;
  char *used_csr_sha256;
} Claim;

static void claim_clear(Claim *claim)
{
  g_free(claim->id);
  g_free(claim->used_csr_sha256);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Claim, claim_clear)

static bool unknown(GError **error)
{
  ablak_error_set(error, ABLAK_ERROR_UNAUTHENTICATED, "provisioning/claim-unknown",
                  "no such claim code for this box");
  return false;
}

static bool find_claim(AblakTxn *txn, const char *box, const char *code, Claim *ret_claim,
                       GError **error)
{
  g_autofree char *hash = ablak_claim_code_hash(code);
  if (hash == NULL)
    return unknown(error);
  g_autoptr(GError) cause = NULL;
  g_autoptr(AblakRows) rows =
      ablak_txn_query_one(txn, &cause,
                          "SELECT id, epoch, expires_at, used_at, used_csr_sha256 FROM claim"
                          " WHERE box = ? AND code_sha256 = ?",
                          "tt", box, hash);
  if (rows == NULL) {
    if (g_error_matches(cause, ABLAK_ERROR, ABLAK_ERROR_NOT_FOUND))
      return unknown(error);
    g_propagate_error(error, g_steal_pointer(&cause));
    return false;
  }
  ret_claim->id = g_strdup(ablak_rows_text(rows, 0));
  ret_claim->epoch = ablak_rows_int(rows, 1);
  ret_claim->expires_ms = ablak_rows_int(rows, 2);
  ret_claim->used = !ablak_rows_is_null(rows, 3);
  ret_claim->used_csr_sha256 = g_strdup(ablak_rows_text(rows, 4));
  return true;
}

/* The certificate given out for this request before, or NULL. */
static GBytes *earlier_certificate(AblakTxn *txn, const AblakBox *box, const AblakCsr *csr)
{
  g_autoptr(AblakRows) rows =
      ablak_txn_query_one(txn, NULL,
                          "SELECT der FROM box_certificate"
                          " WHERE box = ? AND csr_sha256 = ? AND epoch = ? AND revoked_at IS NULL",
                          "tti", box->id, ablak_csr_sha256(csr), box->epoch);
  if (rows == NULL)
    return NULL;
  gsize size = 0;
  const void *der = ablak_rows_blob(rows, 0, &size);
  return g_bytes_new(der, size);
}

static bool issue(AblakTxn *txn, AblakCa *ca, const AblakBox *box, const AblakCsr *csr,
                  GBytes **ret_der, GError **error)
{
  gint64 now_ms = ablak_txn_now_ms(txn);
  g_auto(AblakCertificate) certificate = {0};
  if (!ablak_ca_issue_client(ca, csr, box->id, now_ms, &certificate, error) ||
      !ablak_txn_exec(txn, NULL, error,
                      "INSERT INTO box_certificate (sha256, box, epoch, serial, csr_sha256, der,"
                      " issued_at, not_after_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                      "ttittbii", certificate.sha256, box->id, box->epoch, certificate.serial,
                      ablak_csr_sha256(csr), g_bytes_get_data(certificate.der, NULL),
                      g_bytes_get_size(certificate.der), now_ms, certificate.not_after_ms))
    return false;
  *ret_der = g_steal_pointer(&certificate.der);
  return true;
}

static bool redeem_again(AblakTxn *txn, const AblakBox *box, const Claim *claim,
                         const AblakCsr *csr, GBytes **ret_der, GError **error)
{
  GBytes *der = g_strcmp0(claim->used_csr_sha256, ablak_csr_sha256(csr)) == 0
                    ? earlier_certificate(txn, box, csr)
                    : NULL;
  if (der == NULL) {
    ablak_error_set(error, ABLAK_ERROR_GONE, "provisioning/claim-used",
                    "the claim code was used already");
    return false;
  }
  *ret_der = der;
  return true;
}

bool ablak_claim_redeem(AblakTxn *txn, AblakCa *ca, const char *box_id, const char *code,
                        const AblakCsr *csr, GBytes **ret_der, GError **error)
{
  g_auto(Claim) claim = {0};
  if (!find_claim(txn, box_id, code, &claim, error))
    return false;
  g_autoptr(AblakBox) box = ablak_box_get(txn, box_id, error);
  if (box == NULL)
    return false;
  if (claim.used)
    return redeem_again(txn, box, &claim, csr, ret_der, error);
  gint64 now_ms = ablak_txn_now_ms(txn);
  if (now_ms >= claim.expires_ms || claim.epoch != box->epoch || strcmp(box->state, "new") != 0) {
    ablak_error_set(error, ABLAK_ERROR_GONE, "provisioning/claim-expired",
                    "the claim code is no longer valid");
    return false;
  }
  g_autoptr(GBytes) der = NULL;
  if (!issue(txn, ca, box, csr, &der, error) ||
      !ablak_txn_exec(txn, NULL, error,
                      "UPDATE claim SET used_at = ?, used_csr_sha256 = ? WHERE id = ?", "itt",
                      now_ms, ablak_csr_sha256(csr), claim.id) ||
      !ablak_txn_exec(txn, NULL, error,
                      "UPDATE box SET state = 'enrolled', enrolled_at = ? WHERE id = ?", "it",
                      now_ms, box->id) ||
      !ablak_event_append(txn, "fleet", "box.enrolled", box->id, "system", NULL, error))
    return false;
  *ret_der = g_steal_pointer(&der);
  return true;
}

bool ablak_box_renew(AblakTxn *txn, AblakCa *ca, const char *certificate_sha256,
                     const AblakCsr *csr, GBytes **ret_der, GError **error)
{
  g_autoptr(AblakBox) box = ablak_box_identify(txn, certificate_sha256, error);
  if (box == NULL)
    return false;
  GBytes *earlier = earlier_certificate(txn, box, csr);
  /* A request whose certificate is the one it comes with asks for a renewal under the same key. */
  g_autofree char *earlier_sha256 =
      earlier != NULL ? g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, earlier) : NULL;
  if (earlier != NULL && strcmp(earlier_sha256, certificate_sha256) != 0) {
    *ret_der = earlier;
    return true;
  }
  g_clear_pointer(&earlier, g_bytes_unref);
  g_autoptr(GBytes) der = NULL;
  if (!issue(txn, ca, box, csr, &der, error) ||
      !ablak_event_append(txn, "fleet", "box.renewed", box->id, "system", NULL, error))
    return false;
  *ret_der = g_steal_pointer(&der);
  return true;
}
