/* http/pages.h: static files, kept in memory and read again when they change on disk. */
#pragma once
#include <glib.h>
#include <stdbool.h>

typedef struct AblakPages AblakPages;

typedef struct {
  GBytes *bytes, *gzip; /* gzip: of the ".gz" beside it, or NULL */
  char *etag;           /* quoted */
  const char *media;
  bool immutable; /* its name holds its hash */
} AblakPage;

AblakPages *ablak_pages_new(const char *dir);
void ablak_pages_free(AblakPages *pages);
/* "/" is index.html; a path whose last segment has no extension is "<first segment>.html".
 * Borrowed until the next call; NULL when there is no such file. */
const AblakPage *ablak_pages_find(AblakPages *pages, const char *const *segments);
