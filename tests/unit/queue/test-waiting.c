/* queue: the line with those who wait by video, and what the desk tells them. */
#include "../store/fixture.h"
#include "queue/waiting.h"
#include <string.h>

#define MINUTE_MS G_GINT64_CONSTANT(60000)
#define DAY "2026-11-21"
#define NEXT_DAY "2026-11-22"

static const AblakStorePart *const parts[] = {&ablak_queue_store_part, NULL};

typedef struct {
  const char *a, *b, *c;
  bool yes;
  char *id;
} Step;

static bool take_lists(AblakTxn *txn, gpointer data, GError **error)
{
  static const AblakServiceSpec services[] = {{"hu.id-card", "A"}, {"hu.address", "B"}};
  static const AblakCounterSpec counters[] = {{"1", "1. ablak"}, {"2", "2. ablak"}};
  return ablak_queue_take_services(txn, services, G_N_ELEMENTS(services), error) &&
         ablak_queue_take_counters(txn, counters, G_N_ELEMENTS(counters), error) &&
         ablak_queue_take_counter(txn, "1", "kati", error);
}

static bool issue(AblakTxn *txn, gpointer data, GError **error)
{
  Step *step = data;
  return ablak_queue_issue(txn, DAY, step->a, "walk-in", NULL, "kiosk", &step->id, error);
}

static bool make_place(AblakTxn *txn, gpointer data, GError **error)
{
  Step *step = data;
  return ablak_place_make(txn, step->a, &step->id, error);
}

static bool enter(AblakTxn *txn, gpointer data, GError **error)
{
  Step *step = data;
  return ablak_place_enter(txn, step->b ? step->b : DAY, step->a, "cs", error);
}

static bool set_there(AblakTxn *txn, gpointer data, GError **error)
{
  Step *step = data;
  return ablak_place_set_there(txn, step->a, step->yes, error);
}

static bool all_away(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_places_all_away(txn, error);
}

static bool call(AblakTxn *txn, gpointer data, GError **error)
{
  Step *step = data;
  const AblakCallWish wish = {.channel = step->b};
  return ablak_queue_call_next(txn, DAY, step->a, &wish, "kati", &step->id, error);
}

static bool finish(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_queue_finish(txn, ((Step *)data)->a, "kati", error);
}

static bool set_aside(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_place_set_aside(txn, ((Step *)data)->a, "kati", error);
}

static bool come_back(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_place_return(txn, ((Step *)data)->a, error);
}

static bool give_up(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_place_give_up(txn, ((Step *)data)->a, error);
}

/* As the box does it: the answer, and the visit under the id that was promised. */
static bool answer(AblakTxn *txn, gpointer data, GError **error)
{
  Step *step = data;
  g_autoptr(AblakTicket) ticket = NULL;
  g_autofree char *clerk = NULL;
  if (!ablak_place_answer(txn, step->a, &ticket, &clerk, error))
    return false;
  const AblakVisitNew visit = {.id = step->a,
                               .ticket_id = ticket->id,
                               .service = ticket->service,
                               .counter = ticket->counter,
                               .clerk_id = clerk,
                               .channel = ticket->channel};
  return ablak_visit_open(txn, &visit, &step->id, error);
}

static bool say(AblakTxn *txn, gpointer data, GError **error)
{
  Step *step = data;
  const AblakDeskSaying saying = {.day = DAY,
                                  .service = step->a,
                                  .ticket_id = step->b,
                                  .staff_id = "kati",
                                  .key = step->c,
                                  .language = "hu",
                                  .phrase = step->yes ? "soon" : NULL,
                                  .text = step->yes ? NULL : "Szia"};
  return ablak_desk_say(txn, &saying, &step->id, error);
}

static bool prune(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_places_prune(txn, error);
}

/* --- what a test says
 * ------------------------------------------------------------------------------------ */

static char *run(Fixture *fixture, AblakJob job, Step step, const char *slug)
{
  g_autoptr(GError) error = NULL;
  bool done = ablak_store_write_sync(fixture->store, job, &step, &error);
  if (!slug)
    g_assert_no_error(error);
  else
    g_assert_cmpstr(ablak_error_slug(error), ==, slug);
  g_assert_true(done == !slug);
  return step.id;
}

static void done(Fixture *fixture, AblakJob job, const char *a)
{
  g_free(run(fixture, job, (Step){.a = a}, NULL));
}

static void refused(Fixture *fixture, AblakJob job, const char *a, const char *slug)
{
  g_free(run(fixture, job, (Step){.a = a}, slug));
}

static void there(Fixture *fixture, const char *place, bool yes)
{
  g_free(run(fixture, set_there, (Step){.a = place, .yes = yes}, NULL));
}

static AblakPlace *load_place(Fixture *fixture, const char *visit_id)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(fixture->store, &error);
  AblakPlace *place = ablak_place_load(txn, visit_id, &error);
  g_assert_no_error(error);
  return place;
}

/* In the line, with its page open; gives the visit's id. */
static char *somebody(Fixture *fixture, const char *service, char **ret_ticket)
{
  char *visit_id = run(fixture, make_place, (Step){.a = service}, NULL);
  done(fixture, enter, visit_id);
  there(fixture, visit_id, true);
  g_autoptr(AblakPlace) place = load_place(fixture, visit_id);
  *ret_ticket = g_strdup(place->ticket_id);
  fixture->now_ms += 1000;
  return visit_id;
}

static void check_state(Fixture *fixture, const char *ticket_id, const char *state)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(fixture->store, &error);
  g_autoptr(AblakTicket) ticket = ablak_queue_ticket(txn, ticket_id, &error);
  g_assert_cmpstr(ticket->state, ==, state);
}

static AblakWait wait_of(Fixture *fixture, const char *ticket_id)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(fixture->store, &error);
  g_autoptr(AblakLine) line = ablak_line_load(txn, DAY, &error);
  g_assert_no_error(error);
  return ablak_line_wait(line, ticket_id);
}

static void check_called(Fixture *fixture, const char *channel, const char *expected)
{
  g_autofree char *called = run(fixture, call, (Step){.a = "1", .b = channel}, NULL);
  g_assert_cmpstr(called, ==, expected);
}

/* Called already: comes to the meeting, and is done. */
static void serve_video(Fixture *fixture, const char *visit_id, const char *ticket_id)
{
  done(fixture, answer, visit_id);
  done(fixture, finish, ticket_id);
}

static void set_up(Fixture *fixture, gconstpointer data)
{
  fixture_set_up(fixture, parts);
  done(fixture, take_lists, NULL);
}

/* --- tests
 * ------------------------------------------------------------------------------------------- */

static void test_entering(Fixture *fixture, gconstpointer data)
{
  refused(fixture, make_place, "hu.nothing", "queue/no-such-service");
  refused(fixture, enter, "no-such-visit", "queue/no-such-place");
  g_autofree char *visit = run(fixture, make_place, (Step){.a = "hu.id-card"}, NULL);
  refused(fixture, answer, visit, "queue/no-such-place"); /* nobody opened the link */
  g_assert_cmpint(wait_of(fixture, NULL).ahead, ==, 0);
  done(fixture, enter, visit);
  done(fixture, enter, visit); /* a second device */
  g_assert_cmpint(wait_of(fixture, NULL).ahead, ==, 1);
  g_autoptr(AblakPlace) place = load_place(fixture, visit);
  g_assert_cmpstr(place->language, ==, "cs");
  g_assert_cmpint(place->away_ms, ==, fixture->now_ms);
  g_autoptr(AblakTxn) txn = ablak_store_read(fixture->store, NULL);
  g_autoptr(AblakTicket) ticket = ablak_queue_ticket(txn, place->ticket_id, NULL);
  g_assert_cmpstr(ticket->channel, ==, "video");
  g_assert_cmpstr(ticket->number, ==, "A001");
}

static void test_one_line(Fixture *fixture, gconstpointer data)
{
  char *first = NULL, *third = NULL;
  g_autofree char *one = somebody(fixture, "hu.id-card", &first);
  g_autofree char *second = run(fixture, issue, (Step){.a = "hu.id-card"}, NULL);
  g_autofree char *three = somebody(fixture, "hu.address", &third);
  g_assert_cmpint(wait_of(fixture, first).ahead, ==, 0);
  g_assert_cmpint(wait_of(fixture, second).ahead, ==, 1);
  g_assert_cmpint(wait_of(fixture, third).ahead, ==, 2);
  check_called(fixture, NULL, first);
  refused(fixture, call, "1", "queue/client-present");
  serve_video(fixture, one, first);
  check_called(fixture, "video", third); /* by wish, before the one in the hall */
  serve_video(fixture, three, third);
  g_free(run(fixture, call, (Step){.a = "1", .b = "video"}, "queue/nobody-waiting"));
  check_called(fixture, NULL, second);
  g_free(first);
  g_free(third);
}

static void test_line_cut(Fixture *fixture, gconstpointer data)
{
  char *first = NULL, *second = NULL;
  g_autofree char *one = somebody(fixture, "hu.id-card", &first);
  g_autofree char *two = somebody(fixture, "hu.id-card", &second);
  there(fixture, one, false);
  fixture->now_ms += ABLAK_PLACE_GRACE_MS - 1;
  g_assert_cmpint(wait_of(fixture, second).ahead, ==, 1); /* a short cut costs nothing */
  fixture->now_ms += 1;
  g_assert_cmpint(wait_of(fixture, second).ahead, ==, 0);
  check_called(fixture, NULL, second);
  serve_video(fixture, two, second);
  g_free(run(fixture, call, (Step){.a = "1"}, "queue/nobody-waiting"));
  there(fixture, one, true);
  g_autofree char *later = run(fixture, issue, (Step){.a = "hu.id-card"}, NULL);
  g_assert_cmpint(wait_of(fixture, later).ahead, ==, 1); /* stands where it stood */
  done(fixture, all_away, NULL);                         /* the box was started again */
  fixture->now_ms += ABLAK_PLACE_GRACE_MS / 2;
  check_called(fixture, NULL, first);
  g_free(first);
  g_free(second);
}

static void test_set_aside(Fixture *fixture, gconstpointer data)
{
  char *first = NULL, *second = NULL;
  g_autofree char *one = somebody(fixture, "hu.id-card", &first);
  g_autofree char *two = somebody(fixture, "hu.id-card", &second);
  refused(fixture, set_aside, first, "queue/not-called");
  refused(fixture, come_back, "no-such-visit", "queue/no-such-place");
  check_called(fixture, NULL, first);
  refused(fixture, come_back, one, "queue/not-waiting");
  done(fixture, set_aside, first);
  check_state(fixture, first, "waiting");
  refused(fixture, answer, one, "queue/not-called");
  there(fixture, one, true); /* that a page is open does not say that somebody sits before it */
  check_called(fixture, NULL, second);
  serve_video(fixture, two, second);
  done(fixture, come_back, one);
  g_autofree char *hall = run(fixture, issue, (Step){.a = "hu.id-card"}, NULL);
  check_called(fixture, NULL, first);
  serve_video(fixture, one, first);
  check_called(fixture, NULL, hall);
  refused(fixture, set_aside, hall, "queue/no-such-place");
  done(fixture, finish, hall); /* in the hall the clerk sees whether somebody came */
  g_free(first);
  g_free(second);
}

static void test_answering(Fixture *fixture, gconstpointer data)
{
  char *ticket = NULL;
  g_autofree char *visit = somebody(fixture, "hu.id-card", &ticket);
  refused(fixture, answer, visit, "queue/not-called");
  refused(fixture, finish, ticket, "queue/not-called");
  check_called(fixture, NULL, ticket);
  refused(fixture, finish, ticket, "queue/not-answered"); /* nobody has been served */
  check_state(fixture, ticket, "called");
  g_autofree char *opened = run(fixture, answer, (Step){.a = visit}, NULL);
  g_assert_cmpstr(opened, ==, visit);
  g_autoptr(AblakTxn) txn = ablak_store_read(fixture->store, NULL);
  g_autoptr(AblakVisit) now = ablak_visit_of_ticket(txn, ticket, NULL);
  g_assert_cmpstr(now->clerk_id, ==, "kati");
  g_assert_cmpstr(now->channel, ==, "video");
  refused(fixture, set_aside, ticket, "queue/answered");
  refused(fixture, give_up, visit, "queue/not-waiting");
  done(fixture, finish, ticket);
  refused(fixture, answer, visit, "queue/not-called");
  g_free(ticket);
}

static void test_giving_up(Fixture *fixture, gconstpointer data)
{
  char *first = NULL, *second = NULL;
  g_autofree char *one = somebody(fixture, "hu.id-card", &first);
  g_autofree char *two = somebody(fixture, "hu.id-card", &second);
  check_called(fixture, NULL, first);
  done(fixture, give_up, one); /* rather than let the counter wait */
  done(fixture, give_up, two);
  check_state(fixture, first, "cancelled");
  check_state(fixture, second, "cancelled");
  refused(fixture, give_up, two, "queue/not-waiting");
  g_free(run(fixture, call, (Step){.a = "1"}, "queue/nobody-waiting"));
  fixture->now_ms += 25 * 60 * MINUTE_MS;
  done(fixture, prune, NULL);
  refused(fixture, give_up, two, "queue/no-such-place");
  g_free(first);
  g_free(second);
}

static void serve(Fixture *fixture, const char *service, int minutes)
{
  g_free(run(fixture, issue, (Step){.a = service}, NULL));
  g_autofree char *ticket = run(fixture, call, (Step){.a = "1"}, NULL);
  fixture->now_ms += minutes * MINUTE_MS;
  done(fixture, finish, ticket);
}

static void test_wait(Fixture *fixture, gconstpointer data)
{
  for (int i = 0; i < 4; i++)
    serve(fixture, "hu.id-card", 10);
  g_assert_cmpint(wait_of(fixture, NULL).likely_ms, ==, -1); /* four say nothing */
  serve(fixture, "hu.id-card", 10);
  for (int i = 0; i < 5; i++)
    serve(fixture, "hu.address", 4);
  g_autofree char *card = run(fixture, issue, (Step){.a = "hu.id-card"}, NULL);
  fixture->now_ms += 1;
  g_autofree char *address = run(fixture, issue, (Step){.a = "hu.address"}, NULL);
  g_assert_cmpint(wait_of(fixture, card).likely_ms, ==, 0);
  g_assert_cmpint(wait_of(fixture, address).likely_ms, ==, 10 * MINUTE_MS); /* each by its own */
  g_assert_cmpint(wait_of(fixture, NULL).likely_ms, ==, 14 * MINUTE_MS);
  check_called(fixture, NULL, card);
  fixture->now_ms += 4 * MINUTE_MS; /* of ten, six remain */
  g_assert_cmpint(wait_of(fixture, address).likely_ms, ==, 6 * MINUTE_MS);
  fixture->now_ms += 28 * 24 * 60 * MINUTE_MS;
  g_assert_cmpint(wait_of(fixture, address).likely_ms, ==, -1); /* too long ago */
}

static void check_messages(Fixture *fixture, const char *ticket_id, const char *expected)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(fixture->store, &error);
  g_autoptr(AblakTicket) ticket = ticket_id ? ablak_queue_ticket(txn, ticket_id, &error) : NULL;
  g_autoptr(GPtrArray) messages = ticket ? ablak_desk_messages_for(txn, ticket, &error)
                                         : ablak_desk_messages_of_day(txn, DAY, &error);
  g_assert_no_error(error);
  g_autoptr(GString) found = g_string_new(NULL);
  for (guint i = 0; i < messages->len; i++) {
    const AblakDeskMessage *one = messages->pdata[i];
    g_assert_true(!one->phrase != !one->text);
    g_string_append_printf(found, "%s:%s ", one->number ? one->number : "all",
                           one->phrase ? one->phrase : one->text);
  }
  g_assert_cmpstr(found->str, ==, expected);
}

static void test_messages(Fixture *fixture, gconstpointer data)
{
  char *first = NULL, *second = NULL, *other = NULL;
  g_free(run(fixture, say, (Step){"hu.id-card", NULL, "k0", true, NULL}, NULL));
  fixture->now_ms += 14 * MINUTE_MS;
  g_autofree char *one = somebody(fixture, "hu.id-card", &first);
  fixture->now_ms += 2 * MINUTE_MS;
  g_autofree char *two = somebody(fixture, "hu.id-card", &second);
  g_autofree char *three = somebody(fixture, "hu.address", &other);
  g_autofree char *sent = run(fixture, say, (Step){"hu.id-card", first, "k1", false, NULL}, NULL);
  g_autofree char *again = run(fixture, say, (Step){"hu.id-card", first, "k1", false, NULL}, NULL);
  g_assert_cmpstr(sent, ==, again);
  fixture->now_ms += 1;
  g_free(run(fixture, say, (Step){"hu.id-card", NULL, "k2", true, NULL}, NULL));
  check_messages(fixture, first, "all:soon A001:Szia all:soon ");
  check_messages(fixture, second,
                 "all:soon "); /* neither another's nor what was said long before */
  check_messages(fixture, other, "");
  check_messages(fixture, NULL, "all:soon A001:Szia all:soon ");
  g_free(run(fixture, say, (Step){"hu.nothing", NULL, "k3", true, NULL}, "queue/no-such-service"));
  g_free(run(fixture, say, (Step){"hu.id-card", "none", "k4", true, NULL}, "queue/no-such-ticket"));
  g_free(run(fixture, say, (Step){"hu.id-card", other, "k5", true, NULL}, "queue/no-such-place"));
  done(fixture, give_up, one);
  g_free(run(fixture, say, (Step){"hu.id-card", first, "k6", true, NULL}, "queue/not-waiting"));
  g_free(first);
  g_free(second);
  g_free(other);
}

#define ADD(name, function)                                                                        \
  g_test_add("/queue/waiting/" name, Fixture, NULL, set_up, function, fixture_tear_down)

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  ADD("entering", test_entering);
  ADD("one-line", test_one_line);
  ADD("line-cut", test_line_cut);
  ADD("set-aside", test_set_aside);
  ADD("answering", test_answering);
  ADD("giving-up", test_giving_up);
  ADD("wait", test_wait);
  ADD("messages", test_messages);
  return g_test_run();
}
