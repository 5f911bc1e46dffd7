#include "provisioning/identity.h"
#include "core/crypto.h"
#include "core/error.h"
#include "provisioning/ca.h"
#include "provisioning/est.h"
#include "provisioning/layout.h"
#include "provisioning/x509.h"
#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define NEXT_KEY "id/next.key"
#define NEXT_REQUEST "id/next.csr"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509_REQ, X509_REQ_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BIO, BIO_free_all)

static bool bad_answer(GError **error, const char *why)
{
  ERR_clear_error();
  ablak_error_set(error, ABLAK_ERROR_INVALID, "provisioning/bad-answer", "%s", why);
  return false;
}

/* --- the pinned authority ------------------------------------------------------------------------
 */

bool ablak_identity_pin(const char *state, const void *pem, gsize size, const char *sha256,
                        GError **error)
{
  g_autoptr(BIO) memory = size <= 256 * 1024 ? BIO_new_mem_buf(pem, (int)size) : NULL;
  for (;;) {
    g_autoptr(X509) certificate =
        memory != NULL ? PEM_read_bio_X509(memory, NULL, NULL, NULL) : NULL;
    if (certificate == NULL)
      break;
    g_autoptr(GBytes) der = ablak_x509_der(certificate);
    g_autofree char *found = ablak_sha256_hex(g_bytes_get_data(der, NULL), g_bytes_get_size(der));
    if (X509_check_ca(certificate) != 1 ||
        (sha256 != NULL && g_ascii_strcasecmp(found, sha256) != 0))
      continue;
    g_autofree char *path = ablak_layout_path(state, ABLAK_LAYOUT_BOX_CA);
    X509 *chain[] = {certificate, NULL};
    return ablak_x509_write_chain(path, chain, error);
  }
  ERR_clear_error();
  ablak_error_set(error, ABLAK_ERROR_UNPROCESSABLE, "provisioning/wrong-ca",
                  "no certificate authority with the expected fingerprint was found");
  return false;
}

/* --- key and request --- */

static GBytes *pending_request(const char *state, const char *box)
{
  g_autofree char *key_path = ablak_layout_path(state, NEXT_KEY);
  g_autofree char *path = ablak_layout_path(state, NEXT_REQUEST);
  g_autofree char *data = NULL;
  gsize size = 0;
  if (!g_file_test(key_path, G_FILE_TEST_EXISTS) || !g_file_get_contents(path, &data, &size, NULL))
    return NULL;
  g_autoptr(AblakCsr) csr = ablak_csr_parse(data, size, NULL);
  if (csr == NULL || strcmp(ablak_csr_common_name(csr), box) != 0)
    return NULL;
  return g_bytes_new_take(g_steal_pointer(&data), size);
}

static GBytes *request_new(EVP_PKEY *key, const char *box)
{
  g_autoptr(X509_REQ) request = X509_REQ_new();
  if (request == NULL || X509_REQ_set_version(request, X509_REQ_VERSION_1) != 1 ||
      X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request), "CN", MBSTRING_UTF8,
                                 (const unsigned char *)box, -1, -1, 0) != 1 ||
      X509_REQ_set_pubkey(request, key) != 1 || X509_REQ_sign(request, key, EVP_sha256()) <= 0)
    return NULL;
  unsigned char *der = NULL;
  int size = i2d_X509_REQ(request, &der);
  if (size <= 0)
    return NULL;
  GBytes *bytes = g_bytes_new(der, (gsize)size);
  OPENSSL_free(der);
  return bytes;
}

GBytes *ablak_identity_request(const char *state, const char *box, GError **error)
{
  if (!ablak_box_id_is_valid(box)) {
    ablak_error_set(error, ABLAK_ERROR_INVALID, "provisioning/bad-name", "\"%s\" is not a box id",
                    box);
    return NULL;
  }
  GBytes *pending = pending_request(state, box);
  if (pending != NULL)
    return pending;
  g_autofree char *key_path = ablak_layout_path(state, NEXT_KEY);
  g_autofree char *path = ablak_layout_path(state, NEXT_REQUEST);
  g_autoptr(EVP_PKEY) key = EVP_EC_gen("P-256");
  g_autoptr(GBytes) der = key != NULL ? request_new(key, box) : NULL;
  if (der == NULL) {
    ERR_clear_error();
    ablak_error_set(error, ABLAK_ERROR_FAILED, "provisioning/ca", "cannot make a key and request");
    return NULL;
  }
  if (!ablak_x509_write_key(key_path, key, error) ||
      !ablak_layout_write(path, g_bytes_get_data(der, NULL), g_bytes_get_size(der), 0600, error))
    return NULL;
  return g_steal_pointer(&der);
}

/* --- the answer ----------------------------------------------------------------------------------
 */

/* The new certificate is in place; what remains is to move its key there. */
static bool finish_install(const char *state, GError **error)
{
  g_autofree char *next = ablak_layout_path(state, NEXT_KEY);
  g_autofree char *key_path = ablak_layout_path(state, ABLAK_LAYOUT_BOX_KEY);
  g_autofree char *request = ablak_layout_path(state, NEXT_REQUEST);
  if (g_rename(next, key_path) != 0) {
    ablak_error_set(error, ABLAK_ERROR_FAILED, "provisioning/state-unwritable",
                    "cannot move the new key into place: %s", g_strerror(errno));
    return false;
  }
  g_unlink(request);
  return true;
}

bool ablak_identity_install(const char *state, const void *answer, gsize size, GError **error)
{
  g_autoptr(GPtrArray) list = ablak_est_answer_decode(answer, size, error);
  if (list == NULL)
    return false;
  g_autofree char *ca_path = ablak_layout_path(state, ABLAK_LAYOUT_BOX_CA);
  g_autofree char *next = ablak_layout_path(state, NEXT_KEY);
  g_autoptr(X509) root = ablak_x509_read_certificate(ca_path, error);
  g_autoptr(EVP_PKEY) key = root != NULL ? ablak_x509_read_key(next, error) : NULL;
  if (key == NULL)
    return false;
  for (guint i = 0; i < list->len; i++) {
    g_autoptr(X509) certificate = ablak_x509_parse(g_ptr_array_index(list, i));
    if (certificate == NULL || X509_check_private_key(certificate, key) != 1)
      continue;
    if (X509_verify(certificate, X509_get0_pubkey(root)) != 1)
      return bad_answer(error, "the certificate is not signed by the pinned authority");
    g_autofree char *path = ablak_layout_path(state, ABLAK_LAYOUT_BOX_CERTIFICATE);
    X509 *chain[] = {certificate, NULL};
    ERR_clear_error();
    return ablak_x509_write_chain(path, chain, error) && finish_install(state, error);
  }
  return bad_answer(error, "no certificate of the answer belongs to this box's key");
}

bool ablak_identity_write_document(const char *state, json_t *document, const char *hq,
                                   GError **error)
{
  g_autoptr(json_t) copy = json_pack(
      "{s:s?, s:s?, s:s?, s:I, s:s?, s:[s]}", "box", ablak_json_get_string(document, "box"), "name",
      ablak_json_get_string(document, "name"), "office", ablak_json_get_string(document, "office"),
      "epoch", (json_int_t)ablak_json_get_int(document, "epoch", 0), "editionKey",
      ablak_json_get_string(document, "editionKey"), "hq", hq);
  if (copy == NULL || ablak_json_get_string(copy, "box") == NULL ||
      ablak_json_get_string(copy, "office") == NULL ||
      ablak_json_get_string(copy, "editionKey") == NULL || ablak_json_get_int(copy, "epoch", 0) < 1)
    return bad_answer(error, "headquarters' description of the box lacks a member");
  g_autofree char *text = ablak_json_text(copy);
  g_autofree char *path = ablak_layout_path(state, ABLAK_LAYOUT_BOX_DOCUMENT);
  g_autofree char *request = ablak_layout_path(state, ABLAK_LAYOUT_EPOCH_REQUEST);
  if (!ablak_layout_write(path, text, strlen(text), 0600, error))
    return false;
  g_unlink(request);
  return true;
}

/* --- reading it back --- */

static json_t *read_document(const char *state)
{
  g_autofree char *path = ablak_layout_path(state, ABLAK_LAYOUT_BOX_DOCUMENT);
  g_autofree char *text = NULL;
  gsize size = 0;
  if (!g_file_get_contents(path, &text, &size, NULL))
    return NULL;
  return ablak_json_parse(text, size, NULL);
}

static X509 *read_own_certificate(const char *state, GError **error)
{
  g_autofree char *path = ablak_layout_path(state, ABLAK_LAYOUT_BOX_CERTIFICATE);
  g_autofree char *key_path = ablak_layout_path(state, ABLAK_LAYOUT_BOX_KEY);
  g_autofree char *next = ablak_layout_path(state, NEXT_KEY);
  g_autoptr(X509) certificate = ablak_x509_read_certificate(path, NULL);
  g_autoptr(EVP_PKEY) next_key = certificate != NULL ? ablak_x509_read_key(next, NULL) : NULL;
  if (next_key != NULL && X509_check_private_key(certificate, next_key) == 1 &&
      !finish_install(state, error))
    return NULL;
  g_autoptr(EVP_PKEY) key = ablak_x509_read_key(key_path, NULL);
  bool fits = certificate != NULL && key != NULL && X509_check_private_key(certificate, key) == 1;
  ERR_clear_error();
  if (fits)
    return g_steal_pointer(&certificate);
  ablak_error_set(error, ABLAK_ERROR_NOT_FOUND, "provisioning/not-enrolled",
                  "the box is not enrolled; run \"ablak enrol\" with a claim code");
  return NULL;
}

AblakIdentity *ablak_identity_load(const char *state, GError **error)
{
  g_autoptr(X509) certificate = read_own_certificate(state, error);
  if (certificate == NULL)
    return NULL;
  g_autoptr(json_t) document = read_document(state);
  if (document == NULL) {
    ablak_error_set(error, ABLAK_ERROR_NOT_FOUND, "provisioning/not-enrolled",
                    "enrolment was not finished; run \"ablak enrol\" again");
    return NULL;
  }
  AblakIdentity *identity = g_new0(AblakIdentity, 1);
  identity->box = g_strdup(ablak_json_get_string(document, "box"));
  identity->name = g_strdup(ablak_json_get_string(document, "name"));
  identity->office = g_strdup(ablak_json_get_string(document, "office"));
  identity->edition_key = g_strdup(ablak_json_get_string(document, "editionKey"));
  identity->epoch = ablak_json_get_int(document, "epoch", 0);
  identity->not_after_ms = ablak_x509_not_after_ms(certificate);
  json_t *hq = json_object_get(document, "hq");
  identity->hq = g_new0(char *, json_array_size(hq) + 1);
  for (gsize i = 0; i < json_array_size(hq); i++) {
    const char *address = json_string_value(json_array_get(hq, i));
    identity->hq[i] = g_strdup(address != NULL ? address : "");
  }
  g_autofree char *request = ablak_layout_path(state, ABLAK_LAYOUT_EPOCH_REQUEST);
  identity->epoch_request = g_file_test(request, G_FILE_TEST_EXISTS);
  return identity;
}

void ablak_identity_free(AblakIdentity *identity)
{
  if (identity == NULL)
    return;
  g_free(identity->box);
  g_free(identity->name);
  g_free(identity->office);
  g_free(identity->edition_key);
  g_strfreev(identity->hq);
  g_free(identity);
}

bool ablak_identity_renewal_due(const AblakIdentity *identity, gint64 now_ms)
{
  gint64 day_ms = G_GINT64_CONSTANT(86400000);
  return identity->not_after_ms - now_ms < ABLAK_CA_LEAF_DAYS * day_ms / 3;
}
