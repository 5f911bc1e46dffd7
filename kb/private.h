/* kb/private.h: shared by the files of this folder. */
#pragma once
#include "kb/kb.h"

struct AblakKb {
  char *folder, *public_key;
  AblakStore *store;       /* NULL once closed */
  AblakKbEdition *current; /* NULL when there is none */
};
/* Gives back a reference taken with g_atomic_rc_box_acquire. */
void ablak_kb_release(AblakKb *kb);

/* A checked office with what belongs to it. */
typedef struct {
  json_t *office;
  GPtrArray *services; /* json_t *, by id */
  GPtrArray *forms;    /* json_t *, by id and version */
} AblakKbSources;

AblakKbSources *ablak_kb_sources_read(const char *directory, GError **error);
void ablak_kb_sources_free(AblakKbSources *sources);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakKbSources, ablak_kb_sources_free)

/* What one file cannot show: references between files, languages, layout against schema. */
bool ablak_kb_sources_check(const AblakKbSources *sources, GError **error);
bool ablak_kb_form_check(const char *name, const json_t *form, GError **error);

/* UNPROCESSABLE "kb/source": "<name>#<pointer>: <message>". Returns false. */
bool ablak_kb_source_error(GError **error, const char *name, const char *pointer,
                           const char *format, ...) G_GNUC_PRINTF(4, 5);

/* Reads a whole text file of at most 1 MiB. */
char *ablak_kb_file_read(const char *path, gsize *ret_length, GError **error);
/* FAILED "kb/file" with errno's text. Returns false. */
bool ablak_kb_file_error(GError **error, const char *what, const char *path);
/* Makes a rename or creation in `folder` durable. */
bool ablak_kb_folder_sync(const char *folder, GError **error);

AblakTxn *ablak_kb_edition_txn(AblakKbEdition *edition);
/* A code that may become part of a table's name: two or three lower-case letters. */
bool ablak_kb_language_is_valid(const char *language);
/* The columns of a search table, in this order, after office and id. */
#define ABLAK_KB_SEARCH_COLUMNS "name, keywords, summary, description, documents, law"

/* Where `folder` keeps the edition of that digest; g_free. */
char *ablak_kb_edition_path(const char *folder, const char *sha256);

/* Without looking at signature or number: those are checked before. Any thread. */
AblakKbIncoming *ablak_kb_incoming_begin(const char *folder, const json_t *signed_manifest,
                                         GError **error);
bool ablak_kb_incoming_append_file(AblakKbIncoming *incoming, const char *path, GError **error);
const json_t *ablak_kb_incoming_manifest(const AblakKbIncoming *incoming);
bool ablak_kb_incoming_is_finished(const AblakKbIncoming *incoming);

/* CONFLICT "kb/older". Returns false. */
bool ablak_kb_older_error(GError **error, gint64 number);

/* RFC 3339 in UTC with ms. */
char *ablak_kb_time_text(gint64 utc_ms);
