/* Bytes written as hex digits; blanks are allowed. */
#pragma once
#include <glib.h>

GByteArray *hex(const char *text);
/* As one unbroken string. Free with g_free. */
char *to_hex(const guint8 *data, gsize size);
