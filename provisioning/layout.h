/* provisioning/layout.h: where a daemon's state lies on disk.
 *
 * headquarters DIR: hq.db, ca/{ca.key,ca.crt,server.key,server.crt,crl.pem}, keys/edition.key,
 *                   editions/<sha256>.sqlite
 * box DIR:          box.db, id/{box.key,box.csr,box.crt,ca.crt,box.json}, keys/receipt.key,
 *                   editions/<sha256>.sqlite; keys/recording.key wraps the keys in
 *                   recordings/{<recording>.key,<sha256>}
 *
 * Folders are 0700, secrets 0600. Threads: any. Free paths with g_free. */
#pragma once
#include <glib.h>
#include <stdbool.h>

#define ABLAK_LAYOUT_HQ_DATABASE "hq.db"
#define ABLAK_LAYOUT_CA "ca"
#define ABLAK_LAYOUT_CA_CERTIFICATE "ca/ca.crt"
#define ABLAK_LAYOUT_SERVER_KEY "ca/server.key"
#define ABLAK_LAYOUT_SERVER_CERTIFICATE "ca/server.crt"
#define ABLAK_LAYOUT_CRL "ca/crl.pem"
#define ABLAK_LAYOUT_EDITION_KEY "keys/edition.key"

#define ABLAK_LAYOUT_BOX_DATABASE "box.db"
#define ABLAK_LAYOUT_ID "id"
#define ABLAK_LAYOUT_BOX_KEY "id/box.key"
#define ABLAK_LAYOUT_BOX_CERTIFICATE "id/box.crt"
#define ABLAK_LAYOUT_BOX_CA "id/ca.crt"
#define ABLAK_LAYOUT_BOX_DOCUMENT "id/box.json"
#define ABLAK_LAYOUT_RECEIPT_KEY "keys/receipt.key"
/* Present after a restore until the box has been given a new epoch. */
#define ABLAK_LAYOUT_EPOCH_REQUEST "id/epoch-request.json"

#define ABLAK_LAYOUT_EDITIONS "editions"
#define ABLAK_LAYOUT_RECORDINGS "recordings"
#define ABLAK_LAYOUT_RECORDING_KEY "keys/recording.key"

typedef enum { ABLAK_STATE_NONE, ABLAK_STATE_HQ, ABLAK_STATE_BOX } AblakStateKind;

/* "<state>/<relative>". */
char *ablak_layout_path(const char *state, const char *relative);
/* "<state>/editions/<sha256>.sqlite"; NULL when `sha256` is not 64 lower-case hex digits. */
char *ablak_layout_edition(const char *state, const char *sha256);

/* Makes the folders of that kind. A state folder of the other kind is ABLAK_ERROR_CONFLICT
 * "provisioning/wrong-state". */
bool ablak_layout_make(const char *state, AblakStateKind kind,
                       GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* What lies there: told by the database or the identity files. */
AblakStateKind ablak_layout_kind(const char *state);

/* Whole file or nothing, durable when it returns true. `mode` like 0600. */
bool ablak_layout_write(const char *path, const void *data, gsize size, int mode,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;
