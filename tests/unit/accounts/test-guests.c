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

static bool withdraw(AblakTxn *txn, gpointer data, GError **error)
{
  const Attempt *attempt = data;
  return ablak_guest_link_withdraw(txn, attempt->visit, attempt->id, "clerk", error);
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

/* A call has room for four, and a link is a promise of room. */
static void test_room(Fixture *fixture, gconstpointer data)
{
  g_auto(Attempt) one = {.visit = VISIT}, two = {.visit = VISIT}, three = {.visit = VISIT};
  g_auto(Attempt) late = {.visit = VISIT}, elsewhere = {.visit = OTHER_VISIT};
  try(fixture, invite, &one, NULL);
  try(fixture, invite, &two, NULL);
  try(fixture, invite, &late, "accounts/too-many-guests");
  try(fixture, invite, &elsewhere, NULL);
  try(fixture, come_in, &one, NULL);
  try(fixture, come_in, &two, NULL);
  try(fixture, invite, &late, "accounts/too-many-guests");
  one.id = one.guest->id;
  try(fixture, leave, &one, NULL);
  try(fixture, invite, &three, NULL);
  fixture->now_ms += LIFE_MS; /* a link that has run out promises nothing */
  try(fixture, come_in, &three, "accounts/invitation-expired");
  try(fixture, invite, &late, NULL);
  try(fixture, come_in, &late, NULL);
  g_assert_cmpuint(count(fixture, VISIT), ==, 2);
}

/* The ids of the links that may still be used, in their order. */
static char **links(Fixture *fixture, const char *visit)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(fixture->store, &error);
  g_autoptr(GPtrArray) found = ablak_guest_links(txn, visit, &error);
  g_assert_no_error(error);
  g_auto(GStrv) ids = g_new0(char *, found->len + 1);
  for (guint i = 0; i < found->len; i++) {
    const AblakGuestLink *link = found->pdata[i];
    g_assert_cmpstr(link->role, ==, "sign");
    g_assert_cmpint(link->expires_ms, ==, fixture->now_ms + LIFE_MS);
    ids[i] = g_strdup(link->id);
  }
  return g_steal_pointer(&ids);
}

static void test_withdraw(Fixture *fixture, gconstpointer data)
{
  g_auto(Attempt) one = {.visit = VISIT}, two = {.visit = VISIT}, three = {.visit = VISIT};
  g_auto(Attempt) citizen = {.visit = VISIT}, elsewhere = {.visit = OTHER_VISIT};
  try(fixture, invite, &one, NULL);
  try(fixture, invite, &two, NULL);
  try(fixture, invite_citizen, &citizen, NULL); /* is no guest's */
  g_auto(GStrv) before = links(fixture, VISIT), nothing = links(fixture, OTHER_VISIT);
  g_assert_cmpuint(g_strv_length(before), ==, 2);
  g_assert_cmpuint(g_strv_length(nothing), ==, 0);
  elsewhere.id = before[0];
  try(fixture, withdraw, &elsewhere, "accounts/no-such-link");
  one.id = before[0];
  try(fixture, withdraw, &one, NULL);
  try(fixture, withdraw, &one, "accounts/no-such-link");
  try(fixture, come_in, &one, "accounts/invitation-unknown");
  g_auto(GStrv) after = links(fixture, VISIT);
  g_assert_cmpuint(g_strv_length(after), ==, 1);
  g_assert_cmpstr(after[0], ==, before[1]);
  try(fixture, invite, &three, NULL); /* there is room again */
  try(fixture, come_in, &two, NULL);
  two.id = before[1];
  try(fixture, withdraw, &two, "accounts/no-such-link"); /* who is in is sent away instead */
  try(fixture, come_as_citizen, &citizen, NULL);
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
  ADD("withdraw", test_withdraw);
  ADD("end", test_end);
  ADD("expired", test_expired);
  return g_test_run();
}
