/* Replays a history: ydoc-replay [--json] FILE
 *
 * FILE holds update format v1 updates, each behind its length as a varint. They are applied to one
 * document, one by one; then its snapshot is loaded into another. Prints one JSON line of figures,
 * or with --json the document's JSON. peak_bytes is what the process grew by while it worked. */
#include "forms/coedit/ydoc.h"
#include "history.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static gint64 peak_bytes(void)
{
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024;
}

G_GNUC_PRINTF(1, 2) static void fail(const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  fputs("ydoc-replay: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  exit(1);
}

static guint64 apply_all(AblakYdoc *doc, const guint8 *content, gsize length)
{
  g_autoptr(GError) error = NULL;
  History history = {content, content + length};
  guint64 count = 0;
  for (;; count++) {
    const guint8 *data, *start = history.at;
    gsize size;
    switch (history_next(&history, &data, &size)) {
    case HISTORY_END:
      return count;
    case HISTORY_TRUNCATED:
      fail("the file is cut short in update %" G_GUINT64_FORMAT ", at byte %zu", count + 1,
           (gsize)(start - content));
      break;
    case HISTORY_UPDATE:
      if (!ablak_ydoc_apply(doc, data, size, 0, 0, NULL, &error))
        fail("update %" G_GUINT64_FORMAT ", at byte %zu: %s", count + 1, (gsize)(data - content),
             error->message);
    }
  }
}

static double measure_load(GBytes *snapshot)
{
  AblakYdocOptions options = {.max_bytes = 1 << 30};
  g_autoptr(GError) error = NULL;
  gsize size;
  const void *data = g_bytes_get_data(snapshot, &size);
  gint64 start = g_get_monotonic_time();
  g_autoptr(AblakYdoc) copy = ablak_ydoc_new(&options);
  if (!ablak_ydoc_apply(copy, data, size, 0, 0, NULL, &error))
    fail("the snapshot: %s", error->message);
  return (double)(g_get_monotonic_time() - start) / 1000.0;
}

static void print_json(const AblakYdoc *doc)
{
  json_t *value = ablak_ydoc_json(doc);
  json_dumpf(value, stdout, JSON_COMPACT);
  putchar('\n');
  json_decref(value);
}

int main(int argc, char **argv)
{
  bool json = argc == 3 && g_str_equal(argv[1], "--json");
  if (argc != (json ? 3 : 2))
    fail("usage: ydoc-replay [--json] FILE");
  g_autoptr(GError) error = NULL;
  g_autoptr(GMappedFile) file = g_mapped_file_new(argv[argc - 1], FALSE, &error);
  if (file == NULL)
    fail("%s", error->message);
  const guint8 *content = (const guint8 *)g_mapped_file_get_contents(file);
  volatile guint8 sum = 0; /* the file's own pages are not the document's */
  for (gsize i = 0; i < g_mapped_file_get_length(file); i += 512)
    sum = (guint8)(sum + content[i]);
  gint64 before = peak_bytes();
  AblakYdocOptions options = {.max_bytes = 1 << 30};
  g_autoptr(AblakYdoc) doc = ablak_ydoc_new(&options);
  gint64 start = g_get_monotonic_time();
  guint64 count = apply_all(doc, content, g_mapped_file_get_length(file));
  double apply_ms = (double)(g_get_monotonic_time() - start) / 1000.0;
  if (json) {
    print_json(doc);
    return 0;
  }
  g_autoptr(GBytes) snapshot = ablak_ydoc_encode(doc, NULL, 0, NULL);
  double load_ms = measure_load(snapshot);
  printf("{\"updates\":%" G_GUINT64_FORMAT ",\"apply_ms\":%.1f,\"snapshot_bytes\":%" G_GSIZE_FORMAT
         ",\"load_ms\":%.2f,\"peak_bytes\":%" G_GINT64_FORMAT "}\n",
         count, apply_ms, g_bytes_get_size(snapshot), load_ms, peak_bytes() - before);
  return 0;
}
