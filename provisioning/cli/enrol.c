/* Enrolling a box: EST with a claim code, then asking headquarters who we are. */
#include "core/error.h"
#include "http/client.h"
#include "provisioning/cli/commands.h"
#include "provisioning/est.h"
#include "provisioning/identity.h"
#include "provisioning/layout.h"
#include <stdio.h>
#include <string.h>

typedef struct {
  GMainLoop *loop;
  GBytes *body;
  GError *error;
} Answer;

/* Headquarters' own words: its problem document's slug and title. */
static void take_problem(const AblakResponse *response, GError **error)
{
  gsize size = 0;
  const char *text = g_bytes_get_data(response->body, &size);
  g_autoptr(json_t) problem = ablak_json_parse(text, size, NULL);
  const char *type = problem ? ablak_json_get_string(problem, "type") : NULL;
  const char *title = problem ? ablak_json_get_string(problem, "title") : NULL;
  bool known = type && g_str_has_prefix(type, "/problems/");
  ablak_error_set(error, ABLAK_ERROR_FAILED,
                  known ? type + strlen("/problems/") : "provisioning/bad-answer",
                  "headquarters answered %u: %s", response->status, title ? title : "no reason");
}

static void answered(const AblakResponse *response, const GError *error, gpointer data)
{
  Answer *answer = data;
  if (error)
    answer->error = g_error_copy(error);
  else if (response->status == 200)
    answer->body = g_bytes_ref(response->body);
  else
    take_problem(response, &answer->error);
  g_main_loop_quit(answer->loop);
}

/* One request, waited for. NULL with an error. */
static GBytes *ask(const AblakClientTls *tls, const char *method, const char *hq, const char *path,
                   const char *const *headers, GBytes *body, GError **error)
{
  g_autofree char *url = g_strconcat(hq, path, NULL);
  Answer answer = {.loop = g_main_loop_new(NULL, FALSE)};
  ablak_client_request(tls, method, url, headers, body ? ABLAK_EST_MEDIA_REQUEST : NULL, body,
                       answered, &answer);
  g_main_loop_run(answer.loop);
  g_main_loop_unref(answer.loop);
  if (answer.error)
    g_propagate_error(error, answer.error);
  return answer.body;
}

static bool pin(const AblakOptions *options, const char *state, GError **error)
{
  const char *file = ablak_options_need(options, "ca", error);
  g_autofree char *pem = NULL;
  gsize size = 0;
  return file && g_file_get_contents(file, &pem, &size, error) &&
         ablak_identity_pin(state, pem, size, ablak_options_get(options, "ca-sha256"), error);
}

static bool get_certificate(const char *state, const char *hq, const char *ca, const char *box,
                            const char *code, GError **error)
{
  const AblakClientTls tls = {.ca = ca};
  g_autoptr(GBytes) der = ablak_identity_request(state, box, error);
  g_autoptr(GBytes) body = der ? ablak_est_request_encode(der) : NULL;
  g_autofree char *authorization = ablak_est_basic_encode(box, code);
  const char *const headers[] = {"authorization", authorization, NULL};
  g_autoptr(GBytes) answer =
      body ? ask(&tls, "POST", hq, "/.well-known/est/simpleenroll", headers, body, error) : NULL;
  return answer && ablak_identity_install(state, g_bytes_get_data(answer, NULL),
                                          g_bytes_get_size(answer), error);
}

static bool get_document(const char *state, const char *hq, const char *ca, GError **error)
{
  g_autofree char *certificate = ablak_layout_path(state, ABLAK_LAYOUT_BOX_CERTIFICATE);
  g_autofree char *key = ablak_layout_path(state, ABLAK_LAYOUT_BOX_KEY);
  const AblakClientTls tls = {.ca = ca, .certificate = certificate, .key = key};
  g_autoptr(GBytes) answer = ask(&tls, "GET", hq, "/box", NULL, NULL, error);
  if (!answer)
    return false;
  gsize size = 0;
  const char *text = g_bytes_get_data(answer, &size);
  g_autoptr(json_t) document = ablak_json_parse(text, size, error);
  return document && ablak_identity_write_document(state, document, hq, error);
}

bool ablak_command_enrol(const AblakOptions *options, GError **error)
{
  const char *state = ablak_options_need(options, "state", error), *hq, *box, *code;
  if (!state || !(hq = ablak_options_need(options, "hq", error)) ||
      !(box = ablak_options_need(options, "box", error)) ||
      !(code = ablak_options_need(options, "code", error)) ||
      !ablak_layout_make(state, ABLAK_STATE_BOX, error) || !pin(options, state, error))
    return false;
  g_autofree char *ca = ablak_layout_path(state, ABLAK_LAYOUT_BOX_CA);
  if (!get_certificate(state, hq, ca, box, code, error) || !get_document(state, hq, ca, error))
    return false;
  g_autoptr(AblakIdentity) identity = ablak_identity_load(state, error);
  if (!identity)
    return false;
  printf("box: %s\noffice: %s\nepoch: %" G_GINT64_FORMAT "\n", identity->box, identity->office,
         identity->epoch);
  return true;
}
