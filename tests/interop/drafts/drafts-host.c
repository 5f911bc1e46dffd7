/* Live drafts behind a pipe: the test's sockets on one side, forms/session.h on the other.
 *
 * A frame is [size u32][operation u8][connection u32][payload], big-endian, size counting all
 * after itself. */
#include "../../unit/forms/fixture.h"
#include <arpa/inet.h>
#include <glib-unix.h>
#include <unistd.h>

enum { OPEN, MESSAGE, CLOSE, PREFILL, ADD_ROW, SUBMIT, CONTENT };

typedef struct {
  AblakStore *store;
  AblakDrafts *drafts;
  char *draft_id;
  GHashTable *peers; /* connection number -> Peer */
  GByteArray *input;
  GMainLoop *loop;
} Host;

typedef struct {
  guint32 number;
  bool restricted; /* may not write /name */
  AblakDraftConnection *connection;
} Peer;

typedef struct {
  Host *host;
  guint32 number;
} Asked;

static void put(guint8 operation, guint32 number, const void *payload, gsize size)
{
  g_autoptr(GByteArray) frame = g_byte_array_new();
  guint32 header[2] = {htonl((guint32)(5 + size)), htonl(number)};
  g_byte_array_append(frame, (const guint8 *)&header[0], 4);
  g_byte_array_append(frame, &operation, 1);
  g_byte_array_append(frame, (const guint8 *)&header[1], 4);
  g_byte_array_append(frame, payload, (guint)size);
  for (gsize done = 0; done < frame->len;) {
    gssize written = write(STDOUT_FILENO, frame->data + done, frame->len - done);
    if (written <= 0)
      _exit(1);
    done += (gsize)written;
  }
}

static void peer_send(const void *message, gsize size, gpointer data)
{
  put(MESSAGE, ((Peer *)data)->number, message, size);
}

static void peer_close(unsigned code, const char *reason, gpointer data)
{
  g_autofree char *text = g_strdup_printf("%u %s", code, reason);
  put(CLOSE, ((Peer *)data)->number, text, strlen(text));
}

static bool peer_may_write(const char *path, gpointer data)
{
  return !((Peer *)data)->restricted || !g_str_equal(path, "/name");
}

static void peer_free(gpointer data)
{
  Peer *peer = data;
  ablak_draft_connection_free(peer->connection);
  g_free(peer);
}

static void answer(const GError *error, gpointer data)
{
  Asked *asked = data;
  const char *slug = error != NULL ? ablak_error_slug(error) : "";
  put(PREFILL, asked->number, slug, strlen(slug));
  g_free(asked);
}

static bool submit(AblakTxn *txn, gpointer data, GError **error)
{
  Asked *asked = data;
  AblakSubmission *submission = NULL;
  bool done =
      ablak_submission_create(txn, asked->host->draft_id, "citizen", "v", true, &submission, error);
  ablak_submission_free(submission);
  return done;
}

/* The payload of OPEN is the audience, with a '!' before it when the peer is restricted, and behind
 * it
 * "#" and whose it is: "citizen…" or "clerk…". */
static void open_peer(Host *host, guint32 number, const char *audience)
{
  Peer *peer = g_new0(Peer, 1);
  peer->number = number;
  peer->restricted = *audience == '!';
  g_auto(GStrv) words = g_strsplit(audience + peer->restricted, "#", 2);
  AblakDraftPeer callbacks = {.actor_kind =
                                  g_str_has_prefix(words[1], "clerk") ? "clerk" : "citizen",
                              .actor_id = words[1],
                              .may_write = peer_may_write,
                              .send = peer_send,
                              .close = peer_close,
                              .data = peer};
  g_autoptr(GError) error = NULL;
  peer->connection =
      ablak_drafts_connect(host->drafts, host->draft_id, words[0], &callbacks, &error);
  g_assert_no_error(error);
  g_hash_table_insert(host->peers, GUINT_TO_POINTER(number), peer);
}

static void handle(Host *host, guint8 operation, guint32 number, const char *payload, gsize size)
{
  g_autofree char *text = g_strndup(payload, size);
  Peer *peer = g_hash_table_lookup(host->peers, GUINT_TO_POINTER(number));
  Asked *asked = NULL;
  if (operation >= PREFILL && operation <= SUBMIT) {
    asked = g_new0(Asked, 1);
    *asked = (Asked){host, number};
  }
  if (operation == OPEN) {
    open_peer(host, number, text);
  } else if (operation == MESSAGE && peer != NULL) {
    ablak_draft_connection_receive(peer->connection, payload, size);
  } else if (operation == CLOSE && peer != NULL) {
    g_hash_table_remove(host->peers, GUINT_TO_POINTER(number));
  } else if (operation == PREFILL) {
    g_autoptr(json_t) values = parse_json(text);
    ablak_drafts_prefill(host->drafts, host->draft_id, "clerk", "c", values, answer, asked);
  } else if (operation == ADD_ROW) {
    ablak_drafts_add_row(host->drafts, host->draft_id, "clerk", "c", text, answer, asked);
  } else if (operation == SUBMIT) {
    ablak_drafts_submit(host->drafts, host->draft_id, submit, answer, asked, NULL);
  } else if (operation == CONTENT) {
    g_autoptr(json_t) content = stored_content(host->store, host->draft_id);
    g_autofree char *json = ablak_json_text(content);
    put(CONTENT, number, json, strlen(json));
  }
}

static gboolean readable(gint fd, GIOCondition condition, gpointer data)
{
  Host *host = data;
  guint8 buffer[65536];
  gssize got = read(fd, buffer, sizeof buffer);
  if (got <= 0) {
    g_main_loop_quit(host->loop);
    return G_SOURCE_REMOVE;
  }
  g_byte_array_append(host->input, buffer, (guint)got);
  while (host->input->len >= 4) {
    guint32 size = 0, number = 0;
    memcpy(&size, host->input->data, 4);
    size = ntohl(size);
    if (host->input->len < 4 + size)
      break;
    memcpy(&number, host->input->data + 5, 4);
    handle(host, host->input->data[4], ntohl(number), (const char *)host->input->data + 9,
           size - 5);
    g_byte_array_remove_range(host->input, 0, 4 + size);
  }
  return G_SOURCE_CONTINUE;
}

int main(void)
{
  g_autofree char *folder = g_dir_make_tmp("ablak-drafts-XXXXXX", NULL);
  Host host = {.store = open_store(folder), .input = g_byte_array_new()};
  AblakDraftsOptions options = {.checks_ms = 20};
  host.drafts = ablak_drafts_new(host.store, &options);
  host.draft_id = create_draft(host.store);
  host.peers = g_hash_table_new_full(NULL, NULL, NULL, peer_free);
  host.loop = g_main_loop_new(NULL, FALSE);
  g_unix_fd_add(STDIN_FILENO, G_IO_IN | G_IO_HUP, readable, &host);
  g_main_loop_run(host.loop);
  g_hash_table_unref(host.peers);
  ablak_drafts_free(host.drafts);
  ablak_store_close(host.store);
  remove_folder(folder);
  g_main_loop_unref(host.loop);
  g_byte_array_unref(host.input);
  g_free(host.draft_id);
  return 0;
}
