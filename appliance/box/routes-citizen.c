/* The citizen's side of a visit: joining, coming back, a second device, leaving. A guest comes in
 * the same way, with less. */
#include "box/invitation.h"
#include "box/routes.h"
#include "box/views.h"
#include "box/visits.h"
#include "core/error.h"
#include "core/log.h"
#include "daemon/handler.h"
#include <queue/waiting.h>
#include <string.h>

/* The throttle counts wrong secrets and codes by address; an unknown code must cost more than a
 * typing error. Every try counts as wrong until it has turned out right: of guesses made side by
 * side, only the first few are read. */
static bool may_try(AblakBranch *box, AblakRequest *request)
{
  g_autofree char *network = ablak_request_network(request);
  gint64 now_ms = ablak_clock_monotonic_ms();
  g_autoptr(GError) error = NULL;
  if (ablak_throttle_check(box->invitations, network, now_ms, &error)) {
    ablak_throttle_failed(box->invitations, network, now_ms);
    return true;
  }
  ablak_request_reply_error(request, error);
  return false;
}

typedef struct {
  AblakBranch *box;
  AblakRequest *request;
  char *secret, *code, *token, *language;
  char *name; /* a guest's; NULL: it is a citizen */
  AblakJoined *joined;
  AblakGuest *guest;
  char *cookie; /* the guest's */
} Join;

static void join_free(gpointer data)
{
  Join *join = data;
  g_free(join->secret);
  g_free(join->code);
  g_free(join->token);
  g_free(join->language);
  g_free(join->name);
  g_free(join->cookie);
  ablak_guest_free(join->guest);
  ablak_joined_free(join->joined);
  ablak_request_unref(join->request);
  g_free(join);
}

/* Into the line, if it is to a visit that has to be waited for. */
static bool enter_line(AblakTxn *txn, const Join *join, GError **error)
{
  g_autofree char *day = ablak_box_today(join->box);
  return ablak_place_enter(txn, day, join->joined->visit_id, join->language, error);
}

/* A visit that ended with its number, or with the day, leaves its invitations behind. */
static bool goes_on(const AblakVisit *visit, GError **error)
{
  if (strcmp(visit->state, "open") != 0)
    ablak_error_set(error, ABLAK_ERROR_GONE, "accounts/invitation-expired",
                    "the visit of the invitation has ended");
  return strcmp(visit->state, "open") == 0;
}

static bool leads_somewhere(AblakTxn *txn, const Join *join, GError **error)
{
  g_autoptr(GError) failure = NULL;
  g_autoptr(AblakVisit) visit = ablak_visit_load(txn, join->joined->visit_id, &failure);
  if (g_error_matches(failure, ABLAK_ERROR, ABLAK_ERROR_NOT_FOUND))
    return enter_line(txn, join, error);
  if (!visit) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
  }
  return goes_on(visit, error);
}

static bool redeem_guest(AblakTxn *txn, Join *join, GError **error)
{
  g_clear_pointer(&join->guest, ablak_guest_free);
  g_clear_pointer(&join->cookie, g_free);
  join->guest = ablak_guest_join(txn, join->secret, join->name, &join->cookie, error);
  g_autoptr(AblakVisit) visit =
      join->guest ? ablak_visit_load(txn, join->guest->visit_id, error) : NULL;
  return visit && goes_on(visit, error);
}

static bool redeem(AblakTxn *txn, gpointer data, GError **error)
{
  Join *join = data;
  if (join->name)
    return redeem_guest(txn, join, error);
  g_clear_pointer(&join->joined, ablak_joined_free);
  join->joined = join->token ? ablak_citizen_resume(txn, join->token, error)
                             : ablak_invitation_redeem(txn, join->secret, join->code, error);
  return join->joined && (join->token || leads_somewhere(txn, join, error));
}

static void joined(const GError *error, gpointer data)
{
  Join *join = data;
  bool wrong = g_error_matches(error, ABLAK_ERROR, ABLAK_ERROR_NOT_FOUND) ||
               g_error_matches(error, ABLAK_ERROR, ABLAK_ERROR_GONE);
  g_autofree char *network = ablak_request_network(join->request);
  if (wrong)
    ablak_log(ABLAK_LOG_WARNING, "invitation.refused", "slug", ablak_error_slug(error), NULL);
  else
    ablak_throttle_forgive(join->box->invitations, network);
  if (error) {
    ablak_request_reply_error(join->request, error);
    return;
  }
  g_autofree char *cookie =
      join->guest
          ? ablak_cookie(ABLAK_GUEST_COOKIE, join->cookie, ABLAK_CITIZEN_COOKIE_S)
          : ablak_cookie(ABLAK_CITIZEN_COOKIE, join->joined->secret, ABLAK_CITIZEN_COOKIE_S);
  ablak_request_set_header(join->request, "set-cookie", cookie);
  if (join->guest)
    ablak_request_reply_json(
        join->request, 200,
        json_pack("{s:s, s:s}", "id", join->guest->id, "visitId", join->guest->visit_id));
  else
    ablak_request_reply_json(join->request, 200,
                             json_pack("{s:s, s:s}", "visitId", join->joined->visit_id,
                                       "resumeToken", join->joined->resume_token));
}

static void start(AblakBranch *box, AblakRequest *request, const char *secret, char *code,
                  const char *token, const char *name)
{
  const char *language = ablak_json_get_string(ablak_request_json(request), "language");
  Join *join = g_new0(Join, 1);
  join->box = box;
  join->request = ablak_request_ref(request);
  join->secret = g_strdup(secret);
  join->code = code;
  join->token = g_strdup(token);
  join->language = g_strdup(language ? language : "");
  join->name = g_strdup(name);
  ablak_store_write(box->store, redeem, joined, join, join_free);
}

/* The digits of a code as people type it: with blanks. */
static char *digits_of(const char *text)
{
  GString *digits = g_string_new(NULL);
  for (; *text; text++)
    if (g_ascii_isdigit(*text))
      g_string_append_c(digits, *text);
  return g_string_free(digits, FALSE);
}

void ablak_box_join(AblakRequest *request, gpointer app)
{
  json_t *body = ablak_request_json(request);
  const char *secret = ablak_json_get_string(body, "secret"),
             *code = ablak_json_get_string(body, "code");
  if (!secret == !code) {
    g_autoptr(GError) error = NULL;
    ablak_error_set(&error, ABLAK_ERROR_UNPROCESSABLE, "request/schema", "either secret or code");
    ablak_request_reply_error(request, error);
    return;
  }
  if (may_try(app, request))
    start(app, request, secret, code ? digits_of(code) : NULL, NULL, NULL);
}

void ablak_box_resume_join(AblakRequest *request, gpointer app)
{
  if (may_try(app, request))
    start(app, request, NULL, NULL, ablak_json_get_string(ablak_request_json(request), "token"),
          NULL);
}

void ablak_box_join_as_guest(AblakRequest *request, gpointer app)
{
  json_t *body = ablak_request_json(request);
  if (may_try(app, request))
    start(app, request, ablak_json_get_string(body, "secret"), NULL, NULL,
          ablak_json_get_string(body, "name"));
}

/* --- in the visit
 * ----------------------------------------------------------------------------------- */

static json_t *visit_view(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakVisit) visit = ablak_visit_load(txn, call->person->visit, error);
  return visit ? ablak_view_visit(txn, call->app, visit, error) : NULL;
}

void ablak_box_get_visit(AblakRequest *request, gpointer app)
{
  ablak_call_read(((AblakBranch *)app)->store, request, app, visit_view);
}

static bool hand_over(AblakTxn *txn, AblakCall *call, GError **error)
{
  g_autoptr(AblakVisit) visit = ablak_visit_load(txn, call->person->visit, error);
  return visit && ablak_box_require_open(visit, error) &&
         ablak_invitation_offer(txn, call, visit->id, ABLAK_OFFER_HANDOVER, error);
}

void ablak_box_create_handover(AblakRequest *request, gpointer app)
{
  AblakBranch *box = app;
  g_autoptr(GError) error = NULL;
  /* Each is kept until it has run out. */
  if (ablak_allowance_take(box->messages, ablak_request_person(request)->id,
                           ablak_clock_monotonic_ms(), &error))
    ablak_call_write_with(box->store, request, app, 201, hand_over, ablak_invitation_view,
                          ablak_invitation_offer_new(), ablak_invitation_offer_free);
  else
    ablak_request_reply_error(request, error);
}

static bool leave(AblakTxn *txn, AblakCall *call, GError **error)
{
  return ablak_citizen_leave(txn, call->person->session, error);
}

void ablak_box_leave_visit(AblakRequest *request, gpointer app)
{
  ablak_open_pages_end_session(((AblakBranch *)app)->pages, ablak_request_person(request)->session);
  g_autofree char *cookie = ablak_cookie(ABLAK_CITIZEN_COOKIE, "", 0);
  ablak_request_set_header(request, "set-cookie", cookie);
  ablak_call_write(((AblakBranch *)app)->store, request, app, 204, leave, NULL);
}
