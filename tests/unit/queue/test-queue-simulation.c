/* queue: seeded random days. Several clerks act at the same moment through the store's queue of
 * jobs; whatever they do, no client has two counters, no counter two clients, no number is given
 * twice, and the event log tells the same story as the tables. */
#include "../store/fixture.h"
#include "queue/queue.h"
#include <string.h>

#define COUNTERS 4
#define SERVICES 3
#define OPERATIONS 3000

static const AblakStorePart *const parts[] = {&ablak_queue_store_part, NULL};
static const char *const services[SERVICES] = {"s.a", "s.b", "s.c"};

typedef enum {
  ISSUE,
  CALL,
  RECALL,
  NO_SHOW,
  FINISH,
  CANCEL,
  CLOSE_SERVICE,
  OPEN_SERVICE,
  KINDS
} Kind;

typedef struct Room Room;
typedef struct {
  Room *room;
  Kind kind;
  int counter, service;
  char *day, *ticket, *key; /* ticket: what it acts on */
  char *result;
} Operation;

struct Room {
  Fixture *fixture;
  GRand *random;
  int day;
  guint waiting_answers;
  char *at_counter[COUNTERS]; /* what the clerks believe from the answers */
  GPtrArray *tickets;         /* all that were issued */
};

static void operation_free(gpointer data)
{
  Operation *operation = data;
  g_free(operation->day);
  g_free(operation->ticket);
  g_free(operation->key);
  g_free(operation->result);
  g_free(operation);
}

static bool take_lists(AblakTxn *txn, gpointer data, GError **error)
{
  AblakServiceSpec specs[SERVICES];
  AblakCounterSpec counters[COUNTERS] = {{"0", "0"}, {"1", "1"}, {"2", "2"}, {"3", "3"}};
  for (int i = 0; i < SERVICES; i++)
    specs[i] = (AblakServiceSpec){services[i], i == 0 ? "A" : "B"};
  return ablak_queue_take_services(txn, specs, SERVICES, error) &&
         ablak_queue_take_counters(txn, counters, COUNTERS, error);
}

static bool operate(AblakTxn *txn, gpointer data, GError **error)
{
  Operation *operation = data;
  const char *service = services[operation->service];
  g_autofree char *counter = g_strdup_printf("%d", operation->counter);
  const char *const wanted[] = {service, NULL};
  const AblakCallWish wish = {.services = operation->service > 0 ? wanted : NULL};
  g_clear_pointer(&operation->result, g_free);
  switch (operation->kind) {
  case ISSUE:
    return ablak_queue_issue(txn, operation->day, service, "walk-in", operation->key, "kiosk",
                             &operation->result, error);
  case CALL:
    return ablak_queue_call_next(txn, operation->day, counter, &wish, counter, &operation->result,
                                 error);
  case RECALL:
    return ablak_queue_recall(txn, operation->ticket, counter, error);
  case NO_SHOW:
    return ablak_queue_no_show(txn, operation->ticket, counter, error);
  case FINISH:
    return ablak_queue_finish(txn, operation->ticket, counter, error);
  case CANCEL:
    return ablak_queue_cancel(txn, operation->ticket, "kiosk", error);
  default:
    return ablak_queue_set_service_open(txn, service, operation->kind == OPEN_SERVICE, "supervisor",
                                        error);
  }
}

static void answered(const GError *error, gpointer data)
{
  Operation *operation = data;
  Room *room = operation->room;
  room->waiting_answers--;
  if (error != NULL) {
    g_assert_true(g_str_has_prefix(ablak_error_slug(error), "queue/"));
    return;
  }
  if (operation->kind == ISSUE)
    g_ptr_array_add(room->tickets, g_strdup(operation->result));
  if (operation->kind == CALL) {
    /* Two clerks never get one client. */
    for (int i = 0; i < COUNTERS; i++)
      g_assert_cmpstr(room->at_counter[i], !=, operation->result);
    g_free(room->at_counter[operation->counter]);
    room->at_counter[operation->counter] = g_strdup(operation->result);
  }
}

static const char *any_ticket(Room *room)
{
  int mine = g_rand_int_range(room->random, 0, COUNTERS);
  if (room->at_counter[mine] != NULL && g_rand_boolean(room->random))
    return room->at_counter[mine];
  guint32 index = g_rand_int(room->random) % room->tickets->len;
  return room->tickets->pdata[index];
}

static void start_operation(Room *room)
{
  static const Kind kinds[] = {ISSUE,  ISSUE,        ISSUE,        CALL,         CALL,
                               CALL,   RECALL,       FINISH,       FINISH,       NO_SHOW,
                               CANCEL, OPEN_SERVICE, OPEN_SERVICE, CLOSE_SERVICE};
  Operation *operation = g_new0(Operation, 1);
  operation->room = room;
  operation->kind = kinds[g_rand_int_range(room->random, 0, G_N_ELEMENTS(kinds))];
  if (room->tickets->len == 0)
    operation->kind = ISSUE;
  operation->counter = g_rand_int_range(room->random, 0, COUNTERS);
  operation->service = g_rand_int_range(room->random, 0, SERVICES);
  operation->day = g_strdup_printf("2026-11-%02d", room->day);
  if (room->tickets->len > 0)
    operation->ticket = g_strdup(any_ticket(room));
  if (g_rand_boolean(room->random))
    operation->key = g_strdup_printf("key-%d", g_rand_int_range(room->random, 0, 300));
  room->waiting_answers++;
  ablak_store_write(room->fixture->store, operate, answered, operation, operation_free);
}

/* --- what must hold, as queries that count breaches
 * ------------------------------------------------- */

static const char *const breaches[] = {
    /* a counter with two clients */
    "SELECT count(*) FROM (SELECT 1 FROM ticket WHERE state = 'called' GROUP BY counter HAVING "
    "count(*) > 1)",
    /* a number twice, or a gap in the serials of a day */
    "SELECT count(*) FROM (SELECT 1 FROM ticket GROUP BY day, number HAVING count(*) > 1)",
    "SELECT count(*) FROM (SELECT 1 FROM ticket GROUP BY day, prefix HAVING max(serial) != "
    "count(*))",
    /* a key with two tickets */
    "SELECT count(*) FROM (SELECT 1 FROM ticket WHERE idempotency_key IS NOT NULL GROUP BY "
    "idempotency_key HAVING"
    " count(*) > 1)",
    /* states and their times */
    "SELECT count(*) FROM ticket WHERE (state = 'waiting') != (calls = 0 AND finished_at = 0)",
    "SELECT count(*) FROM ticket WHERE (calls > 0) != (counter IS NOT NULL AND first_called_at > "
    "0)",
    "SELECT count(*) FROM ticket WHERE (finished_at > 0) != (state IN ('finished', 'no-show', "
    "'cancelled'))",
    "SELECT count(*) FROM ticket WHERE last_called_at < first_called_at OR (calls > 0 AND "
    "first_called_at < issued_at)",
    /* nothing of a former day is open */
    "SELECT count(*) FROM ticket WHERE state IN ('waiting', 'called') AND day < (SELECT max(day) "
    "FROM ticket)",
    /* the event log tells the same: issued once, called as often, ended once */
    "SELECT count(*) FROM ticket t WHERE 1 != (SELECT count(*) FROM event WHERE subject = t.id AND "
    "kind = 'ticket.issued')",
    "SELECT count(*) FROM ticket t WHERE t.calls != (SELECT count(*) FROM event WHERE subject = "
    "t.id AND kind IN"
    " ('ticket.called', 'ticket.recalled'))",
    "SELECT count(*) FROM ticket t WHERE (t.finished_at > 0) != (SELECT count(*) FROM event WHERE "
    "subject = t.id AND kind"
    " = 'ticket.' || t.state AND t.finished_at > 0)",
    "SELECT count(*) FROM event WHERE topic = 'queue' AND data LIKE '%name%'",
};

/* Of one service, clients are called in the order in which they came. */
static const char *const out_of_order =
    "SELECT count(*) FROM ticket a JOIN ticket b ON a.day = b.day AND a.service = b.service AND "
    "a.issued_at <"
    " b.issued_at AND b.first_called_at > 0 AND (a.first_called_at > b.first_called_at OR "
    "(a.first_called_at = 0 AND"
    " (a.state = 'waiting' OR a.finished_at > b.first_called_at)))";

static void check(Room *room)
{
  for (gsize i = 0; i < G_N_ELEMENTS(breaches); i++)
    if (fixture_int(room->fixture->store, breaches[i]) != 0)
      g_error("breach on day %d: %s", room->day, breaches[i]);
  g_assert_cmpint(fixture_int(room->fixture->store, out_of_order), ==, 0);
}

static void settle(Room *room)
{
  while (room->waiting_answers > 0)
    g_main_context_iteration(NULL, TRUE);
}

static void test_random_days(Fixture *fixture, gconstpointer data)
{
  g_autoptr(GError) error = NULL;
  g_assert_true(ablak_store_write_sync(fixture->store, take_lists, NULL, &error));
  Room room = {.fixture = fixture,
               .random = fixture_random(),
               .day = 1,
               .tickets = g_ptr_array_new_with_free_func(g_free)};
  for (int i = 0; i < OPERATIONS; i++) {
    start_operation(&room);
    if (g_rand_int_range(room.random, 0, 8) == 0) { /* the others came at the same moment */
      settle(&room);
      fixture->now_ms += g_rand_int_range(room.random, 1, 120000);
    }
    if (i % 1000 == 999) {
      settle(&room);
      check(&room);
      room.day++;
    }
  }
  settle(&room);
  g_assert_cmpint(fixture_int(fixture->store, "SELECT count(*) FROM ticket"), >, OPERATIONS / 20);
  g_assert_cmpint(
      fixture_int(fixture->store, "SELECT count(*) FROM ticket WHERE state = 'finished'"), >, 20);
  for (int i = 0; i < COUNTERS; i++)
    g_free(room.at_counter[i]);
  g_ptr_array_unref(room.tickets);
  g_rand_free(room.random);
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add("/queue/random-days", Fixture, parts, fixture_set_up, test_random_days,
             fixture_tear_down);
  return g_test_run();
}
