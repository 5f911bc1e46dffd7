/* provisioning/est.h: the bodies of Enrollment over Secure Transport (RFC 7030, RFC 8951).
 *
 * Requests are base64 of a PKCS#10; answers are base64 of a certs-only PKCS#7 (RFC 5652 §10.2.1).
 * Everything here takes and returns bytes; routes belong to the daemon. Threads: any.
 * Errors: ABLAK_ERROR_INVALID "provisioning/bad-request" or, at the box,
 * "provisioning/bad-answer". */
#pragma once
#include <glib.h>
#include <stdbool.h>

#define ABLAK_EST_MEDIA_REQUEST "application/pkcs10"
#define ABLAK_EST_MEDIA_CERTIFICATES "application/pkcs7-mime; smime-type=certs-only"
/* Larger request bodies are not read (the routes' body limit). */
#define ABLAK_EST_REQUEST_MAX (32 * 1024)

/* base64 -> DER. White space is allowed anywhere (RFC 8951 §3.1), anything else is refused. */
GBytes *ablak_est_request_decode(const void *body, gsize size,
                                 GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* DER -> base64 in lines of 64. */
GBytes *ablak_est_request_encode(GBytes *der);

/* `certificates`: GBytes with DER. */
GBytes *ablak_est_answer_encode(const GPtrArray *certificates,
                                GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The DER certificates (GBytes) of an answer, in its order; at least one. */
GPtrArray *ablak_est_answer_decode(const void *body, gsize size,
                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* HTTP Basic credentials (RFC 7617) from the Authorization header's value. */
bool ablak_est_basic(const char *authorization, char **ret_user, char **ret_password,
                     GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* "Basic …" for the client. Free with g_free. */
char *ablak_est_basic_encode(const char *user, const char *password);
