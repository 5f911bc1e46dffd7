/* Figures of the engine on a history: coedit-measure [--forms COUNT] HISTORY
 *                        or on edits: coedit-measure --typing EDITS
 *
 * Prints one JSON line: times are medians of several rounds in one warm process, memory is what
 * malloc holds for one document, or for each of COUNT documents. */
#include "forms/coedit/ydoc.h"
#include "history.h"
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 9

typedef struct {
  History history;
  guint count;
  GBytes *snapshot;
  GBytes *early; /* the state vector when 99 of 100 updates had come */
} Bench;

static gint64 live_bytes(void)
{
  struct mallinfo2 info = mallinfo2();
  return (gint64)(info.uordblks + info.hblkhd);
}

static int compare_times(const void *a, const void *b)
{
  double one = *(const double *)a, other = *(const double *)b;
  return one < other ? -1 : one > other;
}

static double elapsed_ms(gint64 start)
{
  return (double)(g_get_monotonic_time() - start) / 1000.0;
}

static AblakYdoc *new_doc(void)
{
  AblakYdocOptions options = {.max_bytes = 1 << 30};
  return ablak_ydoc_new(&options);
}

static void apply(AblakYdoc *doc, const void *data, gsize size)
{
  g_autoptr(GError) error = NULL;
  if (!ablak_ydoc_apply(doc, data, size, 0, 0, NULL, &error))
    g_error("an update: %s", error->message);
}

static AblakYdoc *loaded(const Bench *bench)
{
  AblakYdoc *doc = new_doc();
  gsize size;
  const void *data = g_bytes_get_data(bench->snapshot, &size);
  apply(doc, data, size);
  return doc;
}

static AblakYdoc *replayed(const Bench *bench)
{
  AblakYdoc *doc = new_doc();
  History history = bench->history;
  const guint8 *data;
  gsize size;
  while (history_next(&history, &data, &size) == HISTORY_UPDATE)
    apply(doc, data, size);
  return doc;
}

static void prepare(Bench *bench)
{
  g_autoptr(AblakYdoc) doc = new_doc();
  History history = bench->history;
  const guint8 *data;
  gsize size;
  while (history_next(&history, &data, &size) == HISTORY_UPDATE)
    bench->count++;
  history = bench->history;
  for (guint i = 0; history_next(&history, &data, &size) == HISTORY_UPDATE; i++) {
    if (i == bench->count - bench->count / 100)
      bench->early = ablak_ydoc_state_vector(doc);
    apply(doc, data, size);
  }
  if (bench->early == NULL)
    bench->early = ablak_ydoc_state_vector(doc);
  bench->snapshot = ablak_ydoc_encode(doc, NULL, 0, NULL);
}

static double measure_apply(const Bench *bench)
{
  double times[3];
  for (guint i = 0; i < G_N_ELEMENTS(times); i++) {
    gint64 start = g_get_monotonic_time();
    AblakYdoc *doc = replayed(bench);
    times[i] = elapsed_ms(start);
    ablak_ydoc_free(doc);
  }
  qsort(times, G_N_ELEMENTS(times), sizeof *times, compare_times);
  return times[1];
}

static double measure_load(const Bench *bench)
{
  double times[ROUNDS];
  for (guint i = 0; i < ROUNDS; i++) {
    gint64 start = g_get_monotonic_time();
    AblakYdoc *doc = loaded(bench);
    times[i] = elapsed_ms(start);
    ablak_ydoc_free(doc);
  }
  qsort(times, ROUNDS, sizeof *times, compare_times);
  return times[ROUNDS / 2];
}

static double measure_encode(const AblakYdoc *doc, GBytes *vector)
{
  enum { REPEAT = 20 };
  double times[ROUNDS];
  gsize size;
  const void *data = g_bytes_get_data(vector, &size);
  for (guint i = 0; i < ROUNDS; i++) {
    gint64 start = g_get_monotonic_time();
    for (guint k = 0; k < REPEAT; k++) {
      GBytes *update = ablak_ydoc_encode(doc, data, size, NULL);
      g_bytes_unref(update);
    }
    times[i] = elapsed_ms(start) / REPEAT;
  }
  qsort(times, ROUNDS, sizeof *times, compare_times);
  return times[ROUNDS / 2];
}

static void measure_one(Bench *bench)
{
  gint64 before = live_bytes();
  g_autoptr(AblakYdoc) doc = replayed(bench);
  gint64 replayed_bytes = live_bytes() - before;
  before = live_bytes();
  g_autoptr(AblakYdoc) copy = loaded(bench);
  gint64 loaded_bytes = live_bytes() - before;
  g_autoptr(GBytes) nothing = g_bytes_new_static("\0", 1);
  g_autoptr(GBytes) now = ablak_ydoc_state_vector(doc);
  printf("{\"updates\":%u,\"snapshot_bytes\":%zu,\"apply_ms\":%.2f,\"load_ms\":%.3f,"
         "\"encode_all_ms\":%.4f,\"encode_some_ms\":%.4f,\"encode_none_ms\":%.4f,"
         "\"replayed_bytes\":%" G_GINT64_FORMAT ",\"loaded_bytes\":%" G_GINT64_FORMAT "}\n",
         bench->count, g_bytes_get_size(bench->snapshot), measure_apply(bench), measure_load(bench),
         measure_encode(copy, nothing), measure_encode(copy, bench->early),
         measure_encode(copy, now), replayed_bytes, loaded_bytes);
}

static gint64 bytes_of_many(const Bench *bench, guint count, AblakYdoc *(*make)(const Bench *))
{
  g_autofree AblakYdoc **docs = g_new(AblakYdoc *, count);
  gint64 before = live_bytes();
  for (guint i = 0; i < count; i++)
    docs[i] = make(bench);
  gint64 bytes = live_bytes() - before;
  for (guint i = 0; i < count; i++)
    ablak_ydoc_free(docs[i]);
  return bytes / count;
}

typedef struct {
  guint64 at, deleted;
  const char *text;
} Edit;

static GArray *read_edits(char *lines)
{
  GArray *edits = g_array_new(FALSE, FALSE, sizeof(Edit));
  while (*lines != '\0') {
    Edit edit;
    char *end = strchr(lines, '\n');
    *end = '\0';
    edit.at = g_ascii_strtoull(lines, &lines, 10);
    edit.deleted = g_ascii_strtoull(lines + 1, &lines, 10);
    edit.text = lines + 1;
    g_array_append_val(edits, edit);
    lines = end + 1;
  }
  return edits;
}

/* Edits of our own, each a transaction with its update. */
static void type_all(const GArray *edits)
{
  g_autoptr(AblakYdoc) doc = new_doc();
  AblakYtype *text = ablak_ydoc_root(doc, "text");
  for (guint i = 0; i < edits->len; i++) {
    const Edit *edit = &g_array_index(edits, Edit, i);
    ablak_ydoc_begin(doc);
    if (!(edit->deleted > 0 ? ablak_ytext_delete(text, edit->at, edit->deleted, NULL)
                            : ablak_ytext_insert(text, edit->at, edit->text, NULL)))
      g_error("edit %u does not fit", i);
    g_bytes_unref(ablak_ydoc_commit(doc));
  }
}

static void measure_typing(const char *file)
{
  g_autofree char *lines = NULL;
  g_autoptr(GError) error = NULL;
  double times[3];
  if (!g_file_get_contents(file, &lines, NULL, &error))
    g_error("%s", error->message);
  g_autoptr(GArray) edits = read_edits(lines);
  for (guint i = 0; i < G_N_ELEMENTS(times); i++) {
    gint64 start = g_get_monotonic_time();
    type_all(edits);
    times[i] = elapsed_ms(start);
  }
  qsort(times, G_N_ELEMENTS(times), sizeof *times, compare_times);
  printf("{\"typing_ms\":%.2f}\n", times[1]);
}

int main(int argc, char **argv)
{
  if (argc == 3 && g_str_equal(argv[1], "--typing")) {
    measure_typing(argv[2]);
    return 0;
  }
  bool forms = argc == 4 && g_str_equal(argv[1], "--forms");
  g_autoptr(GError) error = NULL;
  if (argc != (forms ? 4 : 2))
    g_error("usage: coedit-measure [--forms COUNT] HISTORY");
  g_autoptr(GMappedFile) file = g_mapped_file_new(argv[argc - 1], FALSE, &error);
  if (file == NULL)
    g_error("%s", error->message);
  const guint8 *content = (const guint8 *)g_mapped_file_get_contents(file);
  Bench bench = {.history = {content, content + g_mapped_file_get_length(file)}};
  prepare(&bench);
  if (forms) {
    guint count = (guint)atoi(argv[2]);
    printf("{\"replayed_bytes\":%" G_GINT64_FORMAT ",\"loaded_bytes\":%" G_GINT64_FORMAT "}\n",
           bytes_of_many(&bench, count, replayed), bytes_of_many(&bench, count, loaded));
  } else {
    measure_one(&bench);
  }
  g_bytes_unref(bench.snapshot);
  g_bytes_unref(bench.early);
  return 0;
}
