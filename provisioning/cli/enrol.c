/* "ablak enrol" and "ablak renew": the box's side of EST (RFC 7030), then what headquarters knows
 * about the box. Every step may be repeated: the same key and request are used until the
 * certificate has come. */
#include "core/clock.h"
#include "core/error.h"
#include "http/client.h"
#include "provisioning/cli/cli.h"
#include "provisioning/est.h"
#include "provisioning/identity.h"
#include "provisioning/layout.h"
#include <string.h>

typedef struct {
  GMainLoop *loop;
  unsigned status;
  GBytes *body;
  GError *error;
} Reply;

static void replied(const AblakResponse *response, const GError *error, gpointer data)
{
  Reply *reply = data;
  if (error != NULL) {
    reply->error = g_error_copy(error);
  } else {
    reply->status = response->status;
    reply->body = g_bytes_ref(response->body);
  }
  g_main_loop_quit(reply->loop);
}

/* Headquarters' own words, when it answered with a problem document. */
static void refuse(const Reply *reply, GError **error)
{
  gsize size = 0;
  const char *text = g_bytes_get_data(reply->body, &size);
  g_autoptr(json_t) problem = ablak_json_parse(text, size, NULL);
  const char *type = problem != NULL ? ablak_json_get_string(problem, "type") : NULL;
  const char *title = problem != NULL ? ablak_json_get_string(problem, "title") : NULL;
  const char *slug = type != NULL && g_str_has_prefix(type, "/problems/")
                         ? type + strlen("/problems/")
                         : "provisioning/unreachable";
  ablak_error_set(error, ABLAK_ERROR_FAILED, slug, "headquarters answered %u: %s", reply->status,
                  title != NULL ? title : "no reason given");
}

static GBytes *exchange(const AblakClientTls *tls, const char *method, const char *url,
                        const char *const *headers, const char *media, GBytes *body, GError **error)
{
  Reply reply = {.loop = g_main_loop_new(NULL, FALSE)};
  ablak_client_request(tls, method, url, headers, media, body, replied, &reply);
  if (reply.error == NULL && reply.body == NULL)
    g_main_loop_run(reply.loop);
  g_main_loop_unref(reply.loop);
  if (reply.error != NULL) {
    ablak_error_set(error, ABLAK_ERROR_UNAVAILABLE, "provisioning/unreachable",
                    "%s cannot be reached: %s", url, reply.error->message);
    g_error_free(reply.error);
    return NULL;
  }
  if (reply.status != 200) {
    refuse(&reply, error);
    g_clear_pointer(&reply.body, g_bytes_unref);
  }
  return reply.body;
}

/* --- the authority --- */

static bool pin(const CliCall *call, const char *state, const char *hq, GError **error)
{
  const char *file = cli_option(call, "ca"), *sha256 = cli_option(call, "ca-sha256");
  g_autofree char *text = NULL;
  gsize size = 0;
  if (file != NULL) {
    g_autoptr(GError) cause = NULL;
    if (g_file_get_contents(file, &text, &size, &cause))
      return ablak_identity_pin(state, text, size, sha256, error);
    ablak_error_set(error, ABLAK_ERROR_NOT_FOUND, "not-found", "%s", cause->message);
    return false;
  }
  if (sha256 != NULL) {
    g_autoptr(GBytes) chain = cli_fetch_chain(hq, error);
    return chain != NULL && ablak_identity_pin(state, g_bytes_get_data(chain, NULL),
                                               g_bytes_get_size(chain), sha256, error);
  }
  g_autofree char *pinned = ablak_layout_path(state, ABLAK_LAYOUT_BOX_CA);
  if (g_file_test(pinned, G_FILE_TEST_EXISTS))
    return true; /* enrolled before */
  ablak_error_set(error, ABLAK_ERROR_INVALID, "provisioning/wrong-ca",
                  "give --ca FILE or --ca-sha256 HEX, so that no other machine can pass for "
                  "headquarters");
  return false;
}

/* --- the steps --- */

static bool get_certificate(const CliCall *call, const char *state, const char *hq,
                            const AblakClientTls *tls, GError **error)
{
  const char *box = cli_option(call, "box");
  g_autoptr(GBytes) request = ablak_identity_request(state, box, error);
  if (request == NULL)
    return false;
  g_autoptr(GBytes) body = ablak_est_request_encode(request);
  g_autofree char *authorization = ablak_est_basic_encode(box, cli_option(call, "code"));
  const char *headers[] = {"authorization", authorization, "content-transfer-encoding", "base64",
                           NULL};
  g_autofree char *url = g_strconcat(hq, "/.well-known/est/simpleenroll", NULL);
  g_autoptr(GBytes) answer =
      exchange(tls, "POST", url, headers, ABLAK_EST_MEDIA_REQUEST, body, error);
  return answer != NULL && ablak_identity_install(state, g_bytes_get_data(answer, NULL),
                                                  g_bytes_get_size(answer), error);
}

/* The first request under the new certificate: it proves that headquarters accepts it. */
static bool get_document(const char *state, const char *hq, const AblakClientTls *tls,
                         GError **error)
{
  g_autofree char *url = g_strconcat(hq, "/box", NULL);
  g_autoptr(GBytes) answer = exchange(tls, "GET", url, NULL, NULL, NULL, error);
  if (answer == NULL)
    return false;
  gsize size = 0;
  const char *text = g_bytes_get_data(answer, &size);
  g_autoptr(json_t) document = ablak_json_parse(text, size, error);
  return document != NULL && ablak_identity_write_document(state, document, hq, error);
}

static bool is_same_claim(const char *state, const char *box)
{
  g_autoptr(AblakIdentity) identity = ablak_identity_load(state, NULL);
  return identity != NULL && !identity->epoch_request && g_strcmp0(identity->box, box) == 0;
}

bool cli_enrol(const CliCall *call, GError **error)
{
  const char *state = cli_option(call, "state");
  g_autofree char *hq = g_strdup(cli_option(call, "hq"));
  while (g_str_has_suffix(hq, "/"))
    hq[strlen(hq) - 1] = '\0';
  if (!g_str_has_prefix(hq, "https://")) {
    ablak_error_set(error, ABLAK_ERROR_INVALID, "provisioning/bad-name",
                    "--hq must be an address of the form https://host:port");
    return false;
  }
  if (!ablak_layout_make(state, ABLAK_STATE_BOX, error) || !pin(call, state, hq, error))
    return false;
  g_autofree char *ca = ablak_layout_path(state, ABLAK_LAYOUT_BOX_CA);
  g_autofree char *certificate = ablak_layout_path(state, ABLAK_LAYOUT_BOX_CERTIFICATE);
  g_autofree char *key = ablak_layout_path(state, ABLAK_LAYOUT_BOX_KEY);
  const AblakClientTls first = {.ca = ca}, own = {.ca = ca, .certificate = certificate, .key = key};
  g_autoptr(GError) cause = NULL;
  bool done = get_certificate(call, state, hq, &first, &cause);
  /* The certificate came the last time, but not what follows it. */
  if (!done && strcmp(ablak_error_slug(cause), "provisioning/claim-used") == 0 &&
      g_file_test(certificate, G_FILE_TEST_EXISTS) &&
      !is_same_claim(state, cli_option(call, "box")))
    done = true;
  if (!done) {
    g_propagate_error(error, g_steal_pointer(&cause));
    return false;
  }
  if (!get_document(state, hq, &own, error))
    return false;
  g_autoptr(AblakIdentity) identity = ablak_identity_load(state, error);
  if (identity == NULL)
    return false;
  g_print("enrolled: %s, office %s, epoch %" G_GINT64_FORMAT "\n", identity->box, identity->office,
          identity->epoch);
  return true;
}

bool cli_renew(const CliCall *call, GError **error)
{
  const char *state = cli_option(call, "state");
  g_autoptr(AblakIdentity) identity = ablak_identity_load(state, error);
  if (identity == NULL)
    return false;
  if (!cli_flag(call, "force") && !ablak_identity_renewal_due(identity, ablak_clock_wall_ms())) {
    g_print("not due\n");
    return true;
  }
  const char *hq = cli_option(call, "hq") != NULL ? cli_option(call, "hq") : identity->hq[0];
  g_autofree char *ca = ablak_layout_path(state, ABLAK_LAYOUT_BOX_CA);
  g_autofree char *certificate = ablak_layout_path(state, ABLAK_LAYOUT_BOX_CERTIFICATE);
  g_autofree char *key = ablak_layout_path(state, ABLAK_LAYOUT_BOX_KEY);
  const AblakClientTls own = {.ca = ca, .certificate = certificate, .key = key};
  const char *headers[] = {"content-transfer-encoding", "base64", NULL};
  g_autofree char *url = g_strconcat(hq, "/.well-known/est/simplereenroll", NULL);
  g_autoptr(GBytes) request = ablak_identity_request(state, identity->box, error);
  g_autoptr(GBytes) body = request != NULL ? ablak_est_request_encode(request) : NULL;
  g_autoptr(GBytes) answer =
      body != NULL ? exchange(&own, "POST", url, headers, ABLAK_EST_MEDIA_REQUEST, body, error)
                   : NULL;
  if (answer == NULL || !ablak_identity_install(state, g_bytes_get_data(answer, NULL),
                                                g_bytes_get_size(answer), error))
    return false;
  g_print("renewed\n");
  return true;
}
