/* The DTLS server of a leg, between a real client and somebody who loses, repeats, reorders, cuts,
 * changes and makes up datagrams. Whatever comes, the handshake ends once, keys come out only for
 * the certificate that was announced, and if the client has finished too they are the client's.
 *
 * Input: whether the announced fingerprint is the client's (bit 0), then steps of two bytes: what
 * is done, and where or how much. */
#include "video/dtls.h"
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS_MAX 64

typedef struct {
  AblakDtls *server;
  SSL *client;
  GQueue flights; /* GBytes: datagrams on their way to the server */
  GBytes *last;   /* the one that came last */
  AblakSrtp *receive, *send;
  AblakSrtpProfile profile;
  guint established, ended;
} Call;

static AblakDtlsContext *server_context;
static SSL_CTX *client_context;
static guint8 fingerprint[32];

static void client_context_make(void)
{
  EVP_PKEY *key = EVP_EC_gen("P-256");
  X509 *certificate = X509_new();
  guint size = 0;
  client_context = SSL_CTX_new(DTLS_client_method());
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  g_assert_cmpint(X509_sign(certificate, key, EVP_sha256()), >, 0);
  g_assert_cmpint(SSL_CTX_use_certificate(client_context, certificate), ==, 1);
  g_assert_cmpint(SSL_CTX_use_PrivateKey(client_context, key), ==, 1);
  g_assert_cmpint(X509_digest(certificate, EVP_sha256(), fingerprint, &size), ==, 1);
  g_assert_cmpint(SSL_CTX_set_tlsext_use_srtp(client_context, ABLAK_DTLS_SRTP_PROFILES), ==, 0);
  SSL_CTX_set_options(client_context, SSL_OP_NO_QUERY_MTU);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

static void on_send(const guint8 *data, gsize size, gpointer user)
{
  BIO_write(SSL_get_rbio(((Call *)user)->client), data, (int)size);
}

static void on_established(AblakSrtpProfile profile, AblakSrtp *receive, AblakSrtp *send,
                           gpointer user)
{
  Call *call = user;
  call->established++;
  call->profile = profile;
  call->receive = receive;
  call->send = send;
}

static void on_ended(const char *reason, gpointer user)
{
  g_assert_nonnull(reason);
  ((Call *)user)->ended++;
}

static const AblakDtlsHandler handler = {on_send, on_established, on_ended};

static void call_begin(Call *call, bool right)
{
  guint8 announced[sizeof fingerprint];
  memcpy(announced, fingerprint, sizeof announced);
  announced[31] ^= !right;
  g_queue_init(&call->flights);
  call->client = SSL_new(client_context);
  BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
  BIO_set_mem_eof_return(in, -1);
  BIO_set_mem_eof_return(out, -1);
  SSL_set_bio(call->client, in, out);
  SSL_set_connect_state(call->client);
  DTLS_set_link_mtu(call->client, 400); /* messages come in several pieces */
  call->server =
      ablak_dtls_new(server_context, g_main_context_default(), announced, &handler, call);
}

static void call_end(Call *call)
{
  ablak_dtls_free(call->server);
  g_queue_clear_full(&call->flights, (GDestroyNotify)g_bytes_unref);
  g_clear_pointer(&call->last, g_bytes_unref);
  SSL_free(call->client);
  ablak_srtp_free(call->receive);
  ablak_srtp_free(call->send);
}

/* What the client has to say now, each record for itself. */
static void client_step(Call *call)
{
  guint8 *data = NULL;
  SSL_do_handshake(call->client);
  long size = BIO_get_mem_data(SSL_get_wbio(call->client), &data);
  for (long at = 0; at + 13 <= size;) {
    long length = 13 + (data[at + 11] << 8 | data[at + 12]);
    g_queue_push_tail(&call->flights, g_bytes_new(data + at, (gsize)MIN(length, size - at)));
    at += length;
  }
  (void)BIO_reset(SSL_get_wbio(call->client));
}

/* An exact copy, so that reading beyond it shows. */
static void deliver(Call *call, const guint8 *data, gsize size)
{
  g_autofree guint8 *exact = g_memdup2(data, size);
  if (size > 0)
    ablak_dtls_receive(call->server, exact, size);
}

static void deliver_next(Call *call, guint8 how, guint8 where, guint8 change)
{
  GBytes *next = g_queue_pop_head(&call->flights);
  if (next == NULL)
    return;
  gsize size = 0;
  gconstpointer whole = g_bytes_get_data(next, &size);
  g_autofree guint8 *data = g_memdup2(whole, size);
  gsize at = where * size / 256;
  if (how == 1)
    data[at] ^= change;
  deliver(call, data, how == 2 ? at : size);
  g_clear_pointer(&call->last, g_bytes_unref);
  call->last = next;
}

static void repeat_last(Call *call)
{
  gsize size = 0;
  gconstpointer data = call->last != NULL ? g_bytes_get_data(call->last, &size) : NULL;
  deliver(call, data, size);
}

static void swap(Call *call)
{
  GBytes *first = g_queue_pop_head(&call->flights);
  if (first != NULL)
    g_queue_push_nth(&call->flights, first, 1);
}

static gsize step(Call *call, const guint8 *data, gsize size)
{
  guint8 where = data[1], change = size > 2 ? data[2] : 1;
  switch (data[0] % 8) {
  case 0:
    client_step(call);
    return 2;
  case 1:
    deliver_next(call, 0, 0, 0);
    return 2;
  case 2:
    deliver_next(call, 1, where, change);
    return MIN(size, 3);
  case 3:
    deliver_next(call, 2, where, 0);
    return 2;
  case 4:
    repeat_last(call);
    return 2;
  case 5:
    swap(call);
    return 2;
  case 6:
    g_bytes_unref(g_queue_is_empty(&call->flights) ? g_bytes_new(NULL, 0)
                                                   : g_queue_pop_head(&call->flights));
    return 2;
  default:
    deliver(call, data + 2, MIN(size - 2, where));
    return 2 + MIN(size - 2, where);
  }
}

static void assert_keys_fit(Call *call)
{
  guint8 material[2 * (ABLAK_SRTP_KEY_SIZE + ABLAK_SRTP_SALT_MAX)];
  guint8 packet[64] = {0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 'x'};
  gsize size = 13, salt_size = ablak_srtp_salt_size(call->profile);
  g_assert_cmpint(SSL_export_keying_material(call->client, material, 2 * (16 + salt_size),
                                             "EXTRACTOR-dtls_srtp", 19, NULL, 0, 0),
                  ==, 1);
  g_autoptr(AblakSrtp) send = ablak_srtp_new(call->profile, material, material + 32);
  g_assert_cmpint(ablak_srtp_protect(send, packet, &size, sizeof packet), ==, ABLAK_SRTP_OK);
  g_assert_cmpint(ablak_srtp_unprotect(call->receive, packet, &size), ==, ABLAK_SRTP_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  Call call = {0};
  if (size < 1)
    return 0;
  if (server_context == NULL) {
    server_context = ablak_dtls_context_new(ABLAK_DTLS_SRTP_PROFILES, NULL);
    client_context_make();
  }
  bool right = (data[0] & 1) == 0;
  call_begin(&call, right);
  gsize at = 1;
  for (int steps = 0; steps < STEPS_MAX && at + 2 <= size; steps++)
    at += step(&call, data + at, size - at);
  g_assert_cmpuint(call.established, <=, right ? 1 : 0);
  g_assert_cmpuint(call.ended, <=, 1);
  if (call.established > 0 && SSL_is_init_finished(call.client))
    assert_keys_fit(&call);
  call_end(&call);
  return 0;
}
