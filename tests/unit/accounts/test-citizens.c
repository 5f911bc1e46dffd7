/* accounts: invitations and citizens' sessions. */
#include "../store/fixture.h"
#include "accounts/accounts.h"
#include <string.h>

#define MINUTE_MS G_GINT64_CONSTANT(60000)
#define LIFE_MS (30 * MINUTE_MS)
#define VISIT "0190aaaa-0000-7000-8000-000000000001"
#define OTHER_VISIT "0190aaaa-0000-7000-8000-000000000002"

static const AblakStorePart *const parts[] = {&ablak_accounts_store_part, NULL};

typedef struct {
  const char *visit;
  bool replace, without_code;
  char *secret, *code;
  gint64 expires_ms;
} Offer;

static bool create(AblakTxn *txn, gpointer data, GError **error)
{
  Offer *offer = data;
  return ablak_invitation_create(txn, offer->visit, LIFE_MS, offer->replace, &offer->secret,
                                 offer->without_code ? NULL : &offer->code, &offer->expires_ms,
                                 error);
}

static void offer_clear(Offer *offer)
{
  g_free(offer->secret);
  g_free(offer->code);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Offer, offer_clear)

static void offer(Fixture *fixture, Offer *offer)
{
  g_autoptr(GError) error = NULL;
  g_assert_true(ablak_store_write_sync(fixture->store, create, offer, &error));
  g_assert_no_error(error);
}

typedef struct {
  const char *secret, *code, *token;
  AblakJoined *joined;
} Join;

static bool join(AblakTxn *txn, gpointer data, GError **error)
{
  Join *join = data;
  join->joined = join->token != NULL
                     ? ablak_citizen_resume(txn, join->token, error)
                     : ablak_invitation_redeem(txn, join->secret, join->code, error);
  return join->joined != NULL;
}

static AblakJoined *try_join(Fixture *fixture, const char *secret, const char *code,
                             const char *token, const char *slug)
{
  Join attempt = {secret, code, token, NULL};
  g_autoptr(GError) error = NULL;
  bool done = ablak_store_write_sync(fixture->store, join, &attempt, &error);
  if (slug == NULL)
    g_assert_no_error(error);
  else
    g_assert_cmpstr(ablak_error_slug(error), ==, slug);
  g_assert_true(done == (slug == NULL));
  return attempt.joined;
}

static char *find_visit(Fixture *fixture, const char *secret)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(fixture->store, &error);
  char *visit = ablak_citizen_find(txn, secret, NULL, &error);
  g_assert_no_error(error);
  return visit;
}

static bool is_in(Fixture *fixture, const char *secret, const char *visit)
{
  g_autofree char *found = find_visit(fixture, secret);
  return g_strcmp0(found, visit) == 0;
}

static void test_by_secret(Fixture *fixture, gconstpointer data)
{
  g_auto(Offer) one = {.visit = VISIT};
  offer(fixture, &one);
  g_assert_cmpuint(strlen(one.secret), ==, 43);
  g_assert_cmpuint(strlen(one.code), ==, 8);
  g_assert_cmpint(one.expires_ms, ==, fixture->now_ms + LIFE_MS);
  try_join(fixture, "wrong", NULL, NULL, "accounts/invitation-unknown");
  try_join(fixture, "", NULL, NULL, "accounts/invitation-unknown");
  g_autoptr(AblakJoined) joined = try_join(fixture, one.secret, NULL, NULL, NULL);
  g_assert_cmpstr(joined->visit_id, ==, VISIT);
  g_assert_true(is_in(fixture, joined->secret, VISIT));
  g_assert_false(is_in(fixture, one.secret, VISIT));
  /* One use, whichever way. */
  try_join(fixture, one.secret, NULL, NULL, "accounts/invitation-used");
  try_join(fixture, NULL, one.code, NULL, "accounts/invitation-used");
  g_assert_cmpint(fixture_int(fixture->store, "SELECT count(*) FROM citizen_session"), ==, 1);
}

static void test_by_code(Fixture *fixture, gconstpointer data)
{
  g_auto(Offer) one = {.visit = VISIT}, two = {.visit = OTHER_VISIT};
  offer(fixture, &one);
  offer(fixture, &two);
  g_assert_cmpstr(one.code, !=, two.code);
  g_autoptr(AblakJoined) joined = try_join(fixture, NULL, two.code, NULL, NULL);
  g_assert_cmpstr(joined->visit_id, ==, OTHER_VISIT);
  try_join(fixture, NULL, "00000000x", NULL, "accounts/invitation-unknown");
  /* The code is not the secret and the secret is not the code. */
  try_join(fixture, one.code, NULL, NULL, "accounts/invitation-unknown");
  try_join(fixture, NULL, one.secret, NULL, "accounts/invitation-unknown");
}

static void test_expired_and_replaced(Fixture *fixture, gconstpointer data)
{
  g_auto(Offer) old = {.visit = VISIT}, new = {.visit = VISIT, .replace = true};
  offer(fixture, &old);
  offer(fixture, &new);
  try_join(fixture, old.secret, NULL, NULL, "accounts/invitation-unknown");
  try_join(fixture, NULL, old.code, NULL, "accounts/invitation-unknown");
  fixture->now_ms += LIFE_MS;
  try_join(fixture, new.secret, NULL, NULL, "accounts/invitation-expired");
  g_assert_cmpint(fixture_int(fixture->store, "SELECT count(*) FROM citizen_session"), ==, 0);
}

static void test_hand_over(Fixture *fixture, gconstpointer data)
{
  g_auto(Offer) first = {.visit = VISIT}, second = {.visit = VISIT, .without_code = true};
  offer(fixture, &first);
  offer(fixture, &second);
  g_assert_null(second.code);
  g_autoptr(AblakJoined) phone = try_join(fixture, first.secret, NULL, NULL, NULL);
  g_autoptr(AblakJoined) laptop = try_join(fixture, second.secret, NULL, NULL, NULL);
  g_assert_true(is_in(fixture, phone->secret, VISIT));
  g_assert_true(is_in(fixture, laptop->secret, VISIT));
}

static void test_resume(Fixture *fixture, gconstpointer data)
{
  g_auto(Offer) one = {.visit = VISIT};
  offer(fixture, &one);
  g_autoptr(AblakJoined) first = try_join(fixture, one.secret, NULL, NULL, NULL);
  g_autoptr(AblakJoined) second = try_join(fixture, NULL, NULL, first->resume_token, NULL);
  g_assert_cmpstr(second->visit_id, ==, VISIT);
  g_assert_false(is_in(fixture, first->secret, VISIT));
  g_assert_true(is_in(fixture, second->secret, VISIT));
  try_join(fixture, NULL, NULL, first->resume_token, "accounts/resume-unknown");
  try_join(fixture, NULL, NULL, second->secret, "accounts/resume-unknown");
}

static bool prune(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_accounts_prune(txn, error);
}

/* An invitation's life is the time to come by it, not the time to stay: who waits longer in the
 * line, or loads the page again after that, is still in, and comes back with the token, too. */
static void test_outlives_invitation(Fixture *fixture, gconstpointer data)
{
  g_auto(Offer) one = {.visit = VISIT};
  offer(fixture, &one);
  fixture->now_ms += LIFE_MS - 1;
  g_autoptr(AblakJoined) joined = try_join(fixture, one.secret, NULL, NULL, NULL);
  fixture->now_ms += 2;
  g_assert_true(is_in(fixture, joined->secret, VISIT));
  fixture->now_ms += 7 * 60 * MINUTE_MS;
  g_assert_true(is_in(fixture, joined->secret, VISIT));
  g_autoptr(GError) error = NULL;
  g_assert_true(ablak_store_write_sync(fixture->store, prune, NULL, &error));
  g_autoptr(AblakJoined) back = try_join(fixture, NULL, NULL, joined->resume_token, NULL);
  g_assert_true(is_in(fixture, back->secret, VISIT));
}

static bool end_visit(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_citizen_end_visit(txn, VISIT, 10 * MINUTE_MS, error);
}

/* After the end of a visit the receipt stays readable for a while; coming back does not lengthen
 * it. */
static void test_end(Fixture *fixture, gconstpointer data)
{
  g_auto(Offer) one = {.visit = VISIT}, unused = {.visit = VISIT}, other = {.visit = OTHER_VISIT};
  offer(fixture, &one);
  offer(fixture, &unused);
  offer(fixture, &other);
  g_autoptr(AblakJoined) joined = try_join(fixture, one.secret, NULL, NULL, NULL);
  g_autoptr(AblakJoined) stranger = try_join(fixture, other.secret, NULL, NULL, NULL);
  g_autoptr(GError) error = NULL;
  g_assert_true(ablak_store_write_sync(fixture->store, end_visit, NULL, &error));
  try_join(fixture, unused.secret, NULL, NULL, "accounts/invitation-unknown");
  g_assert_true(is_in(fixture, joined->secret, VISIT));
  fixture->now_ms += 9 * MINUTE_MS;
  g_autoptr(AblakJoined) back = try_join(fixture, NULL, NULL, joined->resume_token, NULL);
  g_assert_true(is_in(fixture, back->secret, VISIT));
  fixture->now_ms += 2 * MINUTE_MS;
  g_assert_false(is_in(fixture, back->secret, VISIT));
  try_join(fixture, NULL, NULL, back->resume_token, "accounts/resume-unknown");
  g_assert_true(is_in(fixture, stranger->secret, OTHER_VISIT));
}

static bool leave(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_citizen_leave(txn, data, error);
}

static void test_leave_and_prune(Fixture *fixture, gconstpointer data)
{
  g_auto(Offer) one = {.visit = VISIT}, two = {.visit = VISIT};
  offer(fixture, &one);
  offer(fixture, &two);
  g_autoptr(AblakJoined) gone = try_join(fixture, one.secret, NULL, NULL, NULL);
  g_autoptr(AblakJoined) stays = try_join(fixture, two.secret, NULL, NULL, NULL);
  g_autoptr(GError) error = NULL;
  g_assert_true(ablak_store_write_sync(fixture->store, leave, gone->secret, &error));
  g_assert_false(is_in(fixture, gone->secret, VISIT));
  try_join(fixture, NULL, NULL, gone->resume_token, "accounts/resume-unknown");
  g_assert_true(is_in(fixture, stays->secret, VISIT));
  fixture->now_ms += 24 * 60 * MINUTE_MS;
  g_assert_false(is_in(fixture, stays->secret, VISIT));
  g_assert_true(ablak_store_write_sync(fixture->store, prune, NULL, &error));
  g_assert_cmpint(fixture_int(fixture->store, "SELECT (SELECT count(*) FROM citizen_session)"
                                              " + (SELECT count(*) FROM invitation)"),
                  ==, 0);
}

static bool contains(const char *content, gsize size, const char *secret)
{
  return memmem(content, size, secret, strlen(secret)) != NULL;
}

/* Who gets hold of the database can join with nothing in it, and no event names a secret. */
static void test_secrets_are_not_stored(Fixture *fixture, gconstpointer data)
{
  g_auto(Offer) one = {.visit = VISIT}, two = {.visit = VISIT};
  offer(fixture, &one);
  offer(fixture, &two);
  g_autoptr(AblakJoined) joined = try_join(fixture, one.secret, NULL, NULL, NULL);
  g_autofree char *copy = g_build_filename(fixture->folder, "copy.db", NULL), *content = NULL;
  g_autoptr(GError) error = NULL;
  g_assert_true(ablak_store_backup(fixture->store, copy, &error));
  gsize size;
  g_assert_true(g_file_get_contents(copy, &content, &size, &error));
  g_assert_true(contains(content, size, VISIT));
  const char *const secrets[] = {one.secret, one.code,       two.secret,
                                 two.code,   joined->secret, joined->resume_token};
  for (gsize i = 0; i < G_N_ELEMENTS(secrets); i++)
    g_assert_false(contains(content, size, secrets[i]));
}

#define ADD(name, function)                                                                        \
  g_test_add("/accounts/" name, Fixture, parts, fixture_set_up, function, fixture_tear_down)

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  ADD("invitation/secret", test_by_secret);
  ADD("invitation/code", test_by_code);
  ADD("invitation/ended", test_expired_and_replaced);
  ADD("invitation/hand-over", test_hand_over);
  ADD("citizen/resume", test_resume);
  ADD("citizen/outlives-invitation", test_outlives_invitation);
  ADD("citizen/end", test_end);
  ADD("citizen/leave", test_leave_and_prune);
  ADD("citizen/secrets", test_secrets_are_not_stored);
  return g_test_run();
}
