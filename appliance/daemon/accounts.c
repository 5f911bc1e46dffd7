#include "daemon/accounts.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/error.h"
#include "core/log.h"
#include "daemon/handler.h"
#include <gio/gio.h>
#include <string.h>

#define FREE_FAILURES 5
#define WAIT_MOST_MS (15 * 60 * 1000)

struct AblakSignIns {
  AblakStore *store;
  char *cookie_name;
  AblakPersonView view;
  AblakWork *work;
  gpointer app;
  AblakThrottle *throttle;
  char *decoy; /* a hash to verify against when the name is not known */
};

AblakSignIns *ablak_sign_ins_new(AblakStore *store, const char *cookie_name, AblakPersonView view,
                                 AblakWork *work, gpointer app)
{
  AblakSignIns *sign_ins = g_new0(AblakSignIns, 1);
  sign_ins->store = store;
  sign_ins->cookie_name = g_strdup(cookie_name);
  sign_ins->view = view;
  sign_ins->work = work;
  sign_ins->app = app;
  sign_ins->throttle = ablak_throttle_new(FREE_FAILURES, WAIT_MOST_MS);
  sign_ins->decoy = ablak_password_hash("", NULL);
  return sign_ins;
}

void ablak_sign_ins_free(AblakSignIns *sign_ins)
{
  if (!sign_ins)
    return;
  g_free(sign_ins->cookie_name);
  g_free(sign_ins->decoy);
  ablak_throttle_free(sign_ins->throttle);
  g_free(sign_ins);
}

char *ablak_cookie(const char *name, const char *secret, gint64 life_s)
{
  return g_strdup_printf(
      "%s=%s; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=%" G_GINT64_FORMAT, name, secret,
      *secret ? life_s : 0);
}

static AblakPerson *person_of(const AblakStaff *staff, const char *session)
{
  AblakPerson *person = ablak_person_new(ABLAK_PERSON_STAFF);
  person->id = g_strdup(staff->id);
  person->login = g_strdup(staff->login);
  person->name = g_strdup(staff->name);
  person->roles = g_strdupv(staff->roles);
  person->language = g_strdup(staff->language);
  person->session = g_strdup(session);
  return person;
}

/* --- whose cookie -------------------------------------------------------------------------------
 */

static bool touch(AblakTxn *txn, gpointer secret, GError **error)
{
  return ablak_sign_in_touch(txn, secret, error);
}

AblakPerson *ablak_sign_ins_person(AblakSignIns *sign_ins, AblakTxn *txn, AblakRequest *request,
                                   GError **error)
{
  const char *secret = ablak_request_cookie(request, sign_ins->cookie_name);
  if (!secret || !*secret)
    return NULL;
  bool stale = false;
  g_autoptr(AblakStaff) staff = ablak_sign_in_find(txn, secret, &stale, error);
  if (!staff)
    return NULL;
  if (stale)
    ablak_store_write(sign_ins->store, touch, NULL, g_strdup(secret), g_free);
  return person_of(staff, secret);
}

bool ablak_sign_ins_check(AblakSignIns *sign_ins, AblakTxn *txn, const AblakPerson *person,
                          bool active, bool *ret_valid, GError **error)
{
  bool stale = false;
  g_autoptr(GError) failure = NULL;
  g_autoptr(AblakStaff) staff = ablak_sign_in_find(txn, person->session, &stale, &failure);
  if (failure) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
  }
  *ret_valid =
      staff && g_strv_equal((const char *const *)staff->roles, (const char *const *)person->roles);
  if (*ret_valid && active && stale)
    ablak_store_write(sign_ins->store, touch, NULL, g_strdup(person->session), g_free);
  return true;
}

/* --- signing in: look up, verify beside the loop, then one job
 * ------------------------------------ */

typedef struct {
  AblakSignIns *sign_ins;
  AblakRequest *request;
  AblakStaff *staff; /* NULL: unknown name */
  char *password, *address_key, *login_key, *secret;
  bool right;
} SignIn;

static void sign_in_free(gpointer data)
{
  SignIn *sign_in = data;
  if (sign_in->password) {
    explicit_bzero(sign_in->password, strlen(sign_in->password));
    g_free(sign_in->password);
  }
  g_free(sign_in->address_key);
  g_free(sign_in->login_key);
  g_free(sign_in->secret);
  ablak_staff_free(sign_in->staff);
  ablak_request_unref(sign_in->request);
  g_free(sign_in);
}

static void reply_me(AblakSignIns *sign_ins, AblakRequest *request, const AblakPerson *person)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(sign_ins->store, &error);
  json_t *body = txn ? sign_ins->view(txn, person, sign_ins->app, &error) : NULL;
  if (body)
    ablak_request_reply_json(request, 200, body);
  else
    ablak_request_reply_error(request, error);
}

static bool create(AblakTxn *txn, gpointer data, GError **error)
{
  SignIn *sign_in = data;
  g_clear_pointer(&sign_in->secret, g_free);
  return ablak_sign_in_create(txn, sign_in->staff->id, &sign_in->secret, error);
}

static void created(const GError *error, gpointer data)
{
  SignIn *sign_in = data;
  if (error) {
    ablak_request_reply_error(sign_in->request, error);
    return;
  }
  g_autofree char *cookie =
      ablak_cookie(sign_in->sign_ins->cookie_name, sign_in->secret, ABLAK_SIGN_IN_LIFE_MS / 1000);
  ablak_request_set_header(sign_in->request, "set-cookie", cookie);
  g_autoptr(AblakPerson) person = person_of(sign_in->staff, sign_in->secret);
  reply_me(sign_in->sign_ins, sign_in->request, person);
}

static void verify(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  SignIn *sign_in = data;
  bool known = sign_in->staff && !sign_in->staff->disabled;
  bool matches = !ablak_work_is_stopping(sign_in->sign_ins->work) &&
                 ablak_password_verify(sign_in->password, known ? sign_in->staff->password_hash
                                                                : sign_in->sign_ins->decoy);
  sign_in->right = known && matches;
  ablak_crypto_leave_thread();
  g_task_return_boolean(task, TRUE);
}

static void verified(GObject *source, GAsyncResult *result, gpointer data)
{
  SignIn *sign_in = data;
  AblakThrottle *throttle = sign_in->sign_ins->throttle;
  ablak_work_end(sign_in->sign_ins->work);
  if (!sign_in->right) {
    ablak_log(ABLAK_LOG_WARNING, "sign-in.refused", "staff",
              sign_in->staff ? sign_in->staff->id : NULL, NULL);
    g_autoptr(GError) error = NULL;
    ablak_error_set(&error, ABLAK_ERROR_UNAUTHENTICATED, "accounts/wrong-password",
                    "wrong name or password");
    ablak_request_reply_error(sign_in->request, error);
    sign_in_free(sign_in);
    return;
  }
  ablak_throttle_succeeded(throttle, sign_in->login_key);
  ablak_throttle_succeeded(throttle, sign_in->address_key);
  ablak_store_write(sign_in->sign_ins->store, create, created, sign_in, sign_in_free);
}

/* Every try counts as failed until it has succeeded: guesses made side by side, while the first is
 * still being verified, must not all pass. */
static bool may_try(const SignIn *sign_in, GError **error)
{
  gint64 now_ms = ablak_clock_monotonic_ms();
  bool may =
      ablak_throttle_check(sign_in->sign_ins->throttle, sign_in->address_key, now_ms, error) &&
      ablak_throttle_check(sign_in->sign_ins->throttle, sign_in->login_key, now_ms, error);
  if (may) {
    ablak_throttle_failed(sign_in->sign_ins->throttle, sign_in->address_key, now_ms);
    ablak_throttle_failed(sign_in->sign_ins->throttle, sign_in->login_key, now_ms);
  }
  return may;
}

void ablak_sign_ins_sign_in(AblakSignIns *sign_ins, AblakRequest *request)
{
  json_t *body = ablak_request_json(request);
  const char *login = ablak_json_get_string(body, "login");
  SignIn *sign_in = g_new0(SignIn, 1);
  sign_in->sign_ins = sign_ins;
  sign_in->request = ablak_request_ref(request);
  sign_in->password = g_strdup(ablak_json_get_string(body, "password"));
  g_autofree char *network = ablak_request_network(request);
  sign_in->address_key = g_strconcat("address:", network, NULL);
  sign_in->login_key = g_strconcat("login:", login, NULL);
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn =
      may_try(sign_in, &error) ? ablak_store_read(sign_ins->store, &error) : NULL;
  if (!txn) {
    ablak_request_reply_error(request, error);
    sign_in_free(sign_in);
    return;
  }
  /* An unknown name goes on as if it were known; a store that fails does not. */
  sign_in->staff = ablak_staff_by_login(txn, login, &error);
  if (error && !g_error_matches(error, ABLAK_ERROR, ABLAK_ERROR_NOT_FOUND)) {
    ablak_request_reply_error(request, error);
    sign_in_free(sign_in);
    return;
  }
  g_autoptr(GTask) task = g_task_new(NULL, NULL, verified, sign_in);
  g_task_set_task_data(task, sign_in, NULL);
  ablak_work_begin(sign_ins->work);
  g_task_run_in_thread(task, verify);
}

void ablak_sign_ins_me(AblakSignIns *sign_ins, AblakRequest *request)
{
  reply_me(sign_ins, request, ablak_request_person(request));
}

static bool end(AblakTxn *txn, AblakCall *call, GError **error)
{
  return ablak_sign_in_end(txn, call->person->session, error);
}

void ablak_sign_ins_sign_out(AblakSignIns *sign_ins, AblakRequest *request)
{
  g_autofree char *cookie = ablak_cookie(sign_ins->cookie_name, "", 0);
  ablak_request_set_header(request, "set-cookie", cookie);
  ablak_call_write(sign_ins->store, request, NULL, 204, end, NULL);
}
