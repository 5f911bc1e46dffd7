/* core/error.h: one error domain for the whole house.
 *
 * Purpose: every fallible function takes a `GError **` last. An error carries a code, which
 * decides the HTTP status, and a slug, which is stable, documented and translated: the `type` of
 * the RFC 9457 problem document is "/problems/<slug>" and the message catalogue has the key
 * "problem.<slug>". The English message is for the log; it must not hold personal data.
 *
 * Ownership: as GError. Threads: any. */
#pragma once
#include <glib.h>
#include <stdbool.h>

typedef enum {
  ABLAK_ERROR_FAILED,          /* 500: a fault of ours */
  ABLAK_ERROR_INVALID,         /* 400: the request cannot be read */
  ABLAK_ERROR_UNAUTHENTICATED, /* 401 */
  ABLAK_ERROR_FORBIDDEN,       /* 403 */
  ABLAK_ERROR_NOT_FOUND,       /* 404 */
  ABLAK_ERROR_METHOD,          /* 405 */
  ABLAK_ERROR_CONFLICT,        /* 409: the state does not allow it */
  ABLAK_ERROR_GONE,            /* 410: expired or already used */
  ABLAK_ERROR_LENGTH_REQUIRED, /* 411 */
  ABLAK_ERROR_TOO_LARGE,       /* 413 */
  ABLAK_ERROR_UNSUPPORTED,     /* 415 */
  ABLAK_ERROR_UNPROCESSABLE,   /* 422: readable, but breaks its schema */
  ABLAK_ERROR_RATE_LIMITED,    /* 429 */
  ABLAK_ERROR_UNAVAILABLE,     /* 503: try again later */
} AblakErrorCode;

#define ABLAK_ERROR (ablak_error_quark())
GQuark ablak_error_quark(void);

/* Sets *error (when error is not NULL). `slug` is copied: lower case, digits, '-' and one '/'
 * after the area, e.g. "queue/nobody-waiting". */
void ablak_error_set(GError **error, AblakErrorCode code, const char *slug, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

/* The slug of an error of this domain; "internal" for an error of any other domain. */
const char *ablak_error_slug(const GError *error);

/* The HTTP status of an error: by its code, 500 for any other domain. */
unsigned ablak_error_status(const GError *error);
