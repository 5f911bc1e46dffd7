/* The box's DTLS server against OpenSSL's own client. */
#include "video/dtls.h"
#include "core/error.h"
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>

typedef struct {
  SSL_CTX *context;
  SSL *ssl;
  AblakDtls *server;
  AblakSrtp *receive, *send; /* the server's */
  AblakSrtpProfile profile;
  char *ended;
  bool lose_first; /* the server's first flight gets lost */
  gsize largest;
} Call;

static void on_send(const guint8 *data, gsize size, gpointer user)
{
  Call *call = user;
  call->largest = MAX(call->largest, size);
  if (call->lose_first) {
    call->lose_first = false;
    return;
  }
  BIO_write(SSL_get_rbio(call->ssl), data, (int)size);
}

static void on_established(AblakSrtpProfile profile, AblakSrtp *receive, AblakSrtp *send,
                           gpointer user)
{
  Call *call = user;
  call->profile = profile;
  call->receive = receive;
  call->send = send;
}

static void on_ended(const char *reason, gpointer user)
{
  Call *call = user;
  g_assert_null(call->ended);
  call->ended = g_strdup(reason);
}

static const AblakDtlsHandler handler = {on_send, on_established, on_ended};

static void use_certificate(SSL_CTX *context, guint8 ret_fingerprint[32])
{
  EVP_PKEY *key = EVP_EC_gen("P-256");
  X509 *certificate = X509_new();
  guint size = 0;
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  g_assert_cmpint(X509_sign(certificate, key, EVP_sha256()), >, 0);
  g_assert_cmpint(SSL_CTX_use_certificate(context, certificate), ==, 1);
  g_assert_cmpint(SSL_CTX_use_PrivateKey(context, key), ==, 1);
  g_assert_cmpint(X509_digest(certificate, EVP_sha256(), ret_fingerprint, &size), ==, 1);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

static void call_begin(Call *call, AblakDtlsContext *context, const char *profiles,
                       bool right_fingerprint)
{
  guint8 fingerprint[32];
  call->context = SSL_CTX_new(DTLS_client_method());
  use_certificate(call->context, fingerprint);
  if (!right_fingerprint)
    fingerprint[0] ^= 1;
  if (profiles != NULL)
    g_assert_cmpint(SSL_CTX_set_tlsext_use_srtp(call->context, profiles), ==, 0);
  SSL_CTX_set_options(call->context, SSL_OP_NO_QUERY_MTU);
  /* A long list makes the ClientHello as large as post-quantum key shares do. */
  guint8 protocols[1000];
  memset(protocols, 'x', sizeof protocols);
  for (gsize i = 0; i < sizeof protocols; i += 200)
    protocols[i] = 199;
  g_assert_cmpint(SSL_CTX_set_alpn_protos(call->context, protocols, sizeof protocols), ==, 0);
  call->ssl = SSL_new(call->context);
  BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
  BIO_set_mem_eof_return(in, -1);
  BIO_set_mem_eof_return(out, -1);
  SSL_set_bio(call->ssl, in, out);
  SSL_set_connect_state(call->ssl);
  DTLS_set_link_mtu(call->ssl, 400);
  call->server = ablak_dtls_new(context, g_main_context_default(), fingerprint, &handler, call);
}

/* Each record goes as a datagram of its own: a small MTU cuts the ClientHello in pieces. */
static guint flush(Call *call)
{
  guint datagrams = 0;
  guint8 *data = NULL;
  long size = BIO_get_mem_data(SSL_get_wbio(call->ssl), &data);
  g_autofree guint8 *copy = g_memdup2(data, (gsize)size);
  (void)BIO_reset(SSL_get_wbio(call->ssl));
  for (long at = 0; at < size;) {
    long length = 13 + (copy[at + 11] << 8 | copy[at + 12]);
    ablak_dtls_receive(call->server, copy + at, (gsize)length);
    at += length;
    datagrams++;
  }
  return datagrams;
}

static bool call_shake(Call *call)
{
  for (int i = 0; i < 20; i++) {
    int result = SSL_do_handshake(call->ssl);
    int problem = SSL_get_error(call->ssl, result);
    guint datagrams = flush(call);
    if (i == 0)
      g_assert_cmpuint(datagrams, >=, 3); /* the ClientHello comes in pieces */
    if (result == 1 && (call->send != NULL || call->ended != NULL))
      return true;
    if (problem != SSL_ERROR_NONE && problem != SSL_ERROR_WANT_READ)
      return false;
  }
  return false;
}

static void call_end(Call *call)
{
  ablak_dtls_free(call->server);
  ablak_srtp_free(call->receive);
  ablak_srtp_free(call->send);
  SSL_free(call->ssl);
  SSL_CTX_free(call->context);
  g_free(call->ended);
}

/* What the client protects with its exported keys the server opens, and the other way round. */
static void assert_keys_fit(Call *call)
{
  guint8 material[2 * (16 + 14)];
  gsize salt_size = ablak_srtp_salt_size(call->profile);
  g_assert_cmpint(SSL_export_keying_material(call->ssl, material, 2 * (16 + salt_size),
                                             "EXTRACTOR-dtls_srtp", 19, NULL, 0, 0),
                  ==, 1);
  g_autoptr(AblakSrtp) client_send = ablak_srtp_new(call->profile, material, material + 32);
  g_autoptr(AblakSrtp) client_receive =
      ablak_srtp_new(call->profile, material + 16, material + 32 + salt_size);
  AblakSrtp *pairs[2][2] = {{client_send, call->receive}, {call->send, client_receive}};
  for (int i = 0; i < 2; i++) {
    guint8 packet[64] = {0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 'x', 'y'};
    gsize size = 14;
    g_assert_cmpint(ablak_srtp_protect(pairs[i][0], packet, &size, sizeof packet), ==,
                    ABLAK_SRTP_OK);
    g_assert_cmpint(ablak_srtp_unprotect(pairs[i][1], packet, &size), ==, ABLAK_SRTP_OK);
    g_assert_cmpmem(packet + 12, (int)size - 12, "xy", 2);
  }
}

static AblakDtlsContext *context_new(void)
{
  g_autoptr(GError) error = NULL;
  AblakDtlsContext *context = ablak_dtls_context_new(ABLAK_DTLS_SRTP_PROFILES, &error);
  g_assert_no_error(error);
  return context;
}

static void shake_and_check(const char *profiles, AblakSrtpProfile expected)
{
  g_autoptr(AblakDtlsContext) context = context_new();
  Call call = {0};
  call_begin(&call, context, profiles, true);
  g_assert_true(call_shake(&call));
  g_assert_null(call.ended);
  g_assert_cmpint(call.profile, ==, expected);
  g_assert_cmpuint(call.largest, <=, 1200);
  assert_keys_fit(&call);
  call_end(&call);
}

static void test_gcm_preferred(void)
{
  shake_and_check("SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_128_GCM", ABLAK_SRTP_AEAD_AES_128_GCM);
}

static void test_counter_mode_accepted(void)
{
  shake_and_check("SRTP_AES128_CM_SHA1_80", ABLAK_SRTP_AES128_CM_SHA1_80);
}

static void test_refused(const char *profiles, bool right_fingerprint, const char *reason)
{
  g_autoptr(AblakDtlsContext) context = context_new();
  Call call = {0};
  call_begin(&call, context, profiles, right_fingerprint);
  call_shake(&call);
  g_assert_cmpstr(call.ended, ==, reason);
  g_assert_null(call.send);
  call_end(&call);
}

static void test_wrong_fingerprint(void)
{
  test_refused("SRTP_AEAD_AES_128_GCM", false, "dtls-fingerprint");
}

static void test_no_srtp(void)
{
  test_refused(NULL, true, "dtls-no-srtp");
}

static void test_peer_closes(void)
{
  g_autoptr(AblakDtlsContext) context = context_new();
  Call call = {0};
  call_begin(&call, context, "SRTP_AEAD_AES_128_GCM", true);
  g_assert_true(call_shake(&call));
  SSL_shutdown(call.ssl);
  flush(&call);
  g_assert_cmpstr(call.ended, ==, "peer-closed");
  call_end(&call);
}

/* The server repeats its flight by its own timer, well before OpenSSL's one second. */
static void test_loss(void)
{
  g_autoptr(AblakDtlsContext) context = context_new();
  Call call = {.lose_first = true};
  gint64 began_us = g_get_monotonic_time();
  call_begin(&call, context, "SRTP_AEAD_AES_128_GCM", true);
  SSL_do_handshake(call.ssl);
  flush(&call);
  while (call.lose_first == false && call.send == NULL &&
         g_get_monotonic_time() - began_us < 5 * G_USEC_PER_SEC) {
    SSL_do_handshake(call.ssl);
    flush(&call);
    g_main_context_iteration(NULL, FALSE);
    g_usleep(2000);
  }
  g_assert_nonnull(call.send);
  g_assert_cmpint(g_get_monotonic_time() - began_us, <, 900000);
  call_end(&call);
}

static void test_profiles(void)
{
  static const char *const refused[] = {"", "SRTP_AES128_CM_SHA1_32", "SRTP_AEAD_AES_128_GCM:x"};
  for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
    g_autoptr(GError) error = NULL;
    g_assert_null(ablak_dtls_context_new(refused[i], &error));
    g_assert_cmpstr(ablak_error_slug(error), ==, "media/dtls");
  }
}

static void test_garbage(void)
{
  g_autoptr(AblakDtlsContext) context = context_new();
  Call call = {0};
  guint8 garbage[100];
  memset(garbage, 0x16, sizeof garbage);
  call_begin(&call, context, "SRTP_AEAD_AES_128_GCM", true);
  for (gsize size = 1; size < sizeof garbage; size++)
    ablak_dtls_receive(call.server, garbage, size);
  g_assert_true(call_shake(&call));
  ablak_dtls_receive(call.server, garbage, sizeof garbage);
  g_assert_null(call.ended);
  call_end(&call);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/dtls/gcm-preferred", test_gcm_preferred);
  g_test_add_func("/dtls/counter-mode-accepted", test_counter_mode_accepted);
  g_test_add_func("/dtls/wrong-fingerprint", test_wrong_fingerprint);
  g_test_add_func("/dtls/no-srtp", test_no_srtp);
  g_test_add_func("/dtls/peer-closes", test_peer_closes);
  g_test_add_func("/dtls/loss", test_loss);
  g_test_add_func("/dtls/garbage", test_garbage);
  g_test_add_func("/dtls/profiles", test_profiles);
  return g_test_run();
}
