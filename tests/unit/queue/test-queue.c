/* queue: numbers, calling, visits, figures. */
#include "../store/fixture.h"
#include "queue/queue.h"
#include <string.h>

#define MINUTE_MS G_GINT64_CONSTANT(60000)
#define DAY "2026-11-21"
#define NEXT_DAY "2026-11-22"

static const AblakStorePart *const parts[] = {&ablak_queue_store_part, NULL};

/* --- jobs: what one test step does, and what it must say
 * ------------------------------------------ */

typedef struct {
  const char *day, *a, *b, *c; /* what the step names: a service, a counter, a ticket ... */
  bool open;
  char *id; /* what it made */
} Step;

static bool take_lists(AblakTxn *txn, gpointer data, GError **error)
{
  static const AblakServiceSpec services[] = {
      {"hu.id-card", "A"}, {"hu.address", "B"}, {"hu.passport", "A"}};
  static const AblakCounterSpec counters[] = {{"1", "1. ablak"}, {"2", "2. ablak"}};
  return ablak_queue_take_services(txn, services, G_N_ELEMENTS(services), error) &&
         ablak_queue_take_counters(txn, counters, G_N_ELEMENTS(counters), error);
}

static bool issue(AblakTxn *txn, gpointer data, GError **error)
{
  Step *step = data;
  return ablak_queue_issue(txn, step->day, step->a, "walk-in", step->b, "kiosk", &step->id, error);
}

static bool call(AblakTxn *txn, gpointer data, GError **error)
{
  Step *step = data;
  const char *services[] = {step->b, NULL};
  const AblakCallWish wish = {.services = services};
  return ablak_queue_call_next(txn, step->day, step->a, &wish, "clerk", &step->id, error);
}

static bool recall(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_queue_recall(txn, ((Step *)data)->a, "clerk", error);
}

static bool no_show(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_queue_no_show(txn, ((Step *)data)->a, "clerk", error);
}

static bool finish(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_queue_finish(txn, ((Step *)data)->a, "clerk", error);
}

static bool cancel(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_queue_cancel(txn, ((Step *)data)->a, "kiosk", error);
}

static bool set_service(AblakTxn *txn, gpointer data, GError **error)
{
  Step *step = data;
  return ablak_queue_set_service_open(txn, step->a, step->open, "supervisor", error);
}

static bool set_counter(AblakTxn *txn, gpointer data, GError **error)
{
  Step *step = data;
  return ablak_queue_set_counter_open(txn, step->a, step->open, "supervisor", error);
}

static bool take_counter(AblakTxn *txn, gpointer data, GError **error)
{
  Step *step = data;
  return ablak_queue_take_counter(txn, step->a, step->b, error);
}

static bool open_visit(AblakTxn *txn, gpointer data, GError **error)
{
  Step *step = data;
  const AblakVisitNew visit = {.ticket_id = step->a,
                               .service = "hu.id-card",
                               .counter = step->c,
                               .clerk_id = step->b,
                               .channel = "walk-in"};
  return ablak_visit_open(txn, &visit, &step->id, error);
}

static bool end_visit(AblakTxn *txn, gpointer data, GError **error)
{
  return ablak_visit_end(txn, ((Step *)data)->a, "clerk", error);
}

static bool set_identity(AblakTxn *txn, gpointer data, GError **error)
{
  Step *step = data;
  return ablak_visit_set_identity(txn, step->a, step->b, "clerk", error);
}

/* Runs a step that must end with this slug; NULL: with success. */
static void expect(Fixture *fixture, AblakJob job, Step *step, const char *slug)
{
  g_autoptr(GError) error = NULL;
  bool done = ablak_store_write_sync(fixture->store, job, step, &error);
  if (slug == NULL)
    g_assert_no_error(error);
  else
    g_assert_cmpstr(ablak_error_slug(error), ==, slug);
  g_assert_true(done == (slug == NULL));
}

static char *make(Fixture *fixture, AblakJob job, const char *a, const char *b, const char *c)
{
  Step step = {.day = DAY, .a = a, .b = b, .c = c};
  expect(fixture, job, &step, NULL);
  return step.id;
}

static void try(Fixture *fixture, AblakJob job, const char *a, const char *b, const char *slug)
{
  Step step = {.day = DAY, .a = a, .b = b};
  expect(fixture, job, &step, slug);
  g_free(step.id);
}

static AblakTicket *load(Fixture *fixture, const char *id)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(fixture->store, &error);
  AblakTicket *ticket = ablak_queue_ticket(txn, id, &error);
  g_assert_no_error(error);
  return ticket;
}

static void check_ticket(Fixture *fixture, const char *id, const char *number, const char *state)
{
  g_autoptr(AblakTicket) ticket = load(fixture, id);
  g_assert_cmpstr(ticket->number, ==, number);
  g_assert_cmpstr(ticket->state, ==, state);
}

static void set_up(Fixture *fixture, gconstpointer data)
{
  fixture_set_up(fixture, parts);
  expect(fixture, take_lists, NULL, NULL);
}

/* --- tests
 * ------------------------------------------------------------------------------------------- */

static void test_numbers(Fixture *fixture, gconstpointer data)
{
  g_autofree char *a = make(fixture, issue, "hu.id-card", NULL, NULL);
  g_autofree char *b = make(fixture, issue, "hu.address", NULL, NULL);
  g_autofree char *a2 = make(fixture, issue, "hu.id-card", NULL, NULL);
  g_autofree char *other = make(fixture, issue, "hu.passport", NULL, NULL);
  check_ticket(fixture, a, "A001", "waiting");
  check_ticket(fixture, b, "B001", "waiting");
  check_ticket(fixture, a2, "A002", "waiting");
  check_ticket(fixture, other, "AA001", "waiting"); /* its letter was taken */
  try(fixture, issue, "hu.nothing", NULL, "queue/no-such-service");
  /* A double tap gives one number, also after the service has closed. */
  g_autofree char *once = make(fixture, issue, "hu.address", "tap", NULL);
  g_autofree char *twice = make(fixture, issue, "hu.address", "tap", NULL);
  g_assert_cmpstr(once, ==, twice);
  Step step = {.a = "hu.address", .open = false};
  expect(fixture, set_service, &step, NULL);
  try(fixture, issue, "hu.address", NULL, "queue/service-closed");
  g_autofree char *again = make(fixture, issue, "hu.address", "tap", NULL);
  g_assert_cmpstr(once, ==, again);
  g_assert_cmpint(fixture_int(fixture->store, "SELECT count(*) FROM ticket"), ==, 5);
}

static void test_new_day(Fixture *fixture, gconstpointer data)
{
  g_autofree char *waiting = make(fixture, issue, "hu.address", NULL, NULL);
  g_autofree char *called = make(fixture, issue, "hu.id-card", NULL, NULL);
  g_autofree char *got = make(fixture, call, "1", "hu.id-card", NULL);
  g_assert_cmpstr(got, ==, called);
  g_autofree char *visit = make(fixture, open_visit, called, "clerk", "1");
  fixture->now_ms += 15 * 60 * MINUTE_MS;
  Step step = {.day = NEXT_DAY, .a = "hu.id-card"};
  expect(fixture, issue, &step, NULL);
  g_autofree char *fresh = step.id;
  check_ticket(fixture, fresh, "A001", "waiting"); /* from 1 again */
  check_ticket(fixture, waiting, "B001", "cancelled");
  check_ticket(fixture, called, "A001", "cancelled");
  g_assert_cmpint(fixture_int(fixture->store, "SELECT count(*) FROM visit WHERE state = 'ended'"),
                  ==, 1);
  Step next = {.day = NEXT_DAY, .a = "1"};
  expect(fixture, call, &next, NULL);
  g_assert_cmpstr(next.id, ==, fresh);
  g_free(next.id);
}

static void test_calling(Fixture *fixture, gconstpointer data)
{
  try(fixture, call, "1", NULL, "queue/nobody-waiting");
  g_autofree char *a = make(fixture, issue, "hu.id-card", NULL, NULL);
  g_autofree char *b = make(fixture, issue, "hu.address", NULL, NULL);
  try(fixture, recall, a, NULL, "queue/not-called");
  try(fixture, finish, a, NULL, "queue/not-called");
  g_autofree char *first = make(fixture, call, "1", "hu.address", NULL);
  g_assert_cmpstr(first, ==, b); /* only the asked-for service */
  try(fixture, call, "1", NULL, "queue/client-present");
  g_autofree char *second = make(fixture, call, "2", NULL, NULL);
  g_assert_cmpstr(second, ==, a);
  fixture->now_ms += MINUTE_MS;
  try(fixture, recall, b, NULL, NULL);
  g_autoptr(AblakTicket) ticket = load(fixture, b);
  g_assert_cmpint(ticket->calls, ==, 2);
  g_assert_cmpint(ticket->called_ms, ==, fixture->now_ms - MINUTE_MS);
  g_assert_cmpint(ticket->last_called_ms, ==, fixture->now_ms);
  g_assert_cmpstr(ticket->counter, ==, "1");
  try(fixture, no_show, b, NULL, NULL);
  try(fixture, finish, a, NULL, NULL);
  check_ticket(fixture, b, "B001", "no-show");
  check_ticket(fixture, a, "A001", "finished");
  try(fixture, recall, a, NULL, "queue/not-called");
  try(fixture, no_show, a, NULL, "queue/not-called");
  try(fixture, finish, b, NULL, "queue/not-called");
  try(fixture, finish, "nothing", NULL, "queue/no-such-ticket");
}

static void test_cancelling(Fixture *fixture, gconstpointer data)
{
  g_autofree char *a = make(fixture, issue, "hu.id-card", NULL, NULL);
  g_autofree char *b = make(fixture, issue, "hu.id-card", NULL, NULL);
  try(fixture, cancel, a, NULL, NULL);
  try(fixture, cancel, a, NULL, "queue/not-waiting");
  g_autofree char *called = make(fixture, call, "1", NULL, NULL);
  g_assert_cmpstr(called, ==, b);
  try(fixture, cancel, b, NULL, "queue/not-waiting");
}

static void test_counters(Fixture *fixture, gconstpointer data)
{
  try(fixture, take_counter, "9", "kati", "queue/no-such-counter");
  try(fixture, take_counter, "1", "kati", NULL);
  try(fixture, take_counter, "1", "kati", NULL);
  try(fixture, take_counter, "1", "ada", "queue/counter-taken");
  g_assert_cmpint(fixture_int(fixture->store, "SELECT open FROM counter WHERE id = '1'"), ==, 1);
  try(fixture, take_counter, "2", "kati", NULL);
  try(fixture, take_counter, "1", "ada", NULL);
  try(fixture, take_counter, "2", "ada", "queue/counter-taken");
  /* Nobody walks away from a client. */
  g_autofree char *a = make(fixture, issue, "hu.id-card", NULL, NULL);
  g_autofree char *called = make(fixture, call, "1", NULL, NULL);
  try(fixture, take_counter, NULL, "ada", "queue/client-present");
  try(fixture, finish, called, NULL, NULL);
  try(fixture, take_counter, NULL, "ada", NULL);
  try(fixture, take_counter, NULL, "ada", NULL);
  g_assert_cmpint(fixture_int(fixture->store, "SELECT open FROM counter WHERE id = '1'"), ==, 0);
  /* A supervisor closed it; who sits there opens it again by taking it. */
  Step step = {.a = "2", .open = false};
  expect(fixture, set_counter, &step, NULL);
  g_assert_cmpint(fixture_int(fixture->store, "SELECT open FROM counter WHERE id = '2'"), ==, 0);
  try(fixture, take_counter, "2", "kati", NULL);
  g_assert_cmpint(fixture_int(fixture->store, "SELECT open FROM counter WHERE id = '2'"), ==, 1);
  step.a = "9";
  expect(fixture, set_counter, &step, "queue/no-such-counter");
}

static bool take_fewer(AblakTxn *txn, gpointer data, GError **error)
{
  static const AblakServiceSpec services[] = {{"hu.address", "Z"}, {"hu.new", "B"}};
  static const AblakCounterSpec counters[] = {{"2", "Kettes"}};
  return ablak_queue_take_services(txn, services, G_N_ELEMENTS(services), error) &&
         ablak_queue_take_counters(txn, counters, G_N_ELEMENTS(counters), error);
}

/* A new edition: what vanished closes, what stays keeps its letter and state. */
static void test_new_lists(Fixture *fixture, gconstpointer data)
{
  Step closed = {.a = "hu.address", .open = false};
  expect(fixture, set_service, &closed, NULL);
  expect(fixture, take_fewer, NULL, NULL);
  g_assert_cmpint(
      fixture_int(
          fixture->store,
          "SELECT count(*) FROM queue_service WHERE open = 1 AND id = 'hu.new' AND prefix = 'BA'"),
      ==, 1);
  g_assert_cmpint(fixture_int(fixture->store, "SELECT count(*) FROM queue_service WHERE open = 0 "
                                              "AND id = 'hu.address' AND prefix = 'B'"),
                  ==, 1);
  g_assert_cmpint(fixture_int(fixture->store, "SELECT sum(open) FROM queue_service"), ==, 1);
  g_assert_cmpint(fixture_int(fixture->store, "SELECT count(*) FROM counter WHERE name = 'Kettes'"),
                  ==, 1);
  fixture->now_ms += MINUTE_MS;
  expect(fixture, take_fewer, NULL, NULL);
  /* Nothing changed, so nothing flows to headquarters. */
  g_assert_cmpint(fixture_int(fixture->store, "SELECT max(updated_at) FROM queue_service"), ==,
                  fixture->now_ms - MINUTE_MS);
}

static void test_visits(Fixture *fixture, gconstpointer data)
{
  g_autofree char *ticket = make(fixture, issue, "hu.id-card", NULL, NULL);
  g_autofree char *called = make(fixture, call, "1", NULL, NULL);
  g_autofree char *visit = make(fixture, open_visit, called, "kati", "1");
  try(fixture, open_visit, NULL, "kati", "queue/client-present");
  g_autofree char *remote = make(fixture, open_visit, NULL, "ada", NULL);
  try(fixture, set_identity, visit, "seen", NULL);
  try(fixture, set_identity, visit, "guessed", "store/constraint");
  try(fixture, set_identity, "nothing", "seen", "queue/no-such-visit");
  g_autoptr(GError) error = NULL;
  {
    g_autoptr(AblakTxn) txn = ablak_store_read(fixture->store, &error);
    g_autoptr(AblakVisit) by_ticket = ablak_visit_of_ticket(txn, ticket, &error);
    g_autoptr(AblakVisit) by_clerk = ablak_visit_of_clerk(txn, "ada", &error);
    g_assert_cmpstr(by_ticket->identity, ==, "seen");
    g_assert_cmpstr(by_clerk->id, ==, remote);
    g_assert_null(by_clerk->ticket_id);
    g_assert_null(ablak_visit_of_clerk(txn, "nobody", &error));
    g_assert_no_error(error);
  }
  try(fixture, end_visit, visit, NULL, NULL);
  check_ticket(fixture, ticket, "A001", "finished");
  try(fixture, end_visit, visit, NULL, "queue/visit-ended");
  try(fixture, set_identity, visit, "known", "queue/visit-ended");
  try(fixture, end_visit, remote, NULL, NULL);
  g_assert_cmpint(
      fixture_int(
          fixture->store,
          "SELECT count(*) FROM event WHERE topic = 'visit:' || subject AND kind = 'visit.ended'"),
      ==, 2);
}

/* --- figures --- */

static void serve(Fixture *fixture, const char *counter, gint64 minutes)
{
  g_autofree char *ticket = make(fixture, call, counter, NULL, NULL);
  fixture->now_ms += minutes * MINUTE_MS;
  try(fixture, finish, ticket, NULL, NULL);
}

static void test_figures(Fixture *fixture, gconstpointer data)
{
  for (int i = 0; i < 4; i++)
    g_free(make(fixture, issue, i < 3 ? "hu.id-card" : "hu.address", NULL, NULL));
  for (int i = 0; i < 2; i++)
    serve(fixture, "1", 10);
  g_autofree char *lost = make(fixture, call, "1", NULL, NULL);
  try(fixture, no_show, lost, NULL, NULL);
  g_autoptr(GError) error = NULL;
  g_autoptr(AblakTxn) txn = ablak_store_read(fixture->store, &error);
  AblakDayFigures day;
  g_assert_true(ablak_queue_day_figures(txn, DAY, &day, &error));
  g_assert_cmpint(day.issued, ==, 4);
  g_assert_cmpint(day.finished, ==, 2);
  g_assert_cmpint(day.no_show, ==, 1);
  g_assert_cmpint(day.average_wait_ms, ==, 10 * MINUTE_MS); /* 0, 10 and 20 minutes */
  g_assert_cmpint(day.average_service_ms, ==, 10 * MINUTE_MS);
  g_autoptr(GPtrArray) services = ablak_queue_service_figures(txn, DAY, &error);
  g_assert_cmpuint(services->len, ==, 3);
  const AblakServiceFigures *address = services->pdata[2];
  g_assert_cmpstr(address->id, ==, "hu.address");
  g_assert_cmpint(address->waiting, ==, 1);
  g_assert_cmpint(address->longest_wait_ms, ==, 20 * MINUTE_MS);
  g_assert_cmpint(address->average_service_ms, ==, -1);
  g_autoptr(GPtrArray) board = ablak_queue_last_called(txn, DAY, 2, &error);
  g_assert_cmpuint(board->len, ==, 2);
  g_assert_cmpstr(((AblakTicket *)board->pdata[0])->id, ==, lost);
  g_assert_true(ablak_queue_day_figures(txn, NEXT_DAY, &day, &error));
  g_assert_cmpint(day.issued, ==, 0);
  g_assert_cmpint(day.average_service_ms, ==, -1);
}

#define ADD(name, function)                                                                        \
  g_test_add("/queue/" name, Fixture, NULL, set_up, function, fixture_tear_down)

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  ADD("numbers", test_numbers);
  ADD("new-day", test_new_day);
  ADD("calling", test_calling);
  ADD("cancelling", test_cancelling);
  ADD("counters", test_counters);
  ADD("new-lists", test_new_lists);
  ADD("visits", test_visits);
  ADD("figures", test_figures);
  return g_test_run();
}
