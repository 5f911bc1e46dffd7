/* forms/coedit/awareness.h: who is where in the document (y-protocols' awareness).
 *
 * Every client has a state (any JSON object) and a clock that only grows; a state not renewed for
 * 30 s is outdated. Time is the caller's: monotonic milliseconds. Not stored anywhere.
 * Ownership: the object owns its states. Threads: one at a time.
 * Errors: ABLAK_ERROR_INVALID "coedit/malformed", ABLAK_ERROR_TOO_LARGE "coedit/too-large"; both
 * leave it unchanged. */
#pragma once
#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

#define ABLAK_YAWARENESS_TIMEOUT_MS 30000

typedef struct AblakYawareness AblakYawareness;

/* At most `max_clients` clients (remembered clocks of gone ones included) and `max_bytes` of one
 * state's JSON text; 0: 256 and 8192. */
AblakYawareness *ablak_yawareness_new(guint max_clients, gsize max_bytes);
void ablak_yawareness_free(AblakYawareness *awareness);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakYawareness, ablak_yawareness_free)

/* Applies an awareness update. `ret_clients` (may be NULL): new GArray of guint64, the clients
 * whose entry was taken over: relay these. */
bool ablak_yawareness_apply(AblakYawareness *awareness, const void *data, gsize size, gint64 now_ms,
                            GArray **ret_clients, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* May whoever sent this speak for the client? `leaves`: the entry says that it is gone. */
typedef bool (*AblakYawarenessMay)(guint64 client, bool leaves, gpointer user_data);
/* As apply, but entries that `may` refuses are passed over: stock clients repeat what they heard of
 * others. */
bool ablak_yawareness_apply_checked(AblakYawareness *awareness, const void *data, gsize size,
                                    gint64 now_ms, AblakYawarenessMay may, gpointer user_data,
                                    GArray **ret_clients, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Sets a client's state as that client itself would (clock plus one, from 1: stock peers do not
 * take clock 0); NULL removes it. */
void ablak_yawareness_set(AblakYawareness *awareness, guint64 client, const json_t *state,
                          gint64 now_ms);
/* Removes the states of clients that are gone (a closed connection's). Their clocks stay, as in
 * y-protocols: peers take a removal at the same clock, and the client's next renewal brings it
 * back. Returns how many were there. */
guint ablak_yawareness_remove(AblakYawareness *awareness, const guint64 *clients, guint count,
                              gint64 now_ms);
/* Removes what has not been renewed for 30 s; new GArray of guint64 with the removed clients. */
GArray *ablak_yawareness_expire(AblakYawareness *awareness, gint64 now_ms);
/* New: an awareness update for these clients (unknown ones are left out); NULL, 0: all with a
 * state. */
GBytes *ablak_yawareness_encode(const AblakYawareness *awareness, const guint64 *clients,
                                guint count);
/* Borrowed: a client's state; NULL when it has none. */
const json_t *ablak_yawareness_get(const AblakYawareness *awareness, guint64 client);
/* New: GArray of guint64, the clients that have a state. */
GArray *ablak_yawareness_clients(const AblakYawareness *awareness);
