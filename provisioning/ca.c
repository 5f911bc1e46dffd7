#include "provisioning/ca.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/id.h"
#include "provisioning/ca-private.h"
#include "provisioning/layout.h"
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#define DAY_S (24 * 60 * 60)
#define ROOT_DAYS (20 * 366)
/* A box's clock may be off at its first boot; certificates begin a day before they are made. */
#define BACKDATE_DAYS 1
#define SERVER_RENEW_DAYS 30

struct AblakCa {
  char *dir;
  EVP_PKEY *key;
  X509 *root;
  char *fingerprint;
};

static bool fail(GError **error, const char *what)
{
  char reason[160];
  ERR_error_string_n(ERR_peek_last_error(), reason, sizeof reason);
  ERR_clear_error();
  ablak_error_set(error, ABLAK_ERROR_FAILED, "provisioning/ca", "%s: %s", what, reason);
  return false;
}

/* --- building certificates ---------------------------------------------------------------------
 */

static bool set_validity(X509 *certificate, gint64 now_ms, int days)
{
  time_t now = (time_t)(now_ms / 1000);
  return X509_time_adj_ex(X509_getm_notBefore(certificate), -BACKDATE_DAYS, 0, &now) != NULL &&
         X509_time_adj_ex(X509_getm_notAfter(certificate), days, 0, &now) != NULL;
}

/* 127 random bits, positive and at most 20 octets (RFC 5280 §4.1.2.2). */
static bool set_serial(X509 *certificate)
{
  BIGNUM *number = BN_new();
  bool ok = number != NULL && BN_rand(number, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
            BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
  BN_free(number);
  return ok;
}

static bool set_common_name(X509 *certificate, const char *name)
{
  X509_NAME *subject = X509_get_subject_name(certificate);
  return X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8, (const unsigned char *)"Ablak", -1,
                                    -1, 0) == 1 &&
         X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1,
                                    -1, 0) == 1;
}

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
  bool ok = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return ok;
}

static X509 *certificate_new(EVP_PKEY *key, const char *name, gint64 now_ms, int days)
{
  g_autoptr(X509) certificate = X509_new();
  if (certificate == NULL || X509_set_version(certificate, X509_VERSION_3) != 1 ||
      !set_serial(certificate) || !set_validity(certificate, now_ms, days) ||
      !set_common_name(certificate, name) || X509_set_pubkey(certificate, key) != 1)
    return NULL;
  return g_steal_pointer(&certificate);
}

static X509 *root_new(EVP_PKEY *key)
{
  g_autofree char *digits = ablak_digits_new(6);
  g_autofree char *name = g_strdup_printf("Ablak headquarters %s", digits);
  g_autoptr(X509) root = certificate_new(key, name, ablak_clock_wall_ms(), ROOT_DAYS);
  if (root == NULL || X509_set_issuer_name(root, X509_get_subject_name(root)) != 1 ||
      !add_extension(root, root, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !add_extension(root, root, NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !add_extension(root, root, NID_subject_key_identifier, "hash") ||
      X509_sign(root, key, EVP_sha256()) == 0)
    return NULL;
  return g_steal_pointer(&root);
}

static X509 *leaf_new(AblakCa *ca, EVP_PKEY *key, const char *name, const char *usage,
                      const char *alternative_names, gint64 now_ms)
{
  g_autoptr(X509) leaf = certificate_new(key, name, now_ms, ABLAK_CA_LEAF_DAYS);
  if (leaf == NULL || X509_set_issuer_name(leaf, X509_get_subject_name(ca->root)) != 1 ||
      !add_extension(leaf, ca->root, NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(leaf, ca->root, NID_key_usage, "critical,digitalSignature") ||
      !add_extension(leaf, ca->root, NID_ext_key_usage, usage) ||
      !add_extension(leaf, ca->root, NID_subject_key_identifier, "hash") ||
      !add_extension(leaf, ca->root, NID_authority_key_identifier, "keyid:always") ||
      (alternative_names != NULL &&
       !add_extension(leaf, ca->root, NID_subject_alt_name, alternative_names)) ||
      X509_sign(leaf, ca->key, EVP_sha256()) == 0)
    return NULL;
  return g_steal_pointer(&leaf);
}

/* --- opening ------------------------------------------------------------------------------------
 */

static bool load(AblakCa *ca, const char *key_path, const char *root_path, GError **error)
{
  ca->key = ablak_x509_read_key(key_path, error);
  if (ca->key == NULL)
    return false;
  ca->root = ablak_x509_read_certificate(root_path, error);
  if (ca->root == NULL)
    return false;
  if (X509_check_private_key(ca->root, ca->key) == 1)
    return true;
  ERR_clear_error();
  ablak_error_set(error, ABLAK_ERROR_FAILED, "provisioning/ca",
                  "ca.key and ca.crt do not belong together; restore both from a backup");
  return false;
}

static bool create(AblakCa *ca, const char *key_path, const char *root_path, GError **error)
{
  ca->key = EVP_EC_gen("P-256");
  ca->root = ca->key != NULL ? root_new(ca->key) : NULL;
  if (ca->root == NULL)
    return fail(error, "cannot make the authority");
  X509 *chain[] = {ca->root, NULL};
  /* The key last: a crash in between leaves a certificate that nothing was signed with. */
  return ablak_x509_write_chain(root_path, chain, error) &&
         ablak_x509_write_key(key_path, ca->key, error);
}

AblakCa *ablak_ca_open(const char *dir, GError **error)
{
  g_autoptr(AblakCa) ca = g_new0(AblakCa, 1);
  ca->dir = g_strdup(dir);
  g_autofree char *key_path = g_build_filename(dir, "ca.key", NULL);
  g_autofree char *root_path = g_build_filename(dir, "ca.crt", NULL);
  bool known = g_file_test(key_path, G_FILE_TEST_EXISTS);
  if (!(known ? load : create)(ca, key_path, root_path, error))
    return NULL;
  g_autoptr(GBytes) der = ablak_ca_certificate(ca);
  ca->fingerprint = ablak_sha256_hex(g_bytes_get_data(der, NULL), g_bytes_get_size(der));
  g_autofree char *crl_path = g_build_filename(dir, "crl.pem", NULL);
  if (!g_file_test(crl_path, G_FILE_TEST_EXISTS)) {
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    if (!ablak_ca_write_crl(ca, none, ablak_clock_wall_ms(), error))
      return NULL;
  }
  return g_steal_pointer(&ca);
}

void ablak_ca_free(AblakCa *ca)
{
  if (ca == NULL)
    return;
  EVP_PKEY_free(ca->key);
  X509_free(ca->root);
  g_free(ca->fingerprint);
  g_free(ca->dir);
  g_free(ca);
}

const char *ablak_ca_fingerprint(const AblakCa *ca)
{
  return ca->fingerprint;
}

GBytes *ablak_ca_certificate(const AblakCa *ca)
{
  return ablak_x509_der(ca->root);
}

EVP_PKEY *ablak_ca_key(AblakCa *ca)
{
  return ca->key;
}

X509 *ablak_ca_root(AblakCa *ca)
{
  return ca->root;
}

const char *ablak_ca_dir(const AblakCa *ca)
{
  return ca->dir;
}

/* --- issuing ------------------------------------------------------------------------------------
 */

static bool is_address(const char *name)
{
  unsigned char buffer[sizeof(struct in6_addr)];
  return inet_pton(AF_INET, name, buffer) == 1 || inet_pton(AF_INET6, name, buffer) == 1;
}

static bool names_match(X509 *certificate, const char *const *names)
{
  for (; *names != NULL; names++) {
    int found = is_address(*names) ? X509_check_ip_asc(certificate, *names, 0)
                                   : X509_check_host(certificate, *names, strlen(*names), 0, NULL);
    if (found != 1)
      return false;
  }
  return true;
}

static bool server_is_good(AblakCa *ca, const char *key_path, const char *path,
                           const char *const *names, gint64 now_ms)
{
  g_autoptr(EVP_PKEY) key = ablak_x509_read_key(key_path, NULL);
  g_autoptr(X509) leaf = ablak_x509_read_certificate(path, NULL);
  if (key == NULL || leaf == NULL || X509_check_private_key(leaf, key) != 1 ||
      X509_verify(leaf, ca->key) != 1) {
    ERR_clear_error();
    return false;
  }
  time_t soon = (time_t)(now_ms / 1000) + (time_t)SERVER_RENEW_DAYS * DAY_S;
  return X509_cmp_time(X509_get0_notAfter(leaf), &soon) > 0 && names_match(leaf, names);
}

bool ablak_ca_ensure_server(AblakCa *ca, const char *const *names, gint64 now_ms, GError **error)
{
  g_autofree char *key_path = g_build_filename(ca->dir, "server.key", NULL);
  g_autofree char *path = g_build_filename(ca->dir, "server.crt", NULL);
  if (server_is_good(ca, key_path, path, names, now_ms))
    return true;
  g_autoptr(GString) alternative = g_string_new(NULL);
  for (const char *const *name = names; *name != NULL; name++) {
    /* The value is parsed by OpenSSL: a comma or colon would smuggle in other names. */
    if (!is_address(*name) && strspn(*name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                            "0123456789.-") != strlen(*name)) {
      ablak_error_set(error, ABLAK_ERROR_INVALID, "provisioning/bad-name",
                      "\"%s\" is neither a DNS name nor an IP address", *name);
      return false;
    }
    g_string_append_printf(alternative, "%s%s:%s", alternative->len > 0 ? "," : "",
                           is_address(*name) ? "IP" : "DNS", *name);
  }
  g_autoptr(EVP_PKEY) key = EVP_EC_gen("P-256");
  g_autoptr(X509) leaf =
      key != NULL ? leaf_new(ca, key, names[0], "serverAuth", alternative->str, now_ms) : NULL;
  if (leaf == NULL)
    return fail(error, "cannot issue the server certificate");
  X509 *chain[] = {leaf, ca->root, NULL};
  return ablak_x509_write_key(key_path, key, error) && ablak_x509_write_chain(path, chain, error);
}

bool ablak_ca_issue_client(AblakCa *ca, const AblakCsr *csr, const char *box, gint64 now_ms,
                           AblakCertificate *ret_certificate, GError **error)
{
  if (strcmp(ablak_csr_common_name(csr), box) != 0) {
    ablak_error_set(error, ABLAK_ERROR_INVALID, "provisioning/bad-request",
                    "the certificate request is for another box");
    return false;
  }
  g_autoptr(X509) leaf = leaf_new(ca, ablak_csr_key(csr), box, "clientAuth", NULL, now_ms);
  if (leaf == NULL)
    return fail(error, "cannot issue a client certificate");
  ret_certificate->der = ablak_x509_der(leaf);
  ret_certificate->serial = ablak_x509_serial(leaf);
  ret_certificate->sha256 = ablak_sha256_hex(g_bytes_get_data(ret_certificate->der, NULL),
                                             g_bytes_get_size(ret_certificate->der));
  ret_certificate->not_after_ms = ablak_x509_not_after_ms(leaf);
  return true;
}

void ablak_certificate_clear(AblakCertificate *certificate)
{
  g_clear_pointer(&certificate->der, g_bytes_unref);
  g_clear_pointer(&certificate->serial, g_free);
  g_clear_pointer(&certificate->sha256, g_free);
}
