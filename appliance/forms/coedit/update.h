/* forms/coedit/update.h: updates as bytes, without a document: merging, cutting, format v2.
 *
 * Results are new. No state; threads: any. Clocks have 53 bits here. Memory is at most 128 times
 * the input and 64 KiB, result included; from format v2, whose run lengths say much in a few bytes,
 * 1024 times, and what would become larger than `max_bytes` is refused. Errors: ABLAK_ERROR_INVALID
 * "coedit/malformed", ABLAK_ERROR_TOO_LARGE "coedit/too-large". */
#pragma once
#include <glib.h>
#include <stdbool.h>

/* One update that says all that these say; gaps stay gaps. */
GBytes *ablak_yupdate_merge(GBytes *const *updates, guint count,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* What a peer with this state vector lacks of the update; all of its deletions. */
GBytes *ablak_yupdate_diff(const void *data, gsize size, const void *state_vector,
                           gsize state_vector_size, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The state vector of a document that has this update only. */
GBytes *ablak_yupdate_state_vector(const void *data, gsize size,
                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Between the formats v1 (of this whole engine) and v2. `max_bytes`: of the result; 0: 256
 * times the input and 4 KiB. */
GBytes *ablak_yupdate_from_v2(const void *data, gsize size, gsize max_bytes,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
GBytes *ablak_yupdate_to_v2(const void *data, gsize size, GError **error) G_GNUC_WARN_UNUSED_RESULT;
