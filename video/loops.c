/* video/loops.c: the slow loop's side of rooms and flows: every change is a command to the loop
 * that owns them, and what it tells is handed to the leg. */
#include "core/error.h"
#include "video/loop-private.h"
#include <glib-unix.h>
#include <openssl/rand.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static void loop_free(Loop *loop)
{
  ablak_mailbox_clear(&loop->commands);
  if (loop->epoll >= 0)
    close(loop->epoll);
  g_free(loop);
}

void ablak_loop_prepare(Loop *loop)
{
  for (gsize i = 0; i < LOOP_READS; i++) {
    loop->in_pieces[i] = (struct iovec){loop->in[i], LOOP_READ_SPACE};
    loop->in_headers[i].msg_hdr = (struct msghdr){
        .msg_iov = &loop->in_pieces[i], .msg_iovlen = 1, .msg_control = &loop->in_control[i]};
  }
  for (gsize i = 0; i < LOOP_BATCH; i++)
    loop->out_pieces[i].iov_base = loop->out[i];
}

static Loop *loop_new(AblakLoops *loops)
{
  Loop *loop = g_new0(Loop, 1);
  loop->loops = loops;
  ablak_loop_prepare(loop);
  loop->epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event commands = {.events = EPOLLIN, .data.ptr = NULL};
  if (ablak_mailbox_init(&loop->commands) && loop->epoll >= 0 &&
      epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->commands.event_fd, &commands) == 0) {
    /* Signals are the slow loop's. */
    sigset_t all, before;
    sigfillset(&all);
    sigdelset(&all, SIGSYS); /* the sandbox's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int problem = pthread_create(&loop->thread, NULL, ablak_loop_run, loop);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (problem == 0)
      return loop;
  }
  loop_free(loop);
  return NULL;
}

static void dispatch(const Message *event)
{
  AblakFlow *flow = event->flow;
  if (flow->freed)
    return;
  switch (event->type) {
  case EVENT_DTLS:
    flow->handler->dtls(event->data, event->size, flow->user);
    break;
  case EVENT_HEARD:
    flow->handler->heard(flow->user);
    break;
  case EVENT_ASTRAY: {
    struct sockaddr_storage address;
    memcpy(&address, event->data, sizeof address);
    flow->handler->astray((struct sockaddr *)(gpointer)&address, flow->user);
    break;
  }
  default:
    flow->handler->refused(event->refusal, event->ssrc, flow->user);
  }
}

static gboolean on_events(int fd, GIOCondition condition, gpointer data)
{
  AblakLoops *loops = data;
  for (Message *event = ablak_mailbox_take(&loops->events), *next; event != NULL; event = next) {
    next = event->next;
    dispatch(event);
    ablak_message_free(event);
  }
  return G_SOURCE_CONTINUE;
}

/* Those this process may run on: GLib counts all there are. */
static guint cores(void)
{
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? (guint)CPU_COUNT(&set) : 1;
}

AblakLoops *ablak_loops_new(GMainContext *main_context, guint count, GError **error)
{
  guint length = count > 0 ? count : cores();
  AblakLoops *loops = g_malloc0(sizeof *loops + length * sizeof loops->loops[0]);
  bool good = ablak_mailbox_init(&loops->events);
  while (good && loops->length < length) {
    loops->loops[loops->length] = loop_new(loops);
    good = loops->loops[loops->length] != NULL;
    loops->length += good;
  }
  if (!good) {
    ablak_error_set(error, ABLAK_ERROR_FAILED, "media/loop", "a media loop cannot be started");
    ablak_loops_free(loops);
    return NULL;
  }
  loops->source = g_unix_fd_source_new(loops->events.event_fd, G_IO_IN);
  g_source_set_callback(loops->source, G_SOURCE_FUNC(on_events), loops, NULL);
  g_source_attach(loops->source, main_context);
  return loops;
}

void ablak_loops_free(AblakLoops *loops)
{
  if (loops == NULL)
    return;
  for (guint i = 0; i < loops->length; i++) {
    Loop *loop = loops->loops[i];
    ablak_mailbox_post(&loop->commands, ablak_message_new(COMMAND_STOP, NULL, NULL, 0));
    pthread_join(loop->thread, NULL);
    loop_free(loop);
  }
  if (loops->source != NULL) {
    g_source_destroy(loops->source);
    g_source_unref(loops->source);
  }
  ablak_mailbox_clear(&loops->events);
  g_free(loops);
}

AblakRoom *ablak_room_new(AblakLoops *loops)
{
  AblakRoom *room = g_new0(AblakRoom, 1);
  room->loop = loops->loops[0];
  for (guint i = 1; i < loops->length; i++)
    if (loops->loops[i]->rooms_given < room->loop->rooms_given)
      room->loop = loops->loops[i];
  room->loop->rooms_given++;
  return room;
}

void ablak_room_free(AblakRoom *room)
{
  Message *command = ablak_message_new(COMMAND_ROOM_REMOVE, NULL, NULL, 0);
  command->room = room;
  room->loop->rooms_given--;
  ablak_mailbox_post(&room->loop->commands, command);
}

void ablak_flow_ref(AblakFlow *flow)
{
  atomic_fetch_add_explicit(&flow->references, 1, memory_order_relaxed);
}

void ablak_flow_unref(AblakFlow *flow)
{
  if (atomic_fetch_sub_explicit(&flow->references, 1, memory_order_acq_rel) == 1)
    g_free(flow);
}

static void command(AblakFlow *flow, MessageType type, gconstpointer data, gsize size)
{
  ablak_mailbox_post(&flow->room->loop->commands, ablak_message_new(type, flow, data, size));
}

AblakFlow *ablak_flow_new(AblakRoom *room, const bool may_send[ABLAK_SDP_KINDS],
                          const AblakFlowHandler *handler, gpointer user)
{
  AblakFlow *flow = g_new0(AblakFlow, 1);
  atomic_init(&flow->references, 1);
  flow->handler = handler;
  flow->user = user;
  flow->room = room;
  memcpy(flow->may_send, may_send, sizeof flow->may_send);
  flow->key_frame_asked_ms = G_MININT32;
  command(flow, COMMAND_FLOW_ADD, NULL, 0);
  return flow;
}

void ablak_flow_free(AblakFlow *flow)
{
  flow->freed = true;
  command(flow, COMMAND_FLOW_REMOVE, NULL, 0);
  ablak_flow_unref(flow);
}

void ablak_flow_set_keys(AblakFlow *flow, AblakSrtp *receive, AblakSrtp *send)
{
  Message *keys = ablak_message_new(COMMAND_KEYS, flow, NULL, 0);
  keys->pointers[0] = receive;
  keys->pointers[1] = send;
  ablak_mailbox_post(&flow->room->loop->commands, keys);
}

void ablak_flow_set_sources(AblakFlow *flow, const AblakSdpSource *sources, gsize length)
{
  command(flow, COMMAND_SOURCES, sources, length * sizeof *sources);
}

void ablak_flow_set_payloads(AblakFlow *flow, AblakSdpPayloads agreed)
{
  command(flow, COMMAND_PAYLOADS, &agreed, sizeof agreed);
}

static void command_route(AblakFlow *flow, MessageType type, const AblakFlowRoute *given)
{
  Route *route = g_new0(Route, 1);
  route->flow = flow;
  route->fd = given->fd;
  route->own = given->own;
  route->remote = given->remote;
  route->remote_size = given->remote_size;
  route->local_ufrag = g_strdup(given->local_ufrag);
  route->local_password = g_strdup(given->local_password);
  route->remote_ufrag = g_strdup(given->remote_ufrag);
  route->remote_password = g_strdup(given->remote_password);
  if (RAND_bytes((guint8 *)&route->tie_breaker, sizeof route->tie_breaker) != 1)
    g_error("there is no randomness");
  Message *message = ablak_message_new(type, flow, NULL, 0);
  message->pointers[0] = route;
  ablak_mailbox_post(&flow->room->loop->commands, message);
}

void ablak_flow_set_route(AblakFlow *flow, const AblakFlowRoute *route)
{
  command_route(flow, COMMAND_ROUTE, route);
}

void ablak_flow_probe(AblakFlow *flow, const AblakFlowRoute *route)
{
  command_route(flow, COMMAND_PROBE, route);
}

void ablak_flow_park(AblakFlow *flow)
{
  command(flow, COMMAND_PARK, NULL, 0);
}

void ablak_flow_receive(AblakFlow *flow, const guint8 *data, gsize size)
{
  command(flow, COMMAND_RECEIVE, data, size);
}

void ablak_flow_send(AblakFlow *flow, const guint8 *data, gsize size)
{
  command(flow, COMMAND_SEND, data, size);
}

void ablak_flow_tap(AblakFlow *flow, int fd, guint8 party)
{
  const Tap tap = {.open = fd >= 0, .fd = fd, .party = party};
  command(flow, COMMAND_TAP, &tap, sizeof tap);
}

void ablak_flow_ask_key_frame(AblakFlow *flow)
{
  command(flow, COMMAND_KEY_FRAME, NULL, 0);
}

void ablak_flow_set_first(AblakFlow *flow)
{
  command(flow, COMMAND_FIRST, NULL, 0);
}

gint64 ablak_flow_heard_ms(const AblakFlow *flow)
{
  return atomic_load_explicit(&flow->heard_ms, memory_order_relaxed);
}

gint64 ablak_flow_consent_ms(const AblakFlow *flow)
{
  return atomic_load_explicit(&flow->consent_ms, memory_order_relaxed);
}

void ablak_flow_watch(AblakFlow *flow)
{
  atomic_store_explicit(&flow->watched, true, memory_order_relaxed);
}

void ablak_flow_get_stats(const AblakFlow *flow, AblakFlowStats *ret_stats)
{
  const memory_order order = memory_order_relaxed;
  ret_stats->packets_received = atomic_load_explicit(&flow->packets_received, order);
  ret_stats->bytes_received = atomic_load_explicit(&flow->bytes_received, order);
  ret_stats->packets_sent = atomic_load_explicit(&flow->packets_sent, order);
  ret_stats->bytes_sent = atomic_load_explicit(&flow->bytes_sent, order);
  ret_stats->packets_refused = atomic_load_explicit(&flow->packets_refused, order);
}
