/* provisioning/x509.h: private to the folder: PEM files and clean-ups around OpenSSL. */
#pragma once
#include <glib.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509, X509_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_PKEY, EVP_PKEY_free)

EVP_PKEY *ablak_x509_read_key(const char *path, GError **error);
/* The file's first certificate. */
X509 *ablak_x509_read_certificate(const char *path, GError **error);
bool ablak_x509_write_key(const char *path, EVP_PKEY *key, GError **error);
/* `chain` ends with NULL; the leaf first. */
bool ablak_x509_write_chain(const char *path, X509 *const *chain, GError **error);

GBytes *ablak_x509_der(X509 *certificate);
X509 *ablak_x509_parse(GBytes *der);
char *ablak_x509_serial(X509 *certificate);
gint64 ablak_x509_not_after_ms(X509 *certificate);
