/* sync/down.h: headquarters' journal for the boxes: staff, editions, configuration.
 *
 * Entries are numbered in the order they were appended and go to one box or to all. A box applies
 * them in order, once; entries must be harmless when applied again, because a headquarters restored
 * from a backup (a new generation) sends everything again.
 * Threads: the transaction's. Errors: INVALID "sync/protocol" for a payload that does not fit,
 * TOO_LARGE "sync/too-large". */
#pragma once
#include "core/json.h"
#include "store/store.h"
#include "sync/frames.h"

/* Rows of `down` tables: {"rows":[{"table":"staff","row":{column: value, …}},…]}; a row is inserted
 * or takes the place of the one with the same key. {"table":…,"delete":{key columns}} removes. */
#define ABLAK_DOWN_STAFF "staff"
/* An edition's file and manifest, see ablak_down_edition_split. Removes older editions. */
#define ABLAK_DOWN_EDITION "edition"
/* JSON, for the daemon. */
#define ABLAK_DOWN_CONFIG "config"

/* Inside a job at headquarters. `box` NULL: all. `ret_seq` may be NULL. */
bool ablak_down_append(AblakTxn *txn, const char *box, const char *kind, const void *payload,
                       gsize size, gint64 *ret_seq, GError **error) G_GNUC_WARN_UNUSED_RESULT;
bool ablak_down_append_json(AblakTxn *txn, const char *box, const char *kind, json_t *payload,
                            gint64 *ret_seq, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* `manifest` is borrowed. */
bool ablak_down_append_edition(AblakTxn *txn, const char *box, json_t *manifest, const void *file,
                               gsize size, gint64 *ret_seq,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* All present rows of a `down` table at headquarters, as entries of ABLAK_DOWN_STAFF's form are
 * built from: appends {"table","row"} objects to `rows`. Blobs are left out as NULL. */
bool ablak_down_collect(AblakTxn *txn, const char *table, json_t *rows,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* At the box, in the `apply` step: rows of tables declared `down`, nothing else. */
bool ablak_down_apply_rows(AblakStore *store, AblakTxn *txn, GBytes *payload,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Splits an edition's payload; `ret_file` is a slice of it. */
bool ablak_down_edition_split(GBytes *payload, json_t **ret_manifest, GBytes **ret_file,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* This journal's generation; made at the first call. Inside a job. */
bool ablak_down_generation(AblakTxn *txn, char **ret_generation, gint64 *ret_last_seq,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* After a restore: boxes take everything again. Inside a job. */
bool ablak_down_new_generation(AblakTxn *txn, GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
  gint64 seq;
  char *kind;
  guint8 sha256[ABLAK_HASH_SIZE];
  GBytes *payload;
} AblakDownEntry;
void ablak_down_entry_clear(AblakDownEntry *entry);
/* The first entry after `seq` for that box; *ret_found false when there is none. */
bool ablak_down_next(AblakTxn *txn, const char *box, gint64 seq, bool *ret_found,
                     AblakDownEntry *ret_entry, GError **error) G_GNUC_WARN_UNUSED_RESULT;
