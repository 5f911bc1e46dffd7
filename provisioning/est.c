#include "provisioning/est.h"
#include "core/error.h"
#include <openssl/err.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>
#include <string.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(PKCS7, PKCS7_free)

static void bad(GError **error, const char *slug, const char *why)
{
  ERR_clear_error();
  ablak_error_set(error, ABLAK_ERROR_INVALID, slug, "%s", why);
}

/* GLib's decoder skips what it does not know; here that is an error. */
static GBytes *base64_strict(const void *body, gsize size)
{
  const char *in = body;
  g_autoptr(GString) text = g_string_sized_new(size + 1);
  for (gsize i = 0; i < size; i++) {
    if (g_ascii_isspace(in[i]))
      continue;
    if (!g_ascii_isalnum(in[i]) && in[i] != '+' && in[i] != '/' && in[i] != '=')
      return NULL;
    g_string_append_c(text, in[i]);
  }
  gsize padding = text->len - strcspn(text->str, "=");
  if (text->len == 0 || text->len % 4 != 0 || padding > 2 ||
      strspn(text->str + text->len - padding, "=") != padding)
    return NULL;
  gsize length = 0;
  guchar *bytes = g_base64_decode(text->str, &length);
  return g_bytes_new_take(bytes, length);
}

static GBytes *base64_lines(const guchar *data, gsize size)
{
  g_autofree char *flat = g_base64_encode(data, size);
  GString *lines = g_string_new(NULL);
  for (const char *at = flat; *at != '\0'; at += strnlen(at, 64)) {
    g_string_append_len(lines, at, (gssize)strnlen(at, 64));
    g_string_append_c(lines, '\n');
  }
  return g_string_free_to_bytes(lines);
}

GBytes *ablak_est_request_decode(const void *body, gsize size, GError **error)
{
  GBytes *der = size <= ABLAK_EST_REQUEST_MAX ? base64_strict(body, size) : NULL;
  if (der == NULL)
    bad(error, "provisioning/bad-request", "the body is not base64 of a certificate request");
  return der;
}

GBytes *ablak_est_request_encode(GBytes *der)
{
  gsize size = 0;
  const guchar *data = g_bytes_get_data(der, &size);
  return base64_lines(data, size);
}

static bool add_certificate(STACK_OF(X509) * stack, GBytes *der)
{
  gsize size = 0;
  const unsigned char *at = g_bytes_get_data(der, &size);
  X509 *certificate = d2i_X509(NULL, &at, (long)size);
  if (certificate == NULL)
    return false;
  if (sk_X509_push(stack, certificate) > 0)
    return true;
  X509_free(certificate);
  return false;
}

/* A degenerate SignedData: no content, no signers (RFC 5652 §10.2.1). */
GBytes *ablak_est_answer_encode(const GPtrArray *certificates, GError **error)
{
  g_autoptr(PKCS7) p7 = PKCS7_new();
  bool ok = p7 != NULL && PKCS7_set_type(p7, NID_pkcs7_signed) == 1;
  if (ok) {
    p7->d.sign->contents->type = OBJ_nid2obj(NID_pkcs7_data);
    p7->d.sign->cert = sk_X509_new_null();
    ok = p7->d.sign->cert != NULL;
  }
  for (guint i = 0; ok && i < certificates->len; i++)
    ok = add_certificate(p7->d.sign->cert, g_ptr_array_index(certificates, i));
  unsigned char *der = NULL;
  int size = ok ? i2d_PKCS7(p7, &der) : -1;
  if (size <= 0) {
    ERR_clear_error();
    ablak_error_set(error, ABLAK_ERROR_FAILED, "provisioning/ca", "cannot make a PKCS#7 answer");
    return NULL;
  }
  GBytes *body = base64_lines(der, (gsize)size);
  OPENSSL_free(der);
  return body;
}

static GPtrArray *certificates_of(PKCS7 *p7)
{
  if (!PKCS7_type_is_signed(p7) || p7->d.sign == NULL || p7->d.sign->cert == NULL)
    return NULL;
  g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  for (int i = 0; i < sk_X509_num(p7->d.sign->cert); i++) {
    unsigned char *der = NULL;
    int size = i2d_X509(sk_X509_value(p7->d.sign->cert, i), &der);
    if (size <= 0)
      return NULL;
    g_ptr_array_add(list, g_bytes_new(der, (gsize)size));
    OPENSSL_free(der);
  }
  return list->len > 0 ? g_steal_pointer(&list) : NULL;
}

GPtrArray *ablak_est_answer_decode(const void *body, gsize size, GError **error)
{
  g_autoptr(GBytes) der = size <= 256 * 1024 ? base64_strict(body, size) : NULL;
  g_autoptr(PKCS7) p7 = NULL;
  if (der != NULL) {
    gsize length = 0;
    const unsigned char *at = g_bytes_get_data(der, &length);
    p7 = d2i_PKCS7(NULL, &at, (long)length);
  }
  GPtrArray *list = p7 != NULL ? certificates_of(p7) : NULL;
  if (list == NULL)
    bad(error, "provisioning/bad-answer", "the answer is not a certs-only PKCS#7");
  return list;
}

bool ablak_est_basic(const char *authorization, char **ret_user, char **ret_password,
                     GError **error)
{
  g_autoptr(GBytes) plain = NULL;
  if (authorization != NULL && g_ascii_strncasecmp(authorization, "Basic ", 6) == 0 &&
      strlen(authorization) < 1024)
    plain = base64_strict(authorization + 6, strlen(authorization + 6));
  gsize size = 0;
  const char *data = plain != NULL ? g_bytes_get_data(plain, &size) : NULL;
  const char *colon = data != NULL ? memchr(data, ':', size) : NULL;
  if (colon == NULL || memchr(data, 0, size) != NULL) {
    ablak_error_set(error, ABLAK_ERROR_UNAUTHENTICATED, "provisioning/claim-unknown",
                    "no box id and claim code in the Authorization header");
    return false;
  }
  *ret_user = g_strndup(data, (gsize)(colon - data));
  *ret_password = g_strndup(colon + 1, size - (gsize)(colon + 1 - data));
  return true;
}

char *ablak_est_basic_encode(const char *user, const char *password)
{
  g_autofree char *plain = g_strconcat(user, ":", password, NULL);
  g_autofree char *text = g_base64_encode((const guchar *)plain, strlen(plain));
  return g_strconcat("Basic ", text, NULL);
}
