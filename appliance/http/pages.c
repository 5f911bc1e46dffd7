#include "http/pages.h"
#include "core/crypto.h"
#include <string.h>
#include <sys/stat.h>

typedef struct {
  AblakPage page;
  gint64 stamp; /* nanoseconds */
  gint64 size;
} Entry;

struct AblakPages {
  char *dir;
  GHashTable *entries; /* path -> Entry */
};

static void entry_free(gpointer data)
{
  Entry *entry = data;
  g_bytes_unref(entry->page.bytes);
  g_clear_pointer(&entry->page.gzip, g_bytes_unref);
  g_free(entry->page.etag);
  g_free(entry);
}

AblakPages *ablak_pages_new(const char *dir)
{
  AblakPages *pages = g_new0(AblakPages, 1);
  pages->dir = g_strdup(dir);
  pages->entries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, entry_free);
  return pages;
}

void ablak_pages_free(AblakPages *pages)
{
  if (pages == NULL)
    return;
  g_hash_table_unref(pages->entries);
  g_free(pages->dir);
  g_free(pages);
}

static const char *media_of(const char *path)
{
  static const char *const table[][2] = {
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".mjs", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".json", "application/json"},
      {".map", "application/json"},
      {".webmanifest", "application/manifest+json"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".jpg", "image/jpeg"},
      {".ico", "image/x-icon"},
      {".webp", "image/webp"},
      {".woff2", "font/woff2"},
      {".woff", "font/woff"},
      {".txt", "text/plain; charset=utf-8"},
      {".pdf", "application/pdf"},
      {".mp3", "audio/mpeg"},
      {".wav", "audio/wav"},
      {".wasm", "application/wasm"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(table); i++)
    if (g_str_has_suffix(path, table[i][0]))
      return table[i][1];
  return "application/octet-stream";
}

/* Hidden files and separators are never looked for. */
static bool is_plain(const char *segment)
{
  return segment[0] != '\0' && segment[0] != '.' && strpbrk(segment, "/\\") == NULL;
}

static char *file_of(const AblakPages *pages, const char *const *segments)
{
  if (segments[0] == NULL)
    return g_build_filename(pages->dir, "index.html", NULL);
  g_autoptr(GString) path = g_string_new(pages->dir);
  const char *last = NULL;
  for (gsize i = 0; segments[i] != NULL; i++) {
    if (!is_plain(segments[i]))
      return NULL;
    last = segments[i];
    g_string_append_printf(path, "/%s", last);
  }
  if (strchr(last, '.') != NULL)
    return g_string_free(g_steal_pointer(&path), FALSE);
  return g_strdup_printf("%s/%s.html", pages->dir, segments[0]);
}

static GBytes *read_bytes(const char *path)
{
  char *text = NULL;
  gsize size = 0;
  return g_file_get_contents(path, &text, &size, NULL) ? g_bytes_new_take(text, size) : NULL;
}

static Entry *read_entry(const char *path, const struct stat *info)
{
  GBytes *bytes = read_bytes(path);
  if (bytes == NULL)
    return NULL;
  Entry *entry = g_new0(Entry, 1);
  entry->page.bytes = bytes;
  g_autofree char *packed = g_strconcat(path, ".gz", NULL);
  entry->page.gzip = read_bytes(packed);
  g_autofree char *hex = ablak_sha256_hex(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
  entry->page.etag = g_strdup_printf("\"%.32s\"", hex);
  entry->page.media = media_of(path);
  entry->stamp =
      (gint64)info->st_mtim.tv_sec * G_GINT64_CONSTANT(1000000000) + info->st_mtim.tv_nsec;
  entry->size = info->st_size;
  return entry;
}

const AblakPage *ablak_pages_find(AblakPages *pages, const char *const *segments)
{
  if (pages == NULL)
    return NULL;
  g_autofree char *path = file_of(pages, segments);
  struct stat info;
  if (path == NULL || stat(path, &info) != 0 || !S_ISREG(info.st_mode))
    return NULL;
  Entry *entry = g_hash_table_lookup(pages->entries, path);
  gint64 stamp = (gint64)info.st_mtim.tv_sec * G_GINT64_CONSTANT(1000000000) + info.st_mtim.tv_nsec;
  if (entry == NULL || entry->stamp != stamp || entry->size != info.st_size) {
    entry = read_entry(path, &info);
    if (entry == NULL)
      return NULL;
    entry->page.immutable = segments[0] != NULL && strcmp(segments[0], "assets") == 0;
    g_hash_table_insert(pages->entries, g_strdup(path), entry);
  }
  return &entry->page;
}
