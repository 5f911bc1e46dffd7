#include "core/error.h"

typedef struct {
  char *slug;
} AblakErrorPrivate;

static void ablak_error_private_init(AblakErrorPrivate *private)
{
  private->slug = NULL;
}

static void ablak_error_private_copy(const AblakErrorPrivate *source, AblakErrorPrivate *target)
{
  target->slug = g_strdup(source->slug);
}

static void ablak_error_private_clear(AblakErrorPrivate *private)
{
  g_free(private->slug);
}

G_DEFINE_EXTENDED_ERROR(AblakError, ablak_error)

void ablak_error_set(GError **error, AblakErrorCode code, const char *slug, const char *format, ...)
{
  if (error == NULL)
    return;
  g_return_if_fail(*error == NULL);
  va_list arguments;
  va_start(arguments, format);
  GError *made = g_error_new_valist(ABLAK_ERROR, (int)code, format, arguments);
  va_end(arguments);
  ablak_error_get_private(made)->slug = g_strdup(slug);
  *error = made;
}

const char *ablak_error_slug(const GError *error)
{
  if (error == NULL || error->domain != ABLAK_ERROR)
    return "internal";
  const char *slug = ablak_error_get_private(error)->slug;
  return slug != NULL ? slug : "internal";
}

unsigned ablak_error_status(const GError *error)
{
  static const unsigned statuses[] = {
      [ABLAK_ERROR_FAILED] = 500,          [ABLAK_ERROR_INVALID] = 400,
      [ABLAK_ERROR_UNAUTHENTICATED] = 401, [ABLAK_ERROR_FORBIDDEN] = 403,
      [ABLAK_ERROR_NOT_FOUND] = 404,       [ABLAK_ERROR_METHOD] = 405,
      [ABLAK_ERROR_CONFLICT] = 409,        [ABLAK_ERROR_GONE] = 410,
      [ABLAK_ERROR_LENGTH_REQUIRED] = 411, [ABLAK_ERROR_TOO_LARGE] = 413,
      [ABLAK_ERROR_UNSUPPORTED] = 415,     [ABLAK_ERROR_UNPROCESSABLE] = 422,
      [ABLAK_ERROR_RATE_LIMITED] = 429,    [ABLAK_ERROR_UNAVAILABLE] = 503,
  };
  if (error == NULL || error->domain != ABLAK_ERROR || error->code < 0 ||
      (gsize)error->code >= G_N_ELEMENTS(statuses))
    return 500;
  return statuses[error->code];
}
