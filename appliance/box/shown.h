/* box/shown.h: how an invitation is shown to people. Threads: any. */
#pragma once
#include "core/json.h"

/* {"size", "path"}: a QR code (ISO/IEC 18004, error correction M) as an SVG path. New reference. */
json_t *ablak_shown_qr(const char *text, GError **error);
/* "1234 5678": two groups of four are said and typed in one breath; "" for NULL. Free with g_free.
 */
char *ablak_shown_code(const char *code);
