/* tests/bench/video/load-leg.c: connecting one leg and telling its packets apart. */
#include "load-leg.h"
#include "load-media.h"
#include "load-rtcp.h"
#include "video/rtp.h"
#include <openssl/rand.h>

#define DTLS_TICK_NS (20 * G_GINT64_CONSTANT(1000000))

static guint32 random_number(void)
{
  guint32 number;
  RAND_bytes((guint8 *)&number, sizeof number);
  return number | 1;
}

LoadLeg *load_leg_new(Load *load)
{
  LoadLeg *leg = g_new0(LoadLeg, 1);
  leg->load = load;
  leg->index = load->legs->len;
  /* Everyone begins elsewhere: feedback on another's packets is then known for what it is. */
  leg->transport_sequence = (guint16)random_number();
  load_ice_init(&leg->ice);
  for (LoadKind kind = 0; kind < LOAD_KINDS; kind++) {
    leg->out[kind].ssrc = random_number();
    /* Not near the end, as the relay's first packet may be a late one. */
    leg->out[kind].sequence = (guint16)(random_number() & 0x3fff);
    g_hash_table_insert(load->senders, GUINT_TO_POINTER(leg->out[kind].ssrc), leg);
  }
  g_ptr_array_add(load->legs, leg);
  return leg;
}

void load_leg_free(LoadLeg *leg)
{
  load_dtls_free(leg->dtls);
  ablak_srtp_free(leg->receive);
  ablak_srtp_free(leg->send);
  g_free(leg);
}

void load_leg_send(LoadLeg *leg, const guint8 *data, gsize size)
{
  load_net_send(leg->load->net, leg->index, &leg->ice.remote, data, size);
}

static void dtls_send(const guint8 *data, gsize size, gpointer user)
{
  load_leg_send(user, data, size);
}

static void advance_dtls(LoadLeg *leg, const guint8 *data, gsize size)
{
  if (leg->connected || leg->failed)
    return;
  if (leg->dtls == NULL)
    leg->dtls =
        load_dtls_new(leg->load->dtls, leg->server, leg->remote_fingerprint, dtls_send, leg);
  if (load_dtls_advance(leg->dtls, data, size)) {
    leg->profile = load_dtls_keys(leg->dtls, &leg->receive, &leg->send);
    leg->connected = true;
    leg->load->settled(leg, NULL);
  } else if (load_dtls_failure(leg->dtls) != NULL) {
    leg->failed = true;
    leg->load->settled(leg, load_dtls_failure(leg->dtls));
  }
}

static void receive_stun(LoadLeg *leg, const struct sockaddr_in *from, const guint8 *data,
                         gsize size)
{
  guint8 answer[LOAD_ICE_PACKET_MAX];
  gsize answer_size = load_ice_receive(&leg->ice, from, data, size, answer);
  if (answer_size > 0)
    load_net_send(leg->load->net, leg->index, from, answer, answer_size);
}

void load_leg_received(LoadLeg *leg, const struct sockaddr_in *from, guint8 *data, gsize size,
                       gint64 at_ns)
{
  switch (ablak_packet_kind(data, size)) {
  case ABLAK_PACKET_STUN:
    receive_stun(leg, from, data, size);
    break;
  case ABLAK_PACKET_DTLS:
    if (leg->ice.remote_ufrag[0] != '\0')
      advance_dtls(leg, data, size);
    break;
  case ABLAK_PACKET_RTP:
    load_media_received(leg, data, size, at_ns);
    break;
  case ABLAK_PACKET_RTCP:
    leg->load->report.control_received += leg->load->measuring;
    load_rtcp_received(leg, data, size);
    break;
  case ABLAK_PACKET_UNKNOWN:
    break;
  }
}

void load_leg_tick(LoadLeg *leg, gint64 now_ns)
{
  guint8 packet[LOAD_ICE_PACKET_MAX];
  if (leg->plain || leg->failed)
    return;
  if (leg->ice.next_check_ns <= now_ns)
    load_leg_send(leg, packet, load_ice_write_check(&leg->ice, now_ns, packet));
  if (leg->connected)
    load_rtcp_tick(leg, now_ns);
  else if (leg->ice.ready && leg->next_dtls_ns <= now_ns) {
    leg->next_dtls_ns = now_ns + DTLS_TICK_NS;
    advance_dtls(leg, NULL, 0);
  }
}
