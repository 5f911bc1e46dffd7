/* accounts: guests of a visit, who come by an invitation of their own kind. */
#include "../store/fixture.h"
#include "accounts/accounts.h"
#include <string.h>

#define MINUTE_MS G_GINT64_CONSTANT(60000)
#define LIFE_MS (30 * MINUTE_MS)
#define VISIT "0190aaaa-0000-7000-8000-000000000001"
#define OTHER_VISIT "0190aaaa-0000-7000-8000-000000000002"

static const AblakStorePart *const parts[] = {&ablak_accounts_store_part, NULL};

typedef struct {
  const char *visit, *id;
  char *secret, *cookie;
  AblakGuest *guest;
  AblakJoined *joined;
} Attempt;

static void attempt_clear(Attempt *attempt)
{
  g_free(attempt->secret);
  g_free(attempt->cookie);
  ablak_guest_free(attempt->guest);
  ablak_joined_free(attempt->joined);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Attempt, attempt_clear)

static bool invite(AblakTxn *txn, gpointer data, GError **error)
{
  Attempt *attempt = data;
  gint64 expires_ms = 0;
  return ablak_guest_invite(txn, attempt->visit, "sign", LIFE_MS, &attempt->secret, &expires_ms,
                            error);
}

static bool come_in(AblakTxn *txn, gpointer data, GError **error)
{
  Attempt *attempt = data;
  attempt->guest = ablak_guest_join(txn, attempt->secret, "Éva", &attempt->cookie, error);
  return attempt->guest != NULL;
}

static bool come_as_citizen(AblakTxn *txn, gpointer data, GError **error)
{
  Attempt *attempt = data;
  attempt->joined = ablak_invitation_redeem(txn, attempt->secret, NULL, error);
  return attempt->joined != NULL;
}

static bool invite_citizen(AblakTxn *txn, gpointer data, GError **error)
{
  Attempt *attempt = data;
  gint64 expires_ms = 0;
  return ablak_invitation_create(txn, attempt->visit, LIFE_MS, true, &attempt->secret, NULL,
                                 &expires_ms, error);
}

static bool leave(AblakTxn *txn, gpointer data, GError **error)
{
  const Attempt *attempt = data;
  return ablak_guest_leave(txn, attempt->visit, attempt->id, "clerk", error);
}

static bool end_visit(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_citizen_end_visit(txn, VISIT, 10 * MINUTE_MS, error);
}

static void try(Fixture *fixture, AblakJob job, Attempt *attempt, const char *slug)
{
  g_autoptr(GError) error = NULL;
  bool done = ablak_store_write_sync(fixture->store, job, attempt, &error);
  if (slug == NULL)
    g_assert_no_error(error);
  else
    g_assert_cmpstr(ablak_error_slug(error), ==, slug);
  g_assert_true(done == (slug == NULL));
}

static guint count(Fixture *fixture, const char *visit)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(fixture->store, &error);
  g_autoptr(GPtrArray) guests = ablak_guests_of_visit(txn, visit, &error);
  g_assert_no_error(error);
  return guests->len;
}

static bool is_in(Fixture *fixture, const char *cookie)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(fixture->store, &error);
  g_autoptr(AblakGuest) guest = ablak_guest_find(txn, cookie, &error);
  g_autofree char *visit = ablak_citizen_find(txn, cookie, NULL, &error);
  g_assert_no_error(error);
  g_assert_null(visit); /* a guest is no citizen, whatever the cookie is called */
  return guest != NULL;
}

/* Each kind of invitation leads to its own kind of session, once. */
static void test_kinds(Fixture *fixture, gconstpointer data)
{
  g_auto(Attempt) one = {.visit = VISIT}, citizen = {.visit = VISIT};
  try(fixture, invite, &one, NULL);
  try(fixture, invite_citizen, &citizen, NULL);
  try(fixture, come_as_citizen, &one, "accounts/invitation-unknown");
  try(fixture, come_in, &citizen, "accounts/invitation-unknown");
  try(fixture, come_in, &one, NULL); /* the citizen's new invitation has not ended it */
  g_assert_cmpstr(one.guest->visit_id, ==, VISIT);
  g_assert_cmpstr(one.guest->role, ==, "sign");
  g_assert_cmpstr(one.guest->name, ==, "Éva");
  g_assert_true(is_in(fixture, one.cookie));
  g_assert_false(is_in(fixture, one.secret));
  try(fixture, come_as_citizen, &citizen, NULL);
  g_auto(Attempt) again = {.secret = g_strdup(one.secret)};
  try(fixture, come_in, &again, "accounts/invitation-used");
}

static void test_leave(Fixture *fixture, gconstpointer data)
{
  g_auto(Attempt) one = {.visit = VISIT};
  try(fixture, invite, &one, NULL);
  try(fixture, come_in, &one, NULL);
  g_auto(Attempt) wrong = {.visit = OTHER_VISIT, .id = one.guest->id};
  try(fixture, leave, &wrong, "accounts/no-such-guest");
  g_assert_true(is_in(fixture, one.cookie));
  one.id = one.guest->id;
  try(fixture, leave, &one, NULL);
  g_assert_false(is_in(fixture, one.cookie));
  g_assert_cmpuint(count(fixture, VISIT), ==, 0);
  try(fixture, leave, &one, "accounts/no-such-guest");
}

/* A call has room for four. */
static void test_room(Fixture *fixture, gconstpointer data)
{
  g_auto(Attempt) one = {.visit = VISIT}, two = {.visit = VISIT}, three = {.visit = VISIT};
  g_auto(Attempt) late = {.visit = VISIT}, elsewhere = {.visit = OTHER_VISIT};
  try(fixture, invite, &one, NULL);
  try(fixture, invite, &two, NULL);
  try(fixture, invite, &three, NULL);
  try(fixture, come_in, &one, NULL);
  try(fixture, come_in, &two, NULL);
  try(fixture, come_in, &three, "accounts/too-many-guests");
  try(fixture, invite, &late, "accounts/too-many-guests");
  try(fixture, invite, &elsewhere, NULL);
  one.id = one.guest->id;
  try(fixture, leave, &one, NULL);
  try(fixture, come_in, &three, NULL); /* what was refused has not used up the link */
  g_assert_cmpuint(count(fixture, VISIT), ==, 2);
}

/* At once, while the citizen may still read the receipt. */
static void test_end(Fixture *fixture, gconstpointer data)
{
  g_auto(Attempt) one = {.visit = VISIT}, unused = {.visit = VISIT};
  try(fixture, invite, &one, NULL);
  try(fixture, invite, &unused, NULL);
  try(fixture, come_in, &one, NULL);
  try(fixture, end_visit, NULL, NULL);
  g_assert_false(is_in(fixture, one.cookie));
  try(fixture, come_in, &unused, "accounts/invitation-unknown");
}

static void test_expired(Fixture *fixture, gconstpointer data)
{
  g_auto(Attempt) one = {.visit = VISIT}, late = {.visit = VISIT};
  try(fixture, invite, &one, NULL);
  try(fixture, invite, &late, NULL);
  try(fixture, come_in, &one, NULL);
  fixture->now_ms += 8 * 60 * MINUTE_MS;
  try(fixture, come_in, &late, "accounts/invitation-expired");
  g_assert_false(is_in(fixture, one.cookie));
  g_assert_cmpuint(count(fixture, VISIT), ==, 0);
}

#define ADD(name, function)                                                                        \
  g_test_add("/accounts/guest/" name, Fixture, parts, fixture_set_up, function, fixture_tear_down)

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  ADD("kinds", test_kinds);
  ADD("leave", test_leave);
  ADD("room", test_room);
  ADD("end", test_end);
  ADD("expired", test_expired);
  return g_test_run();
}
