/* video/loop-private.h: what loops.c (the slow loop's side), loop.c (a thread), flow.c (routes) and
 * forward.c (packets) share. */
#pragma once
#include "video/consent.h"
#include "video/feedback.h"
#include "video/loop.h"
#include "video/resend.h"
#include "video/rtp.h"
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/uio.h>

/* Packets encrypted before they are sent. */
#define LOOP_BATCH 64
/* Datagrams taken at once; the kernel may hand over several packets in one (UDP_GRO). */
#define LOOP_READS 8
#define LOOP_READ_SPACE 65536
#define PACKET_SPACE (ABLAK_RTP_PACKET_MAX + ABLAK_SRTP_OVERHEAD)
#define FLOW_SSRCS_MAX 32
#define FLOW_PROBES_MAX 4
/* A route this long silent has lost its peer: while media comes from elsewhere, and else, when a
 * question asked after a second of silence had time enough to be answered. */
#define ROUTE_ASTRAY_MS 300
#define ROUTE_SILENT_MS 2500

typedef struct Loop Loop;
typedef struct Message Message;

typedef enum {
  /* commands */
  COMMAND_FLOW_ADD,
  COMMAND_FLOW_REMOVE,
  COMMAND_ROOM_REMOVE,
  COMMAND_KEYS,
  COMMAND_SOURCES,
  COMMAND_PAYLOADS,
  COMMAND_ROUTE,
  COMMAND_PROBE,
  COMMAND_PARK,
  COMMAND_RECEIVE,
  COMMAND_SEND,
  COMMAND_KEY_FRAME,
  COMMAND_FIRST,
  COMMAND_TAP,
  COMMAND_STOP,
  /* events */
  EVENT_DTLS,
  EVENT_HEARD,
  EVENT_ASTRAY,
  EVENT_REFUSED,
} MessageType;

/* A command or an event; holds a reference to its flow. */
struct Message {
  Message *next;
  MessageType type;
  AblakFlow *flow;
  AblakRoom *room;
  gpointer pointers[2];
  AblakFlowRefusal refusal;
  guint32 ssrc;
  gsize size;
  guint8 data[];
};

/* First in, first out, with a limit on packets. */
typedef struct {
  pthread_mutex_t mutex;
  Message *head, **tail;
  guint packets;
  int event_fd; /* readable when something is there */
} Mailbox;

bool ablak_mailbox_init(Mailbox *mailbox);
void ablak_mailbox_clear(Mailbox *mailbox);
Message *ablak_message_new(MessageType type, AblakFlow *flow, gconstpointer data, gsize size);
void ablak_message_free(Message *message);
void ablak_mailbox_post(Mailbox *mailbox, Message *message);
/* Everything there is, as a list; the descriptor is no longer readable. */
Message *ablak_mailbox_take(Mailbox *mailbox);

typedef struct Route Route;
struct Route {
  AblakFlow *flow;
  int fd;
  bool segments; /* the kernel may cut several packets from one (UDP_SEGMENT) */
  bool own;      /* a twin, connected and in epoll; else it only sends */
  bool closed;   /* until the turn ends its memory stays: epoll may have told of it */
  Route *next_closed;
  struct sockaddr_storage remote;
  socklen_t remote_size;
  char *local_ufrag, *local_password;
  char *remote_password;
  char *remote_ufrag;
  guint64 tie_breaker;
  AblakConsent consent;
  gint64 made_ms;
  gint64 heard_ms;
  bool answered;           /* a question of ours; of a probe */
  gint64 answers_since_ms; /* ours to the peer's requests are limited */
  guint answers;
};

typedef struct {
  bool open; /* the flow is recorded */
  int fd;
  guint8 party;
  guint32 dropped;
  gint64 key_frame_ms; /* when one was asked for a player's sake */
} Tap;

/* In a room of more than two (several.h). */
typedef struct {
  bool first;              /* its picture has the greatest share */
  AblakArrivals *arrivals; /* NULL before the first */
  gint64 picture_ms;       /* when it last sent one; 0: never */
  guint64 estimate_bps;    /* of what it can receive */
  gint64 estimate_ms;      /* when it said so; 0: never */
  guint64 told_bps;        /* how much it may send, as it was told */
  gint64 told_ms;
  guint lifts; /* how often it is still to be told that there is no limit any more */
} Several;

struct AblakFlow {
  atomic_uint references;

  /* Written by the media loop, read by the slow one. */
  atomic_ullong packets_received, bytes_received, packets_sent, bytes_sent, packets_refused;
  atomic_llong heard_ms, consent_ms;
  atomic_bool watched; /* set by the slow loop, cleared by the media loop */

  /* The slow loop's. */
  const AblakFlowHandler *handler;
  gpointer user;
  bool freed;

  /* Never changed. */
  AblakRoom *room;
  bool may_send[ABLAK_SDP_KINDS];

  /* The media loop's. */
  AblakSrtp *receive, *send;
  Route *route; /* NULL before the first */
  Route *probes[FLOW_PROBES_MAX];
  guint32 ssrcs[FLOW_SSRCS_MAX];
  guint ssrcs_length;
  guint32 video[ABLAK_SDP_SOURCES_MAX]; /* whose key frames can be asked for */
  guint video_length;
  guint32 screens[ABLAK_SDP_SOURCES_MAX * 2]; /* which of them are, and their retransmissions */
  guint screens_length;
  AblakSdpPayloads plain; /* of which the peer gets no RTX */
  AblakResend *resend;    /* NULL when there is nothing to keep */
  bool refusal_told;
  bool key_frame_wanted;
  gint64 key_frame_asked_ms;
  gint64 astray_told_ms;
  Tap tap;
  Several several;
  gint64 elsewhere_ms; /* when media last came on another way than the route */
};

struct AblakRoom {
  Loop *loop;
  AblakFlow *flows[ABLAK_ROOM_FLOWS_MAX]; /* in order of joining */
  guint length;
  AblakRoom *previous, *next; /* in the loop */
};

/* Room for one number beside a datagram, aligned as the kernel wants it. */
typedef union {
  struct cmsghdr header;
  guint8 space[CMSG_SPACE(sizeof(int))];
} Ancillary;

typedef struct {
  guint8 *data;
  gsize size;
  bool rtcp;
  bool unfinished; /* of a picture: the rest is on its way */
} Plain;

struct Loop {
  AblakLoops *loops;
  pthread_t thread;
  Mailbox commands;
  guint rooms_given; /* the slow loop's: how many rooms it has given and not taken back */

  int epoll;
  bool stopping;
  gint64 now_ms;
  gint64 tick_ms;
  guint turn_packets; /* since the last tick */
  bool busy;          /* packets come so fast that turns are paced */
  bool more;          /* a socket held more than was taken */
  bool unfinished;    /* a picture came in part */
  AblakRoom *rooms;
  Route *closed;

  guint8 in[LOOP_READS][LOOP_READ_SPACE];
  struct iovec in_pieces[LOOP_READS];
  struct mmsghdr in_headers[LOOP_READS];
  Ancillary in_control[LOOP_READS];

  guint8 out[LOOP_BATCH][PACKET_SPACE];
  struct iovec out_pieces[LOOP_BATCH];
  struct mmsghdr out_headers[LOOP_BATCH];
  Ancillary out_control[LOOP_BATCH];

  Plain plain[LOOP_BATCH];
  guint plain_length;
};

struct AblakLoops {
  GSource *source;
  Mailbox events;
  guint length;
  Loop *loops[];
};

void ablak_flow_ref(AblakFlow *flow);
void ablak_flow_unref(AblakFlow *flow);

/* loops.c: points its headers at its buffers */
void ablak_loop_prepare(Loop *loop);

/* loop.c */
void *ablak_loop_run(void *loop);
void ablak_loop_tell(AblakFlow *flow, MessageType type, gconstpointer data, gsize size);

/* flow.c: the media loop's */
void ablak_counter_add(atomic_ullong *counter, guint64 more);
/* One batch from the route's socket. */
void ablak_route_receive(Loop *loop, Route *route);
/* A packet that came through libnice; decrypted in place. */
void ablak_flow_receive_slowly(Loop *loop, AblakFlow *flow, guint8 *data, gsize size);
void ablak_flow_tick(Loop *loop, AblakFlow *flow);

/* route.c: the media loop's */
static inline bool ablak_flow_can_send(const AblakFlow *flow)
{
  return flow->send != NULL && flow->route != NULL;
}
bool ablak_route_send(const Route *route, const guint8 *data, gsize size);
void ablak_flow_send_raw(AblakFlow *flow, const guint8 *data, gsize size);
/* The first `length` of loop->out, to the flow's peer. */
void ablak_flow_send_out(Loop *loop, AblakFlow *flow, guint length);
void ablak_route_take(Loop *loop, AblakFlow *flow, Route *route);
void ablak_route_take_probe(Loop *loop, AblakFlow *flow, Route *route);
void ablak_route_judge_probes(Loop *loop, AblakFlow *flow);
void ablak_route_park(Loop *loop, AblakFlow *flow);
void ablak_route_expire(Loop *loop, AblakFlow *flow);
void ablak_route_free_closed(Loop *loop);
void ablak_flow_end(Loop *loop, AblakFlow *flow);

/* tap.c: the media loop's */
void ablak_tap_take(Loop *loop, AblakFlow *flow, const Tap *tap);
/* The first `length` of loop->plain, to the recorder. */
void ablak_tap_send(Loop *loop, AblakFlow *flow, guint length);
void ablak_tap_tick(Loop *loop, AblakFlow *flow);

/* forward.c: the media loop's */
/* Decrypts the packet in place; false when it is refused. */
bool ablak_forward_open(AblakFlow *flow, guint8 *data, gsize size, Plain *ret_plain);
/* The first `length` of loop->plain, to the room's other flows. */
void ablak_forward(Loop *loop, AblakFlow *flow, guint length);
void ablak_forward_set_sources(AblakFlow *flow, const AblakSdpSource *sources, gsize length);
void ablak_forward_set_payloads(AblakFlow *flow, AblakSdpPayloads agreed);
/* Begins or ends to keep what is sent, as the peer and the number of the room's people want it. */
void ablak_forward_keep(AblakFlow *flow);
void ablak_forward_ask_key_frame(Loop *loop, AblakFlow *flow);
