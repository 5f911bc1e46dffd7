/* "ablak status": what the state says, of either kind. */
#include "core/error.h"
#include "provisioning/boxes.h"
#include "provisioning/cli/cli.h"
#include "provisioning/identity.h"
#include "provisioning/layout.h"
#include "sync/journal.h"
#include "sync/receiver.h"
#include <string.h>

static char *time_text(gint64 utc_ms)
{
  if (utc_ms == 0)
    return g_strdup("never");
  g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(utc_ms / 1000);
  return g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ");
}

/* --- headquarters --- */

static const AblakPeerState *find_state(const GPtrArray *states, const char *box)
{
  for (guint i = 0; i < states->len; i++) {
    const AblakPeerState *state = g_ptr_array_index(states, i);
    if (strcmp(state->box, box) == 0)
      return state;
  }
  return NULL;
}

static json_t *box_status(const AblakBox *box, const AblakPeerState *state)
{
  g_autofree char *seen = time_text(state != NULL ? state->last_seen_ms : 0);
  g_autofree char *proven = time_text(state != NULL ? state->digest_ms : 0);
  return json_pack("{s:s, s:s, s:s, s:I, s:s, s:I, s:s, s:s, s:s?}", "box", box->id, "name",
                   box->name, "office", box->office, "epoch", (json_int_t)box->epoch, "state",
                   box->state, "appliedSeq", (json_int_t)(state != NULL ? state->applied_seq : 0),
                   "lastSeenAt", seen, "provenAt", proven, "quarantine",
                   state != NULL ? state->quarantine : NULL);
}

static json_t *hq_status(const CliCall *call, GError **error)
{
  g_autofree char *dir = ablak_layout_path(cli_option(call, "state"), ABLAK_LAYOUT_CA);
  g_autoptr(AblakStore) store = cli_open_hq(call, error);
  g_autoptr(AblakCa) ca = store != NULL ? ablak_ca_open(dir, error) : NULL;
  g_autoptr(AblakTxn) txn = ca != NULL ? ablak_store_read(store, error) : NULL;
  g_autoptr(GPtrArray) boxes = txn != NULL ? ablak_box_list(txn, error) : NULL;
  g_autoptr(GPtrArray) states = boxes != NULL ? ablak_peer_states(txn, NULL, error) : NULL;
  if (states == NULL)
    return NULL;
  json_t *list = json_array();
  for (guint i = 0; i < boxes->len; i++) {
    const AblakBox *box = g_ptr_array_index(boxes, i);
    json_array_append_new(list, box_status(box, find_state(states, box->id)));
  }
  return json_pack("{s:s, s:s, s:o}", "kind", "headquarters", "caSha256", ablak_ca_fingerprint(ca),
                   "boxes", list);
}

static void print_hq(json_t *status)
{
  g_print("headquarters, authority %s\n", ablak_json_get_string(status, "caSha256"));
  json_t *boxes = json_object_get(status, "boxes"), *box;
  size_t i;
  json_array_foreach(boxes, i, box)
  {
    const char *quarantine = ablak_json_get_string(box, "quarantine");
    g_print("%s  %s  office %s  epoch %" G_GINT64_FORMAT "  %s  entries %" G_GINT64_FORMAT
            "  seen %s  proven %s%s%s\n",
            ablak_json_get_string(box, "box"), ablak_json_get_string(box, "name"),
            ablak_json_get_string(box, "office"), ablak_json_get_int(box, "epoch", 0),
            ablak_json_get_string(box, "state"), ablak_json_get_int(box, "appliedSeq", 0),
            ablak_json_get_string(box, "lastSeenAt"), ablak_json_get_string(box, "provenAt"),
            quarantine != NULL ? "  SET APART: " : "", quarantine != NULL ? quarantine : "");
  }
}

/* --- a box --- */

static bool add_journal(const char *state, json_t *status, GError **error)
{
  g_autofree char *path = ablak_layout_path(state, ABLAK_LAYOUT_BOX_DATABASE);
  if (!g_file_test(path, G_FILE_TEST_EXISTS))
    return true; /* enrolled, not started yet */
  const AblakStorePart *parts[] = {&ablak_sync_box_store_part, NULL};
  AblakStoreOptions options = {.path = path, .parts = parts};
  g_autoptr(AblakStore) store = ablak_store_open(&options, error);
  g_autoptr(AblakTxn) txn = store != NULL ? ablak_store_read(store, error) : NULL;
  AblakJournalState journal;
  g_autoptr(GError) cause = NULL;
  if (txn == NULL)
    return false;
  if (!ablak_journal_read_state(txn, &journal, &cause)) {
    if (g_error_matches(cause, ABLAK_ERROR, ABLAK_ERROR_NOT_FOUND))
      return true; /* not started yet */
    g_propagate_error(error, g_steal_pointer(&cause));
    return false;
  }
  json_object_set_new(status, "lastSeq", json_integer(journal.last_seq));
  json_object_set_new(status, "ackedSeq", json_integer(journal.acked_seq));
  json_object_set_new(status, "appliedSeq", json_integer(journal.applied_seq));
  return true;
}

static json_t *box_own_status(const CliCall *call, GError **error)
{
  const char *state = cli_option(call, "state");
  g_autoptr(AblakIdentity) identity = ablak_identity_load(state, error);
  if (identity == NULL)
    return NULL;
  g_autofree char *until = time_text(identity->not_after_ms);
  g_autoptr(json_t) status =
      json_pack("{s:s, s:s, s:s, s:I, s:s, s:s, s:b}", "kind", "box", "box", identity->box,
                "office", identity->office, "epoch", (json_int_t)identity->epoch, "hq",
                identity->hq[0] != NULL ? identity->hq[0] : "", "certificateUntil", until,
                "epochRequest", identity->epoch_request);
  return add_journal(state, status, error) ? g_steal_pointer(&status) : NULL;
}

static void print_box(json_t *status)
{
  gint64 last = ablak_json_get_int(status, "lastSeq", 0);
  gint64 acked = ablak_json_get_int(status, "ackedSeq", 0);
  g_print("box %s  office %s  epoch %" G_GINT64_FORMAT "  certificate until %s\n",
          ablak_json_get_string(status, "box"), ablak_json_get_string(status, "office"),
          ablak_json_get_int(status, "epoch", 0),
          ablak_json_get_string(status, "certificateUntil"));
  g_print("headquarters %s  entries %" G_GINT64_FORMAT "  of them there %" G_GINT64_FORMAT
          "  taken from there %" G_GINT64_FORMAT "\n",
          ablak_json_get_string(status, "hq"), last, acked,
          ablak_json_get_int(status, "appliedSeq", 0));
  if (ablak_json_get_bool(status, "epochRequest", false))
    g_print("restored from a backup: run \"ablak box replace\" at headquarters and \"ablak enrol\" "
            "here before it syncs again\n");
}

bool cli_status(const CliCall *call, GError **error)
{
  const char *state = cli_option(call, "state");
  AblakStateKind kind = ablak_layout_kind(state);
  if (kind == ABLAK_STATE_NONE) {
    ablak_error_set(error, ABLAK_ERROR_NOT_FOUND, "provisioning/wrong-state",
                    "%s holds no state; \"ablak init hq\" or \"ablak enrol\" makes one", state);
    return false;
  }
  g_autoptr(json_t) status = (kind == ABLAK_STATE_HQ ? hq_status : box_own_status)(call, error);
  if (status == NULL)
    return false;
  if (cli_flag(call, "json")) {
    g_autofree char *text = ablak_json_text(status);
    g_print("%s\n", text);
  } else {
    (kind == ABLAK_STATE_HQ ? print_hq : print_box)(status);
  }
  return true;
}
