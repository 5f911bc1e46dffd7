/* accounts: the staff file, staff rows, sign-in sessions. */
#include "../store/fixture.h"
#include "accounts/accounts.h"
#include "core/crypto.h"
#include <string.h>

#define HEADER "login,name,roles,language,password\n"
#define MINUTE_MS G_GINT64_CONSTANT(60000)

static const AblakStorePart *const parts[] = {&ablak_accounts_store_part, NULL};

static GPtrArray *read_csv(const char *text, GError **error)
{
  /* A copy of the exact size, so that reading past the end is found. */
  g_autofree char *exact = g_memdup2(text, strlen(text));
  return ablak_staff_from_csv(exact, strlen(text), error);
}

static void test_csv(void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) people =
      read_csv("\xef\xbb\xbf# sample\r\n" HEADER
               "kati,\"Minta \"\"K.\"\", Kati\",clerk supervisor,hu,\"a,b\"\r\n"
               "\r\npetr,Petr Vzor,it,cs,heslo heslo",
               &error);
  g_assert_no_error(error);
  g_assert_cmpuint(people->len, ==, 2);
  const AblakStaff *kati = people->pdata[0], *petr = people->pdata[1];
  g_assert_cmpstr(kati->name, ==, "Minta \"K.\", Kati");
  g_assert_cmpstr(kati->roles[0], ==, "clerk");
  g_assert_cmpstr(kati->roles[1], ==, "supervisor");
  g_assert_null(kati->roles[2]);
  g_assert_true(ablak_password_verify("a,b", kati->password_hash));
  g_assert_cmpstr(petr->language, ==, "cs");
  g_assert_false(petr->disabled);
}

static void test_csv_refused(void)
{
  static const struct {
    const char *text, *words;
  } samples[] = {
      {"", "nobody"},
      {HEADER, "nobody"},
      {"name,login\n", "first line"},
      {HEADER "a,A,clerk,hu\n", "line 2: five columns"},
      {HEADER "a,A,clerk,hu,p,q\n", "line 2: five columns"},
      {HEADER "a,A,clerk,hu,p\nb,,clerk,hu,p\n", "line 3: the column name"},
      {HEADER "a,A,boss,hu,p\n", "line 2: roles"},
      {HEADER "a,A,clerk  it,hu,p\n", "line 2: roles"},
      {HEADER "a,A,clerk,xx,p\n", "line 2: the language"},
      {HEADER "a,A,clerk,hu,p\n\n# c\na,B,it,hu,p\n", "line 5: this login"},
      {HEADER "a,\"A\nB\",clerk,hu,p\n", "the column name"},
      {HEADER " a,A,clerk,hu,p\n", "the column login"},
      {HEADER "a,\"A,clerk,hu,p\n", "no end"},
      {HEADER "a,\"A\"x,clerk,hu,p\n", "closing quote"},
      {HEADER "a,A\xff,clerk,hu,p\n", "UTF-8"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(samples); i++) {
    g_autoptr(GError) error = NULL;
    g_assert_null(read_csv(samples[i].text, &error));
    g_assert_cmpstr(ablak_error_slug(error), ==, "accounts/csv");
    if (strstr(error->message, samples[i].words) == NULL)
      g_error("sample %zu: \"%s\" lacks \"%s\"", i, error->message, samples[i].words);
  }
}

/* --- with a store
 * ---------------------------------------------------------------------------------- */

static AblakStaff *person_new(const char *login, const char *roles)
{
  AblakStaff *staff = g_new0(AblakStaff, 1);
  staff->login = g_strdup(login);
  staff->name = g_strdup(login);
  staff->language = g_strdup("hu");
  staff->password_hash = g_strdup("$scrypt$none");
  staff->roles = g_strsplit(roles, " ", -1);
  return staff;
}

typedef struct {
  GPtrArray *people;
  gsize added, changed;
  char *id; /* of the first */
} Import;

static bool import(AblakTxn *txn, gpointer data, GError **error)
{
  Import *import = data;
  g_autoptr(GPtrArray) ids = NULL;
  if (!ablak_staff_import(txn, import->people, &import->added, &import->changed, &ids, error))
    return false;
  g_assert_cmpuint(ids->len, ==, import->people->len);
  g_free(import->id);
  import->id = g_strdup(ids->pdata[0]);
  return true;
}

static char *import_one(AblakStore *store, const char *login, const char *roles)
{
  g_autoptr(GPtrArray) people = g_ptr_array_new_with_free_func((GDestroyNotify)ablak_staff_free);
  g_ptr_array_add(people, person_new(login, roles));
  Import job = {.people = people};
  g_autoptr(GError) error = NULL;
  g_assert_true(ablak_store_write_sync(store, import, &job, &error));
  g_assert_no_error(error);
  return job.id;
}

static void test_import(Fixture *fixture, gconstpointer data)
{
  g_autofree char *first = import_one(fixture->store, "kati", "clerk");
  g_autofree char *again = import_one(fixture->store, "kati", "clerk supervisor");
  g_assert_cmpstr(first, ==, again);
  g_autoptr(GPtrArray) people = g_ptr_array_new_with_free_func((GDestroyNotify)ablak_staff_free);
  g_ptr_array_add(people, person_new("kati", "it"));
  g_ptr_array_add(people, person_new("ada", "it"));
  Import job = {.people = people};
  g_autoptr(GError) error = NULL;
  g_assert_true(ablak_store_write_sync(fixture->store, import, &job, &error));
  g_assert_cmpuint(job.added, ==, 1);
  g_assert_cmpuint(job.changed, ==, 1);
  g_free(job.id);
  g_autoptr(AblakTxn) txn = ablak_store_read(fixture->store, &error);
  g_autoptr(GPtrArray) all = ablak_staff_all(txn, &error);
  g_assert_cmpuint(all->len, ==, 2);
  g_assert_cmpstr(((AblakStaff *)all->pdata[0])->login, ==, "ada");
  g_autoptr(AblakStaff) kati = ablak_staff_by_login(txn, "kati", &error);
  g_assert_cmpstr(kati->roles[0], ==, "it");
  g_assert_null(ablak_staff_by_login(txn, "nobody", &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "accounts/no-such-person");
}

typedef struct {
  const char *staff_id;
  char *secret;
} SignIn;

static bool create(AblakTxn *txn, gpointer data, GError **error)
{
  SignIn *sign_in = data;
  g_clear_pointer(&sign_in->secret, g_free);
  return ablak_sign_in_create(txn, sign_in->staff_id, &sign_in->secret, error);
}

static bool touch(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_sign_in_touch(txn, ((SignIn *)data)->secret, error);
}

static bool end(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_sign_in_end(txn, ((SignIn *)data)->secret, error);
}

static bool prune(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_accounts_prune(txn, error);
}

static void write_ok(Fixture *fixture, AblakJob job, gpointer data)
{
  g_autoptr(GError) error = NULL;
  bool done = ablak_store_write_sync(fixture->store, job, data, &error);
  g_assert_no_error(error);
  g_assert_true(done);
}

static bool is_signed_in(Fixture *fixture, const char *secret, bool *ret_stale)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(fixture->store, &error);
  bool stale = false;
  g_autoptr(AblakStaff) staff = ablak_sign_in_find(txn, secret, &stale, &error);
  g_assert_no_error(error);
  if (ret_stale != NULL)
    *ret_stale = stale;
  return staff != NULL;
}

static void test_sessions(Fixture *fixture, gconstpointer data)
{
  g_autofree char *id = import_one(fixture->store, "kati", "clerk");
  SignIn sign_in = {id, NULL}, other = {id, NULL};
  write_ok(fixture, create, &sign_in);
  write_ok(fixture, create, &other);
  g_assert_cmpuint(strlen(sign_in.secret), ==, 43);
  bool stale;
  g_assert_true(is_signed_in(fixture, sign_in.secret, &stale));
  g_assert_false(stale);
  g_assert_false(is_signed_in(fixture, "guess", NULL));
  g_assert_false(is_signed_in(fixture, "", NULL));
  /* Sliding: touched within the idle time, it goes on; not touched, it ends. */
  for (int i = 0; i < 3; i++) {
    fixture->now_ms += ABLAK_SIGN_IN_IDLE_MS - MINUTE_MS;
    g_assert_true(is_signed_in(fixture, sign_in.secret, &stale));
    g_assert_true(stale);
    write_ok(fixture, touch, &sign_in);
  }
  g_assert_false(is_signed_in(fixture, other.secret, NULL));
  write_ok(fixture, end, &sign_in);
  g_assert_false(is_signed_in(fixture, sign_in.secret, NULL));
  /* However busy, nobody stays longer than the whole life. */
  write_ok(fixture, create, &sign_in);
  for (gint64 passed = 0; passed <= ABLAK_SIGN_IN_LIFE_MS; passed += ABLAK_SIGN_IN_IDLE_MS / 2) {
    g_assert_true(is_signed_in(fixture, sign_in.secret, NULL));
    fixture->now_ms += ABLAK_SIGN_IN_IDLE_MS / 2;
    write_ok(fixture, touch, &sign_in);
  }
  g_assert_false(is_signed_in(fixture, sign_in.secret, NULL));
  write_ok(fixture, prune, NULL);
  g_assert_cmpint(fixture_int(fixture->store, "SELECT count(*) FROM sign_in"), ==, 0);
  g_free(sign_in.secret);
  g_free(other.secret);
}

static bool disable(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_staff_set_disabled(txn, ((SignIn *)data)->staff_id, true, "system", error);
}

static void test_disabled(Fixture *fixture, gconstpointer data)
{
  g_autofree char *id = import_one(fixture->store, "kati", "clerk");
  SignIn sign_in = {id, NULL}, late = {id, NULL}, nobody = {"nobody", NULL};
  write_ok(fixture, create, &sign_in);
  write_ok(fixture, disable, &sign_in);
  g_assert_false(is_signed_in(fixture, sign_in.secret, NULL));
  write_ok(fixture, create, &late);
  g_assert_false(is_signed_in(fixture, late.secret, NULL));
  g_autoptr(GError) error = NULL;
  g_assert_false(ablak_store_write_sync(fixture->store, disable, &nobody, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "accounts/no-such-person");
  g_free(sign_in.secret);
  g_free(late.secret);
}

static void test_throttle(void)
{
  g_autoptr(AblakThrottle) throttle = ablak_throttle_new(3, 8000);
  gint64 now_ms = 1000000;
  for (int i = 0; i < 3; i++) {
    g_assert_true(ablak_throttle_check(throttle, "a", now_ms, NULL));
    ablak_throttle_failed(throttle, "a", now_ms);
  }
  g_autoptr(GError) error = NULL;
  g_assert_false(ablak_throttle_check(throttle, "a", now_ms + 999, &error));
  g_assert_cmpstr(ablak_error_slug(error), ==, "request/rate-limited");
  g_assert_cmpuint(ablak_error_status(error), ==, 429);
  g_assert_true(ablak_throttle_check(throttle, "a", now_ms + 1000, NULL));
  g_assert_true(ablak_throttle_check(throttle, "b", now_ms, NULL));
  /* Doubled up to the most. */
  for (gint64 wait_ms = 2000; wait_ms <= 8000; wait_ms *= 2) {
    ablak_throttle_failed(throttle, "a", now_ms);
    g_assert_false(ablak_throttle_check(throttle, "a", now_ms + wait_ms - 1, NULL));
    g_assert_true(ablak_throttle_check(throttle, "a", now_ms + wait_ms, NULL));
  }
  for (int i = 0; i < 100; i++)
    ablak_throttle_failed(throttle, "a", now_ms);
  g_assert_true(ablak_throttle_check(throttle, "a", now_ms + 8000, NULL));
  ablak_throttle_succeeded(throttle, "a");
  g_assert_true(ablak_throttle_check(throttle, "a", now_ms, NULL));
  /* Bounded: many keys push the oldest out. */
  for (int i = 0; i < 3; i++)
    ablak_throttle_failed(throttle, "old", now_ms);
  for (int i = 0; i < 10000; i++) {
    g_autofree char *key = g_strdup_printf("k%d", i);
    ablak_throttle_failed(throttle, key, now_ms);
  }
  g_assert_true(ablak_throttle_check(throttle, "old", now_ms, NULL));
}

#define ADD(name, function)                                                                        \
  g_test_add("/accounts/" name, Fixture, parts, fixture_set_up, function, fixture_tear_down)

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/accounts/csv/read", test_csv);
  g_test_add_func("/accounts/csv/refused", test_csv_refused);
  ADD("import", test_import);
  ADD("sessions", test_sessions);
  ADD("disabled", test_disabled);
  g_test_add_func("/accounts/throttle", test_throttle);
  return g_test_run();
}
