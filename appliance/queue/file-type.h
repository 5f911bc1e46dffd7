/* queue/file-type.h: what a file that came from outside really is, by its bytes and never by its
 * name. Threads: any. */
#pragma once
#include <glib.h>

/* "image/jpeg", "image/png" or "application/pdf"; NULL for anything else, and for a beginning or a
 * rest of one of these. The file's structure is followed from its first byte to its last; what is
 * in the pictures and pages is the viewer's affair. Static text. */
const char *ablak_file_type(const guint8 *bytes, gsize size);
