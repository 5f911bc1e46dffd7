/* core/id.h: identifiers and secrets. Threads: any. Free results with g_free. */
#pragma once
#include <glib.h>
#include <stdbool.h>

#define ABLAK_ID_LENGTH 36

/* A UUIDv7 (RFC 9562 §5.7) in lower case; later ids of one process sort after earlier ones. */
char *ablak_id_new(void);
bool ablak_id_is_valid(const char *text);

/* `bytes` random bytes as base64url without padding. */
char *ablak_secret_new(gsize bytes);
/* `digits` random decimal digits (at most 18), uniform. */
char *ablak_digits_new(unsigned digits);
