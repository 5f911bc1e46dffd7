#include "video/recorder/files.h"
#include "core/log.h"
#include <openssl/crypto.h>
#include <string.h>

struct AblakFiles {
  char *folder, *recording;
  guint8 key[ABLAK_SEAL_KEY_SIZE];
  gint64 origin_us;
  guint parts;
  AblakSealWriter *contents;
  bool unflushed;
  GError *problem;
};

static AblakSealWriter *open_file(AblakFiles *files, guint number, GError **error)
{
  g_autofree char *name = g_strdup_printf("%s.%u.part", files->recording, number);
  g_autofree char *path = g_build_filename(files->folder, name, NULL);
  return ablak_seal_writer_new(path, files->key, error);
}

AblakFiles *ablak_files_new(const char *folder, const char *recording,
                            const guint8 key[ABLAK_SEAL_KEY_SIZE], gint64 origin_us, GError **error)
{
  g_autoptr(AblakFiles) files = g_new0(AblakFiles, 1);
  files->folder = g_strdup(folder);
  files->recording = g_strdup(recording);
  memcpy(files->key, key, sizeof files->key);
  files->origin_us = origin_us;
  files->contents = open_file(files, 0, error);
  return files->contents != NULL ? g_steal_pointer(&files) : NULL;
}

void ablak_files_free(AblakFiles *files)
{
  if (files == NULL)
    return;
  ablak_seal_writer_free(files->contents);
  g_clear_error(&files->problem);
  OPENSSL_cleanse(files->key, sizeof files->key);
  g_free(files->folder);
  g_free(files->recording);
  g_free(files);
}

AblakSealWriter *ablak_files_part(AblakFiles *files, guint *ret_number, GError **error)
{
  *ret_number = ++files->parts;
  return open_file(files, files->parts, error);
}

static void put(AblakFiles *files, const char *text, gsize size)
{
  if (files->problem != NULL ||
      ablak_seal_writer_write(files->contents, text, size, &files->problem))
    return;
  ablak_log_gerror(ABLAK_LOG_ERROR, "recorder.contents", files->problem, NULL);
}

void ablak_files_say(AblakFiles *files, gint64 t_ms, const char *type, json_t *line)
{
  json_object_set_new(line, "type", json_string(type));
  json_object_set_new(line, "t", json_integer(t_ms));
  g_autofree char *text = ablak_json_text(line);
  json_decref(line);
  put(files, text, strlen(text));
  put(files, "\n", 1);
  files->unflushed = true;
}

gint64 ablak_files_ms(const AblakFiles *files, gint64 at_us)
{
  return (at_us - files->origin_us) / 1000;
}

gint64 ablak_files_origin_us(const AblakFiles *files)
{
  return files->origin_us;
}

/* Chunks are full but for the last: blank lines fill this one, and one more sends it off. */
void ablak_files_flush(AblakFiles *files)
{
  if (!files->unflushed)
    return;
  files->unflushed = false;
  gsize used = (gsize)(ablak_seal_writer_offset(files->contents) % ABLAK_SEAL_CHUNK);
  gsize blank = (used > 0 ? ABLAK_SEAL_CHUNK - used : 0) + 1;
  g_autofree char *lines = g_malloc(blank);
  memset(lines, '\n', blank);
  put(files, lines, blank);
}

bool ablak_files_finish(AblakFiles *files, GError **error)
{
  if (files->problem != NULL) {
    g_propagate_error(error, g_steal_pointer(&files->problem));
    return false;
  }
  return ablak_seal_writer_finish(files->contents, error);
}
