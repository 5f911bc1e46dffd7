/* tests/bench/video/load-leg.h: one person of a call, as the relay sees one: a pair of addresses, a
 * DTLS connection, a stream of sound and one of picture each way. */
#pragma once
#include "load-dtls.h"
#include "load-ice.h"
#include "load-net.h"
#include "load-report.h"

typedef enum { LOAD_AUDIO, LOAD_VIDEO, LOAD_KINDS } LoadKind;

/* Packets that are remembered until they come out of the relay; six seconds of picture. */
#define LOAD_SENT_MAX 1024
#define LOAD_ARRIVALS_MAX 256

typedef struct {
  gint64 sent_ns;
  guint16 sequence;
  bool waiting;
  bool counts; /* belongs to the window that is being measured */
} LoadSent;

typedef struct {
  guint32 ssrc;
  guint16 sequence; /* the next one */
  guint16 frames;
  guint32 packets, bytes;
  guint32 timestamp;
  LoadSent sent[LOAD_SENT_MAX];
} LoadOut;

typedef struct {
  guint32 ssrc; /* 0 until the first packet */
  guint32 highest;
  guint32 packets;
  /* What the relay added to the sender's sequence numbers, known from opened packets. */
  guint16 renumbered;
} LoadIn;

typedef struct {
  guint16 sequence;
  gint64 at_ns;
} LoadArrival;

typedef struct Load Load;
typedef struct {
  Load *load;
  guint index;
  guint peer;
  bool plain; /* no relay but an echo: neither ICE nor DTLS nor SRTP */
  bool server;
  bool connected;
  bool failed;
  LoadIce ice;
  LoadDtls *dtls;
  gint64 next_dtls_ns;
  char remote_fingerprint[96];
  AblakSrtpProfile profile;
  AblakSrtp *receive, *send;
  LoadOut out[LOAD_KINDS];
  LoadIn in[LOAD_KINDS];
  guint16 transport_sequence;
  bool numbered;                           /* transport-wide, is what comes */
  guint16 number_next;                     /* as far as nothing was lost */
  LoadArrival arrivals[LOAD_ARRIVALS_MAX]; /* since the last feedback */
  guint arrivals_length;
  guint8 feedbacks, reports;
  gint64 next_feedback_ns, next_report_ns;
} LoadLeg;

struct Load {
  LoadNet *net;
  LoadDtlsContext *dtls;
  GPtrArray *legs;     /* LoadLeg */
  GHashTable *senders; /* SSRC -> LoadLeg: of a call of more than two, whose packet it is */
  LoadReport report;
  bool measuring; /* between the two readings of the clocks */
  /* A leg's connection stands or is given up; `failure` NULL when it stands. */
  void (*settled)(LoadLeg *leg, const char *failure);
};

LoadLeg *load_leg_new(Load *load);
void load_leg_free(LoadLeg *leg);
void load_leg_send(LoadLeg *leg, const guint8 *data, gsize size);
void load_leg_received(LoadLeg *leg, const struct sockaddr_in *from, guint8 *data, gsize size,
                       gint64 at_ns);
void load_leg_tick(LoadLeg *leg, gint64 now_ns);
