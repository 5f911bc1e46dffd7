/* Replays a history: ydoc-replay [--json] FILE
 *
 * FILE holds update format v1 updates, each behind its length as a varint. They are applied to one
 * document, one by one; then its snapshot is loaded into another. Prints one JSON line of figures,
 * or with --json the document's JSON. peak_bytes is what the process grew by while it worked. */
#include "forms/coedit/ydoc.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

typedef struct {
  const guint8 *at, *end;
} Input;

static bool next_update(Input *input, const guint8 **ret_data, gsize *ret_size)
{
  guint64 size = 0;
  for (unsigned shift = 0; shift < 63; shift += 7) {
    if (input->at == input->end)
      return false;
    guint8 byte = *input->at++;
    size |= (guint64)(byte & 0x7f) << shift;
    if (byte < 0x80)
      break;
  }
  if (size > (guint64)(input->end - input->at))
    return false;
  *ret_data = input->at;
  *ret_size = size;
  input->at += size;
  return true;
}

static gint64 peak_bytes(void)
{
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024;
}

static void fail(const char *what, const char *why)
{
  fprintf(stderr, "ydoc-replay: %s: %s\n", what, why);
  exit(1);
}

static guint64 apply_all(AblakYdoc *doc, Input input)
{
  g_autoptr(GError) error = NULL;
  const guint8 *data;
  gsize size;
  guint64 count = 0;
  for (; next_update(&input, &data, &size); count++) {
    if (!ablak_ydoc_apply(doc, data, size, 0, 0, NULL, &error))
      fail("an update", error->message);
  }
  return count;
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
    fail("the snapshot", error->message);
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
    fail("usage", "ydoc-replay [--json] FILE");
  g_autoptr(GError) error = NULL;
  g_autoptr(GMappedFile) file = g_mapped_file_new(argv[argc - 1], FALSE, &error);
  if (file == NULL)
    fail(argv[argc - 1], error->message);
  const guint8 *content = (const guint8 *)g_mapped_file_get_contents(file);
  volatile guint8 sum = 0; /* the file's own pages are not the document's */
  for (gsize i = 0; i < g_mapped_file_get_length(file); i += 512)
    sum = (guint8)(sum + content[i]);
  gint64 before = peak_bytes();
  AblakYdocOptions options = {.max_bytes = 1 << 30};
  g_autoptr(AblakYdoc) doc = ablak_ydoc_new(&options);
  gint64 start = g_get_monotonic_time();
  guint64 count = apply_all(doc, (Input){content, content + g_mapped_file_get_length(file)});
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
