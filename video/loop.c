/* video/loop.c: one media loop: its turns, its commands, its pace. */
#include "core/clock.h"
#include "video/loop-private.h"
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>

#define EVENTS_MAX 128
#define TICK_MS 100
#define TURN_NS 1000000
#define BUSY_PACKETS_PER_S 2000
/* The kernel may wake a thread this much late; 50 us if nothing is said. */
#define TIMER_SLACK_NS 10000

void ablak_loop_tell(AblakFlow *flow, MessageType type, gconstpointer data, gsize size)
{
  ablak_mailbox_post(&flow->room->loop->loops->events, ablak_message_new(type, flow, data, size));
}

static void room_link(Loop *loop, AblakRoom *room)
{
  room->previous = NULL;
  room->next = loop->rooms;
  if (loop->rooms != NULL)
    loop->rooms->previous = room;
  loop->rooms = room;
}

static void room_unlink(Loop *loop, AblakRoom *room)
{
  if (room->previous != NULL)
    room->previous->next = room->next;
  else
    loop->rooms = room->next;
  if (room->next != NULL)
    room->next->previous = room->previous;
}

static void flow_add(Loop *loop, AblakFlow *flow)
{
  AblakRoom *room = flow->room;
  g_assert(room->length < ABLAK_ROOM_FLOWS_MAX);
  if (room->length == 0)
    room_link(loop, room);
  room->flows[room->length++] = flow;
  ablak_flow_ref(flow);
}

static void flow_remove(Loop *loop, AblakFlow *flow)
{
  AblakRoom *room = flow->room;
  guint at = 0;
  while (room->flows[at] != flow)
    at++;
  room->length--;
  memmove(&room->flows[at], &room->flows[at + 1], (room->length - at) * sizeof room->flows[0]);
  if (room->length == 0)
    room_unlink(loop, room);
  ablak_flow_end(loop, flow);
  ablak_flow_unref(flow);
}

static void keys_take(AblakFlow *flow, const Message *command)
{
  ablak_srtp_free(flow->receive);
  ablak_srtp_free(flow->send);
  flow->receive = command->pointers[0];
  flow->send = command->pointers[1];
}

static void perform(Loop *loop, Message *command)
{
  AblakFlow *flow = command->flow;
  switch (command->type) {
  case COMMAND_FLOW_ADD:
    flow_add(loop, flow);
    break;
  case COMMAND_FLOW_REMOVE:
    flow_remove(loop, flow);
    break;
  case COMMAND_ROOM_REMOVE:
    g_free(command->room);
    break;
  case COMMAND_KEYS:
    keys_take(flow, command);
    break;
  case COMMAND_SOURCES:
    ablak_forward_set_sources(flow, (const AblakSdpSource *)(gpointer)command->data,
                              command->size / sizeof(AblakSdpSource));
    break;
  case COMMAND_PAYLOADS: {
    AblakSdpPayloads agreed;
    memcpy(&agreed, command->data, sizeof agreed);
    ablak_forward_set_payloads(flow, agreed);
    break;
  }
  case COMMAND_ROUTE:
    ablak_route_take(loop, flow, command->pointers[0]);
    break;
  case COMMAND_PROBE:
    ablak_route_take_probe(loop, flow, command->pointers[0]);
    break;
  case COMMAND_FIRST:
    flow->several.first = true;
    break;
  case COMMAND_PARK:
    ablak_route_park(loop, flow);
    break;
  case COMMAND_RECEIVE:
    ablak_flow_receive_slowly(loop, flow, command->data, command->size);
    break;
  case COMMAND_SEND:
    ablak_flow_send_raw(flow, command->data, command->size);
    break;
  case COMMAND_TAP:
    ablak_tap_take(loop, flow, (const Tap *)(gpointer)command->data);
    break;
  case COMMAND_KEY_FRAME:
    ablak_forward_ask_key_frame(loop, flow);
    break;
  default:
    loop->stopping = true;
  }
}

static void perform_all(Loop *loop)
{
  for (Message *command = ablak_mailbox_take(&loop->commands), *next; command != NULL;
       command = next) {
    next = command->next;
    perform(loop, command);
    ablak_message_free(command);
  }
}

static void tick(Loop *loop)
{
  gint64 elapsed_ms = loop->now_ms - loop->tick_ms;
  if (elapsed_ms < TICK_MS)
    return;
  loop->busy = loop->turn_packets * 1000 > BUSY_PACKETS_PER_S * (guint64)elapsed_ms;
  loop->turn_packets = 0;
  loop->tick_ms = loop->now_ms;
  for (AblakRoom *room = loop->rooms; room != NULL; room = room->next)
    for (guint i = 0; i < room->length; i++)
      ablak_flow_tick(loop, room->flows[i]);
}

/* Until a millisecond has passed since the turn began, when there is nothing more to do. */
static void pace(const Loop *loop, const struct timespec *began)
{
  struct timespec until = *began;
  if ((!loop->busy && !loop->unfinished) || loop->more)
    return;
  until.tv_nsec += TURN_NS;
  if (until.tv_nsec >= 1000000000) {
    until.tv_nsec -= 1000000000;
    until.tv_sec++;
  }
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static void turn(Loop *loop)
{
  struct epoll_event events[EVENTS_MAX];
  struct timespec began;
  bool commands = false;
  int ready = epoll_wait(loop->epoll, events, EVENTS_MAX, loop->rooms != NULL ? TICK_MS : -1);
  clock_gettime(CLOCK_MONOTONIC, &began);
  loop->now_ms = (gint64)began.tv_sec * 1000 + began.tv_nsec / 1000000;
  loop->more = ready == EVENTS_MAX;
  loop->unfinished = false;
  for (int i = 0; i < ready; i++) {
    Route *route = events[i].data.ptr;
    if (route == NULL)
      commands = true;
    else if (!route->closed)
      ablak_route_receive(loop, route);
  }
  if (commands)
    perform_all(loop);
  tick(loop);
  ablak_route_free_closed(loop);
  if (!loop->stopping)
    pace(loop, &began);
}

void *ablak_loop_run(void *data)
{
  Loop *loop = data;
  prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS);
  pthread_setname_np(pthread_self(), "media-loop");
  while (!loop->stopping)
    turn(loop);
  return NULL;
}
