/* Enrolment over Secure Transport (RFC 7030): how a box gets its certificate. */
#include "core/clock.h"
#include "core/error.h"
#include "core/log.h"
#include "daemon/handler.h"
#include "hq/routes.h"
#include <provisioning/boxes.h>
#include <provisioning/csr.h>
#include <provisioning/est.h>

/* One request on its way through the writer. */
typedef struct {
  AblakHq *hq;
  AblakRequest *request;
  AblakCsr *csr;
  char *box, *code; /* enrolment; NULL when renewing */
  char *fingerprint;
  GBytes *certificate;
} Enrolment;

static void enrolment_free(gpointer data)
{
  Enrolment *enrolment = data;
  ablak_csr_free(enrolment->csr);
  g_free(enrolment->box);
  g_free(enrolment->code);
  g_free(enrolment->fingerprint);
  g_clear_pointer(&enrolment->certificate, g_bytes_unref);
  ablak_request_unref(enrolment->request);
  g_free(enrolment);
}

/* RFC 7030 §4.1.3 and §4.2.3: base64 of a certs-only PKCS#7. */
static void reply_certificates(AblakRequest *request, GBytes *first, GBytes *second)
{
  g_autoptr(GPtrArray) certificates = g_ptr_array_new();
  g_ptr_array_add(certificates, first);
  if (second)
    g_ptr_array_add(certificates, second);
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) body = ablak_est_answer_encode(certificates, &error);
  if (!body) {
    ablak_request_reply_error(request, error);
    return;
  }
  ablak_request_set_header(request, "content-transfer-encoding", "base64");
  ablak_request_reply_bytes(request, 200, ABLAK_EST_MEDIA_CERTIFICATES, body);
}

void ablak_hq_est_cacerts(AblakRequest *request, gpointer app)
{
  g_autoptr(GBytes) root = ablak_ca_certificate(((AblakHq *)app)->ca);
  reply_certificates(request, root, NULL);
}

static bool issue(AblakTxn *txn, gpointer data, GError **error)
{
  Enrolment *enrolment = data;
  g_clear_pointer(&enrolment->certificate, g_bytes_unref);
  return enrolment->code
             ? ablak_claim_redeem(txn, enrolment->hq->ca, enrolment->box, enrolment->code,
                                  enrolment->csr, &enrolment->certificate, error)
             : ablak_box_renew(txn, enrolment->hq->ca, enrolment->fingerprint, enrolment->csr,
                               &enrolment->certificate, error);
}

static void issued(const GError *error, gpointer data)
{
  Enrolment *enrolment = data;
  if (error) {
    if (enrolment->code)
      ablak_claim_limiter_failed(enrolment->hq->claims, ablak_request_peer(enrolment->request),
                                 ablak_clock_monotonic_ms());
    ablak_log_gerror(ABLAK_LOG_WARNING, "enrolment.refused", error, NULL);
    ablak_request_reply_error(enrolment->request, error);
    return;
  }
  g_autoptr(GBytes) root = ablak_ca_certificate(enrolment->hq->ca);
  reply_certificates(enrolment->request, enrolment->certificate, root);
}

static AblakCsr *csr_of(AblakRequest *request, GError **error)
{
  gsize size = 0;
  const void *body = g_bytes_get_data(ablak_request_bytes(request), &size);
  g_autoptr(GBytes) der = ablak_est_request_decode(body, size, error);
  return der ? ablak_csr_parse(g_bytes_get_data(der, NULL), g_bytes_get_size(der), error) : NULL;
}

static void start(AblakHq *hq, AblakRequest *request, char *box, char *code)
{
  Enrolment *enrolment = g_new0(Enrolment, 1);
  enrolment->hq = hq;
  enrolment->request = ablak_request_ref(request);
  enrolment->box = box;
  enrolment->code = code;
  enrolment->fingerprint = g_strdup(ablak_request_peer_cert_sha256(request));
  g_autoptr(GError) error = NULL;
  enrolment->csr = csr_of(request, &error);
  if (!enrolment->csr) {
    ablak_request_reply_error(request, error);
    enrolment_free(enrolment);
    return;
  }
  ablak_store_write(hq->store, issue, issued, enrolment, enrolment_free);
}

void ablak_hq_est_simpleenroll(AblakRequest *request, gpointer app)
{
  AblakHq *hq = app;
  char *box = NULL, *code = NULL;
  g_autoptr(GError) error = NULL;
  const char *authorization = ablak_request_header(request, "authorization");
  if (!authorization) {
    ablak_request_set_header(request, "www-authenticate", "Basic realm=\"est\"");
    ablak_error_set(&error, ABLAK_ERROR_UNAUTHENTICATED, "request/unauthenticated",
                    "a claim code is needed");
  } else if (ablak_claim_limiter_allow(hq->claims, ablak_request_peer(request),
                                       ablak_clock_monotonic_ms(), &error) &&
             ablak_est_basic(authorization, &box, &code, &error)) {
    start(hq, request, box, code);
    return;
  }
  ablak_request_reply_error(request, error);
}

void ablak_hq_est_simplereenroll(AblakRequest *request, gpointer app)
{
  start(app, request, NULL, NULL);
}
