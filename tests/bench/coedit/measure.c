/* Figures of the engine: coedit-measure HISTORY, coedit-measure --typing EDITS, and
 *                        coedit-measure --forms COUNT HISTORY
 *
 * The first two read what to measure from their input, a word a line, and answer each with a line
 * of JSON: so that a round of ours and a round of a peer's can take turns. The last prints what
 * malloc holds for each of COUNT documents. */
#include "forms/coedit/ydoc.h"
#include "history.h"
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REPEAT 20 /* of encoding, in one round */

typedef struct {
  History history;
  guint count;
  GBytes *snapshot;
  GBytes *early; /* the state vector when 99 of 100 updates had come */
  GBytes *now;
  AblakYdoc *copy; /* loaded from the snapshot, to be asked for differences */
} Bench;

static gint64 live_bytes(void)
{
  struct mallinfo2 info = mallinfo2();
  return (gint64)(info.uordblks + info.hblkhd);
}

static double now_ms(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
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
  bench->now = ablak_ydoc_state_vector(doc);
  bench->snapshot = ablak_ydoc_encode(doc, NULL, 0, NULL);
  bench->copy = loaded(bench);
}

static double time_of(const Bench *bench, AblakYdoc *(*make)(const Bench *))
{
  double start = now_ms();
  AblakYdoc *doc = make(bench);
  double time = now_ms() - start;
  ablak_ydoc_free(doc);
  return time;
}

static double encode(const AblakYdoc *doc, GBytes *vector)
{
  gsize size;
  const void *data = g_bytes_get_data(vector, &size);
  double start = now_ms();
  GBytes *update = ablak_ydoc_encode(doc, data, size, NULL);
  double time = now_ms() - start;
  g_bytes_unref(update);
  return time;
}

static double measure_encode(const Bench *bench, GBytes *vector)
{
  double time = 0;
  for (guint i = 0; i < REPEAT; i++)
    time += encode(bench->copy, vector);
  return time / REPEAT;
}

/* Each time after a deletion somewhere in the text. */
static double measure_changed(const Bench *bench)
{
  AblakYtype *text = ablak_ydoc_root(bench->copy, "text");
  double time = 0;
  for (guint64 i = 1; i <= REPEAT; i++) {
    guint64 length = ablak_ytype_length(text);
    ablak_ydoc_begin(bench->copy);
    if (!ablak_ytext_delete(text, length * i / (REPEAT + 1), 1, NULL))
      g_error("the history has no root named text");
    g_bytes_unref(ablak_ydoc_commit(bench->copy));
    time += encode(bench->copy, bench->now);
  }
  return time / REPEAT;
}

static gint64 bytes_of(const Bench *bench, AblakYdoc *(*make)(const Bench *))
{
  gint64 before = live_bytes();
  g_autoptr(AblakYdoc) doc = make(bench);
  return live_bytes() - before;
}

static void answer(const Bench *bench, const char *what)
{
  static GBytes *nothing;
  if (nothing == NULL)
    nothing = g_bytes_new_static("\0", 1);
  double time = -1;
  if (g_str_equal(what, "info"))
    printf("{\"updates\":%u,\"snapshot_bytes\":%zu}\n", bench->count,
           g_bytes_get_size(bench->snapshot));
  else if (g_str_equal(what, "memory"))
    printf("{\"typed\":%" G_GINT64_FORMAT ",\"loaded\":%" G_GINT64_FORMAT "}\n",
           bytes_of(bench, replayed), bytes_of(bench, loaded));
  else if (g_str_equal(what, "apply"))
    time = time_of(bench, replayed);
  else if (g_str_equal(what, "load"))
    time = time_of(bench, loaded);
  else if (g_str_equal(what, "all"))
    time = measure_encode(bench, nothing);
  else if (g_str_equal(what, "some"))
    time = measure_encode(bench, bench->early);
  else if (g_str_equal(what, "none"))
    time = measure_encode(bench, bench->now);
  else if (g_str_equal(what, "changed"))
    time = measure_changed(bench);
  else
    g_error("nothing is called \"%s\"", what);
  if (time >= 0)
    printf("%.6f\n", time);
}

/* The next line of input, which lives until the one after; NULL at its end. */
static const char *next_word(void)
{
  static char line[64];
  fflush(stdout);
  if (fgets(line, sizeof line, stdin) == NULL)
    return NULL;
  line[strcspn(line, "\n")] = '\0';
  return line;
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
static double type_all(const GArray *edits, guint count)
{
  double start = now_ms();
  g_autoptr(AblakYdoc) doc = new_doc();
  AblakYtype *text = ablak_ydoc_root(doc, "text");
  for (guint i = 0; i < count; i++) {
    const Edit *edit = &g_array_index(edits, Edit, i);
    ablak_ydoc_begin(doc);
    if (!(edit->deleted > 0 ? ablak_ytext_delete(text, edit->at, edit->deleted, NULL)
                            : ablak_ytext_insert(text, edit->at, edit->text, NULL)))
      g_error("edit %u does not fit", i);
    g_bytes_unref(ablak_ydoc_commit(doc));
  }
  return now_ms() - start;
}

/* A line of input says how many edits to type. */
static void measure_typing(const char *file)
{
  g_autofree char *lines = NULL;
  g_autoptr(GError) error = NULL;
  if (!g_file_get_contents(file, &lines, NULL, &error))
    g_error("%s", error->message);
  g_autoptr(GArray) edits = read_edits(lines);
  for (const char *word; (word = next_word()) != NULL;)
    printf("%.6f\n", type_all(edits, MIN((guint)atoi(word), edits->len)));
}

static void measure_history(const Bench *bench)
{
  for (const char *word; (word = next_word()) != NULL;)
    answer(bench, word);
}

static void measure_forms(const Bench *bench, guint count)
{
  printf("{\"typed\":%" G_GINT64_FORMAT ",\"loaded\":%" G_GINT64_FORMAT "}\n",
         bytes_of_many(bench, count, replayed), bytes_of_many(bench, count, loaded));
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
    g_error("usage: coedit-measure [--forms COUNT] HISTORY | --typing EDITS");
  g_autoptr(GMappedFile) file = g_mapped_file_new(argv[argc - 1], FALSE, &error);
  if (file == NULL)
    g_error("%s", error->message);
  const guint8 *content = (const guint8 *)g_mapped_file_get_contents(file);
  Bench bench = {.history = {content, content + g_mapped_file_get_length(file)}};
  prepare(&bench);
  if (forms)
    measure_forms(&bench, (guint)atoi(argv[2]));
  else
    measure_history(&bench);
  ablak_ydoc_free(bench.copy);
  g_bytes_unref(bench.snapshot);
  g_bytes_unref(bench.early);
  g_bytes_unref(bench.now);
  return 0;
}
