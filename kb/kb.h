/* kb/kb.h: the knowledge base: the catalogue of services, its editions, and finding things in it.
 *
 * Purpose: sources (JSON files, formats in kb/schemas/) are checked and built into an edition, one
 * numbered, read-only database file with its full-text index. Its manifest is signed; a box takes
 * an edition only with a signature of the pinned key, and switches to it at once and whole.
 * Headquarters uses the same functions to keep the editions it publishes.
 *
 * Ownership: JSON results are new references. Units: ages and times in UTC ms, sizes in bytes.
 * Threads: building, and receiving a file, from any thread; an AblakKbEdition may be held from any
 * thread and is read by one thread at a time; AblakKb itself belongs to the main thread.
 * Durability: `done` of an activation comes after file and row are durable; a half-written file is
 * never opened.
 * Errors: UNPROCESSABLE "kb/source" (a source breaks its format), FORBIDDEN "kb/signature",
 * INVALID "kb/manifest", UNPROCESSABLE "kb/edition" (not the file that was signed), CONFLICT
 * "kb/older" (not newer than what is there), UNAVAILABLE "kb/no-edition", NOT_FOUND "kb/no-office",
 * "kb/no-service", "kb/no-form", FAILED "kb/file" (the disk). */
#pragma once
#include "core/crypto.h"
#include "core/json.h"
#include "store/store.h"
#include <glib.h>
#include <stdbool.h>

/* --- sources --------------------------------------------------------------------------------- */

typedef enum { ABLAK_KB_OFFICE, ABLAK_KB_SERVICE, ABLAK_KB_FORM } AblakKbKind;

/* Reads and checks one source text; the message names `name` and the JSON pointer at fault. */
json_t *ablak_kb_source_parse(AblakKbKind kind, const char *name, const char *text, gsize length,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- editions -------------------------------------------------------------------------------- */

/* Builds one edition from directories that each hold office.json, services/ and forms/. The file
 * at `path` must not exist. The same sources, number and time give the same bytes. Blocking. */
bool ablak_kb_build(const char *const *directories, gint64 number, gint64 issued_at_ms,
                    const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* {"manifest":{"number","issuedAt","sha256","size","offices":[…],"sample"},"signature"}. Reads
 * the whole file once. */
json_t *ablak_kb_manifest_sign(const char *path, AblakSigner *signer,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Checks shape and signature of a signed manifest; not the file. */
bool ablak_kb_manifest_verify(const json_t *signed_manifest, const char *public_key,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
gint64 ablak_kb_manifest_number(const json_t *signed_manifest);

/* One opened edition. */
typedef struct AblakKbEdition AblakKbEdition;
AblakKbEdition *ablak_kb_edition_open(const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;
AblakKbEdition *ablak_kb_edition_ref(AblakKbEdition *edition);
void ablak_kb_edition_unref(AblakKbEdition *edition);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakKbEdition, ablak_kb_edition_unref)
gint64 ablak_kb_edition_number(const AblakKbEdition *edition);

/* --- reading an edition ---------------------------------------------------------------------- */

/* The text of a multilingual object in `language`, else in `binding`, else in any; NULL if none. */
const char *ablak_kb_text(const json_t *text, const char *language, const char *binding);

/* Array of offices, by id; and one office. */
json_t *ablak_kb_offices(AblakKbEdition *edition, GError **error) G_GNUC_WARN_UNUSED_RESULT;
json_t *ablak_kb_office(AblakKbEdition *edition, const char *office,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Array of an office's services, whole, by prefix. */
json_t *ablak_kb_services(AblakKbEdition *edition, const char *office,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The same for reading: [{"id","name","summary","prefix","channels","identity","form"}], texts as
 * strings in `language`, where there is none in the binding one. */
json_t *ablak_kb_services_in(AblakKbEdition *edition, const char *office, const char *language,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
json_t *ablak_kb_service(AblakKbEdition *edition, const char *id,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* `version` 0: the newest in the edition. */
json_t *ablak_kb_form(AblakKbEdition *edition, const char *id, gint64 version,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Finds services of an office: [{"id","name","summary","snippet":[{"text","match"}]}], best first.
 * Every word must occur, the last one may be unfinished; when nothing fits, any word's beginning
 * is enough. Accents and case do not matter, and no character of `text` has a meaning of its own.
 * A language the office does not have is answered in its binding one. */
json_t *ablak_kb_search(AblakKbEdition *edition, const char *office, const char *text,
                        const char *language, unsigned limit,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- the editions of this machine ------------------------------------------------------------ */

extern const AblakStorePart ablak_kb_store_part;

typedef struct AblakKb AblakKb;

/* Opens the active edition below `folder` (made when missing): the newest whose file is whole.
 * None is no error. `public_key` is the pinned key (AblakSigner); `store` is borrowed. */
AblakKb *ablak_kb_open(const char *folder, AblakStore *store, const char *public_key,
                       GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ablak_kb_close(AblakKb *kb);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakKb, ablak_kb_close)
/* Looks again, after a restore. */
bool ablak_kb_reopen(AblakKb *kb, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* The current edition, a new reference: it stays readable after a switch. NULL and
 * "kb/no-edition" when there is none. */
AblakKbEdition *ablak_kb_current(AblakKb *kb, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* 0 when there is none. */
gint64 ablak_kb_number(const AblakKb *kb);
/* A form version pinned by a draft: in the current edition, else in an older one that is kept. */
json_t *ablak_kb_find_form(AblakKb *kb, const char *id, gint64 version,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* [{"number","sha256","state","activatedAt","manifest":signed}], newest first; the time in UTC ms.
 * State: active or retired. */
json_t *ablak_kb_editions(AblakTxn *txn, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Path of a kept edition's file; g_free. */
char *ablak_kb_path(const AblakKb *kb, const char *sha256);

/* An edition on its way in: bytes as they come, then all of it is checked and made durable. New
 * verifies the signature and refuses what is not newer, before any byte. `append` and `finish` may
 * run in a worker. Freed unfinished, it leaves nothing behind. */
typedef struct AblakKbIncoming AblakKbIncoming;
AblakKbIncoming *ablak_kb_incoming_new(AblakKb *kb, const json_t *signed_manifest,
                                       GError **error) G_GNUC_WARN_UNUSED_RESULT;
bool ablak_kb_incoming_append(AblakKbIncoming *incoming, const void *bytes, gsize size,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
bool ablak_kb_incoming_finish(AblakKbIncoming *incoming, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ablak_kb_incoming_free(AblakKbIncoming *incoming);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakKbIncoming, ablak_kb_incoming_free)

/* The same in one step from a file on disk, for the command line; `public_key` is the pinned key.
 */
bool ablak_kb_prepare_file(const char *folder, const char *public_key,
                           const json_t *signed_manifest, const char *path,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Inside a job: an edition whose file is there becomes the active one, with an event of topic "kb",
 * kind "edition.activated", subject the number. Harmless when repeated or not newer; a number that
 * comes again with another file is "kb/older". */
bool ablak_kb_apply(AblakTxn *txn, const json_t *signed_manifest,
                    GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Called once on the main context; `error` is NULL on success and borrowed. */
typedef void (*AblakKbDone)(const GError *error, gpointer data);

/* Applies a finished incoming edition (taken over) in a job of its own; readers get it before
 * `done`. */
void ablak_kb_activate(AblakKb *kb, AblakKbIncoming *incoming, AblakKbDone done, gpointer data);

/* All of it from a file on disk: copying and checking in a worker, then activation. */
void ablak_kb_receive(AblakKb *kb, const char *path, const json_t *signed_manifest,
                      AblakKbDone done, gpointer data);
