#include "peer.h"
#include "video/bytes.h"
#include "video/feedback.h"
#include "video/rtp.h"
#include "video/stun.h"
#include <glib-unix.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>
#include <unistd.h>

#define PACKETS_MAX 65536
#define PACKET_SIZE 1000
#define CHECK_MS 50

typedef struct {
  char *ufrag, *password;
} Names;

/* What came of one sender. */
typedef struct {
  guint32 ssrc;
  guint highest;
  guint8 bits[PACKETS_MAX / 8];
} Seen;

struct Peer {
  char *session, *leg;
  PeerSay say;
  gpointer data;
  guint32 ssrc;
  int fd;
  guint watch, timer;
  guint16 port;
  bool cut;
  Names local, former, remote;
  struct sockaddr_in box;
  bool checked, moved;
  AblakMediaLegState state;
  char *reason;

  SSL_CTX *context;
  SSL *ssl;
  char fingerprint[96];
  AblakSrtp *receive, *send;

  guint sent, received, key_frames_asked, nacks;
  guint lose_nth, came;
  bool extends;
  guint numbered, named, arrivals_told;
  guint64 limit_bps;
  char *offer; /* the last one */
  Seen seen[3];
};

static void names_clear(Names *names)
{
  g_free(names->ufrag);
  g_free(names->password);
  *names = (Names){NULL, NULL};
}

static void certify(Peer *peer)
{
  guint8 digest[32];
  guint size = 0;
  EVP_PKEY *key = EVP_EC_gen("P-256");
  X509 *certificate = X509_new();
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  g_assert_cmpint(X509_sign(certificate, key, EVP_sha256()), >, 0);
  g_assert_cmpint(SSL_CTX_use_certificate(peer->context, certificate), ==, 1);
  g_assert_cmpint(SSL_CTX_use_PrivateKey(peer->context, key), ==, 1);
  g_assert_cmpint(X509_digest(certificate, EVP_sha256(), digest, &size), ==, 1);
  for (gsize i = 0; i < sizeof digest; i++)
    g_snprintf(peer->fingerprint + 3 * i, 4, "%02X:", digest[i]);
  peer->fingerprint[95] = '\0';
  X509_free(certificate);
  EVP_PKEY_free(key);
}

static void send_out(Peer *peer, const guint8 *data, gsize size)
{
  if (!peer->cut)
    g_assert_cmpint(sendto(peer->fd, data, size, 0, (gpointer)&peer->box, sizeof peer->box), ==,
                    (gssize)size);
}

void peer_send_raw(Peer *peer, const guint8 *data, gsize size)
{
  send_out(peer, data, size);
}

/* Each record in a datagram of its own. */
static void dtls_flush(Peer *peer)
{
  guint8 *data = NULL;
  long size = BIO_get_mem_data(SSL_get_wbio(peer->ssl), &data);
  for (long at = 0; at < size;) {
    long length = 13 + (data[at + 11] << 8 | data[at + 12]);
    send_out(peer, data + at, (gsize)length);
    at += length;
  }
  (void)BIO_reset(SSL_get_wbio(peer->ssl));
}

static void keys_take(Peer *peer)
{
  guint8 material[56];
  g_assert_cmpint(SSL_export_keying_material(peer->ssl, material, sizeof material,
                                             "EXTRACTOR-dtls_srtp", 19, NULL, 0, 0),
                  ==, 1);
  peer->send = ablak_srtp_new(ABLAK_SRTP_AEAD_AES_128_GCM, material, material + 32);
  peer->receive = ablak_srtp_new(ABLAK_SRTP_AEAD_AES_128_GCM, material + 16, material + 44);
}

static void dtls_step(Peer *peer)
{
  int result = SSL_do_handshake(peer->ssl);
  dtls_flush(peer);
  if (result == 1 && peer->send == NULL)
    keys_take(peer);
}

static void take_stun(Peer *peer, const guint8 *data, gsize size)
{
  AblakStunMessage message;
  guint8 answer[ABLAK_STUN_SIZE_MAX];
  g_assert_true(ablak_stun_parse(data, size, &message));
  if (message.type == ABLAK_STUN_BINDING_SUCCESS) {
    g_assert_true(ablak_stun_is_authentic(&message, peer->remote.password));
    peer->moved = false;
    return;
  }
  if (message.type != ABLAK_STUN_BINDING_REQUEST)
    return;
  const char *password = peer->local.password;
  if (peer->former.password != NULL && !ablak_stun_is_authentic(&message, password))
    password = peer->former.password;
  if (!ablak_stun_is_authentic(&message, password))
    return; /* libnice checks before it has the new credentials */
  gsize answered =
      ablak_stun_write_success(answer, message.transaction, (gpointer)&peer->box, password);
  send_out(peer, answer, answered);
  if (!peer->checked)
    dtls_step(peer);
  peer->checked = true;
}

/* As pictures are cut: some of a size, then a shorter one, and now and then a longer one. */
static gsize size_of(guint32 number)
{
  return PACKET_SIZE - (number % 7 == 6 ? 300 : 0) + (number % 11 == 10 ? 1 : 0);
}

static Seen *seen_of(Peer *peer, guint32 ssrc)
{
  guint i = 0;
  while (peer->seen[i].ssrc != ssrc && peer->seen[i].ssrc != 0)
    g_assert_cmpuint(++i, <, G_N_ELEMENTS(peer->seen));
  peer->seen[i].ssrc = ssrc;
  return &peer->seen[i];
}

static void take_rtp(Peer *peer, guint8 *data, gsize size)
{
  AblakRtpHeader header;
  if (peer->lose_nth > 0 && ++peer->came % peer->lose_nth == 0)
    return;
  if (peer->receive == NULL || ablak_srtp_unprotect(peer->receive, data, &size) != ABLAK_SRTP_OK)
    g_error("a packet for %s cannot be opened", peer->leg);
  g_assert_true(ablak_rtp_parse(data, size, &header));
  guint32 number = ablak_read32(data + header.header_size);
  g_assert_cmpuint(size - header.header_size + 12, ==, size_of(number));
  g_assert_cmpuint(number % PACKETS_MAX, ==, header.sequence);
  Seen *seen = seen_of(peer, header.ssrc);
  g_assert_false(seen->bits[header.sequence / 8] >> header.sequence % 8 & 1);
  seen->bits[header.sequence / 8] |= (guint8)(1 << header.sequence % 8);
  seen->highest = MAX(seen->highest, number);
  peer->received++;
  gsize length = 0;
  peer->numbered += ablak_extension_find(data, size, ABLAK_EXTENSION_SEQUENCE, &length) != NULL;
  peer->named += ablak_extension_find(data, size, ABLAK_EXTENSION_MID, &length) != NULL;
}

static void take_rtcp(Peer *peer, guint8 *data, gsize size)
{
  AblakRtcpPacket packet;
  gsize offset = 0;
  g_assert_cmpint(ablak_srtp_unprotect_rtcp(peer->receive, data, &size), ==, ABLAK_SRTP_OK);
  while (ablak_rtcp_next(data, size, &offset, &packet)) {
    peer->key_frames_asked += packet.type == ABLAK_RTCP_PAYLOAD_FEEDBACK && packet.count == 1;
    peer->nacks += ablak_rtcp_is_nack(&packet);
    peer->arrivals_told += ablak_rtcp_is_transport_wide(&packet);
    if (ablak_rtcp_read_estimate(&packet, &peer->limit_bps))
      g_assert_cmpuint(ablak_read32(packet.data + 20), ==, peer->ssrc + 1);
  }
}

static void take(Peer *peer, guint8 *data, gsize size)
{
  switch (ablak_packet_kind(data, size)) {
  case ABLAK_PACKET_STUN:
    take_stun(peer, data, size);
    break;
  case ABLAK_PACKET_DTLS:
    BIO_write(SSL_get_rbio(peer->ssl), data, (int)size);
    dtls_step(peer);
    break;
  case ABLAK_PACKET_RTP:
    take_rtp(peer, data, size);
    break;
  case ABLAK_PACKET_RTCP:
    take_rtcp(peer, data, size);
    break;
  case ABLAK_PACKET_UNKNOWN:
    g_assert_not_reached();
  }
}

static gboolean on_readable(int fd, GIOCondition condition, gpointer user)
{
  Peer *peer = user;
  guint8 data[2048];
  socklen_t size = sizeof peer->box;
  struct sockaddr_in from;
  for (gssize got;
       (got = recvfrom(fd, data, sizeof data, MSG_DONTWAIT, (gpointer)&from, &size)) > 0;)
    if (!peer->cut) {
      peer->box = from;
      take(peer, data, (gsize)got);
    }
  return G_SOURCE_CONTINUE;
}

static void open_socket(Peer *peer)
{
  struct sockaddr_in local = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof local;
  int room = 4 << 20;
  peer->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  setsockopt(peer->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  g_assert_cmpint(bind(peer->fd, (gpointer)&local, sizeof local), ==, 0);
  g_assert_cmpint(getsockname(peer->fd, (gpointer)&local, &size), ==, 0);
  peer->port = ntohs(local.sin_port);
  peer->watch = g_unix_fd_add(peer->fd, G_IO_IN, on_readable, peer);
}

static void close_socket(Peer *peer)
{
  g_source_remove(peer->watch);
  close(peer->fd);
}

/* As a browser keeps asking: the only way a box learns that its peer has moved. */
static gboolean on_check(gpointer user)
{
  Peer *peer = user;
  guint8 request[ABLAK_STUN_SIZE_MAX], transaction[12];
  if (!peer->moved)
    return G_SOURCE_CONTINUE;
  RAND_bytes(transaction, sizeof transaction);
  g_autofree char *username = g_strconcat(peer->remote.ufrag, ":", peer->local.ufrag, NULL);
  gsize size =
      ablak_stun_write_request(request, transaction, username, peer->remote.password, false, 7);
  send_out(peer, request, size);
  return G_SOURCE_CONTINUE;
}

Peer *peer_new(const char *session, const char *leg, guint32 ssrc, PeerSay say, gpointer data)
{
  Peer *peer = g_new0(Peer, 1);
  peer->session = g_strdup(session);
  peer->leg = g_strdup(leg);
  peer->ssrc = ssrc;
  peer->say = say;
  peer->data = data;
  peer->context = SSL_CTX_new(DTLS_client_method());
  certify(peer);
  g_assert_cmpint(SSL_CTX_set_tlsext_use_srtp(peer->context, "SRTP_AEAD_AES_128_GCM"), ==, 0);
  SSL_CTX_set_options(peer->context, SSL_OP_NO_QUERY_MTU);
  peer->ssl = SSL_new(peer->context);
  BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
  BIO_set_mem_eof_return(in, -1);
  BIO_set_mem_eof_return(out, -1);
  SSL_set_bio(peer->ssl, in, out);
  SSL_set_connect_state(peer->ssl);
  DTLS_set_link_mtu(peer->ssl, 1200);
  open_socket(peer);
  peer->timer = g_timeout_add(CHECK_MS, on_check, peer);
  return peer;
}

void peer_free(Peer *peer)
{
  g_source_remove(peer->timer);
  close_socket(peer);
  SSL_free(peer->ssl);
  SSL_CTX_free(peer->context);
  ablak_srtp_free(peer->receive);
  ablak_srtp_free(peer->send);
  names_clear(&peer->local);
  names_clear(&peer->former);
  names_clear(&peer->remote);
  g_free(peer->reason);
  g_free(peer->offer);
  g_free(peer->session);
  g_free(peer->leg);
  g_free(peer);
}

static char *line_of(const char *sdp, const char *pattern)
{
  g_autoptr(GRegex) regex = g_regex_new(pattern, 0, 0, NULL);
  g_autoptr(GMatchInfo) match = NULL;
  g_assert_true(g_regex_match(regex, sdp, 0, &match));
  return g_match_info_fetch(match, 1);
}

/* A section for each of the offer; it sends audio and video through the first ones. */
static char *answer_of(const Peer *peer, const char *offer)
{
  g_autofree char *group = line_of(offer, "a=group:(BUNDLE [^\r]+)");
  GString *sdp = g_string_new("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n");
  g_string_append_printf(sdp, "a=group:%s\r\n", group);
  g_auto(GStrv) mids = g_strsplit(group, " ", -1);
  const char *video = peer->extends ? "96 97" : "96"; /* with RTX, or without */
  for (guint i = 1; mids[i] != NULL; i++) {
    bool audio = g_str_has_prefix(mids[i], "audio");
    g_string_append_printf(sdp,
                           "m=%s 9 UDP/TLS/RTP/SAVPF %s\r\nc=IN IP4 0.0.0.0\r\n"
                           "a=mid:%s\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:sha-256 "
                           "%s\r\na=setup:active\r\na=rtcp-mux\r\na=%s\r\n"
                           "a=candidate:1 1 udp 2130706431 127.0.0.1 %u typ host\r\n",
                           audio ? "audio" : "video", audio ? "111" : video, mids[i],
                           peer->local.ufrag, peer->local.password, peer->fingerprint,
                           i <= 2 ? "sendrecv" : "recvonly", peer->port);
    if (i <= 2)
      g_string_append_printf(sdp, "a=ssrc:%u cname:%s\r\n", peer->ssrc + i - 1, peer->leg);
  }
  return g_string_free(sdp, FALSE);
}

static char *letters(gsize length)
{
  char *text = g_strnfill(length, 'a');
  for (gsize i = 0; i < length; i++)
    text[i] = (char)('a' + g_random_int_range(0, 26));
  return text;
}

static void take_offer(Peer *peer, const AblakMediaMessage *offer)
{
  g_autofree char *ufrag = line_of(offer->sdp, "a=ice-ufrag:(\\S+)");
  if (g_strcmp0(peer->remote.ufrag, ufrag) != 0) { /* the first one, or a restart */
    g_autofree char *port = line_of(offer->sdp, "a=candidate:\\S+ 1 \\S+ \\d+ 127.0.0.1 (\\d+)");
    names_clear(&peer->remote);
    names_clear(&peer->former);
    peer->former = peer->local;
    peer->local = (Names){letters(6), letters(24)};
    peer->remote = (Names){g_strdup(ufrag), line_of(offer->sdp, "a=ice-pwd:(\\S+)")};
    peer->box = (struct sockaddr_in){.sin_family = AF_INET,
                                     .sin_port = htons((guint16)g_ascii_strtoull(port, NULL, 10)),
                                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  }
  g_autoptr(AblakMediaMessage) answer =
      ablak_media_message_new(ABLAK_MEDIA_ANSWER, peer->session, peer->leg);
  answer->generation = offer->generation;
  answer->sdp = answer_of(peer, offer->sdp);
  g_free(peer->offer);
  peer->offer = g_strdup(offer->sdp);
  peer->say(answer, peer->data);
}

void peer_hear(Peer *peer, const AblakMediaMessage *message)
{
  if (g_strcmp0(message->session, peer->session) != 0 || g_strcmp0(message->leg, peer->leg) != 0)
    return;
  if (message->type == ABLAK_MEDIA_ERROR)
    g_error("%s was refused: %s", peer->leg, message->detail);
  if (message->type == ABLAK_MEDIA_OFFER)
    take_offer(peer, message);
  if (message->type == ABLAK_MEDIA_STATE) {
    peer->state = message->state;
    g_free(peer->reason);
    peer->reason = g_strdup(message->reason);
  }
}

bool peer_is_connected(const Peer *peer)
{
  return peer->send != NULL && peer->state == ABLAK_MEDIA_LEG_CONNECTED;
}

AblakMediaLegState peer_state(const Peer *peer)
{
  return peer->state;
}

const char *peer_reason(const Peer *peer)
{
  return peer->reason;
}

/* As browsers do: time of sending, transport-wide number, MID. */
static gsize extend(guint8 *packet, guint32 number)
{
  const guint8 extension[16] = {
      0xbe, 0xde, 0, 3, 0x22, 0, 0, 0, 0x31, (guint8)(number >> 8), (guint8)number, 0x40, 'v'};
  packet[0] |= 0x10;
  memcpy(packet + 12, extension, sizeof extension);
  return sizeof extension;
}

void peer_send_skipped(Peer *peer, guint32 number)
{
  guint8 packet[PACKET_SIZE + 17 + ABLAK_SRTP_OVERHEAD] = {0x80, 96};
  gsize head = 12 + (peer->extends ? extend(packet, number) : 0);
  gsize size = size_of(number) + head - 12;
  packet[2] = (guint8)(number >> 8);
  packet[3] = (guint8)number;
  ablak_write32(packet + 8, peer->ssrc + 1);
  ablak_write32(packet + head, number);
  g_assert_cmpint(ablak_srtp_protect(peer->send, packet, &size, sizeof packet), ==, ABLAK_SRTP_OK);
  send_out(peer, packet, size);
}

void peer_extend(Peer *peer)
{
  peer->extends = true;
}

void peer_tell_estimate(Peer *peer, guint32 ssrc, guint64 bps)
{
  guint8 packet[ABLAK_RTCP_ESTIMATE_SIZE + ABLAK_SRTP_OVERHEAD];
  gsize size = ABLAK_RTCP_ESTIMATE_SIZE;
  ablak_rtcp_write_estimate(packet, peer->ssrc, ssrc, bps);
  g_assert_cmpint(ablak_srtp_protect_rtcp(peer->send, packet, &size, sizeof packet), ==,
                  ABLAK_SRTP_OK);
  send_out(peer, packet, size);
}

PeerFeedback peer_feedback(const Peer *peer)
{
  return (PeerFeedback){peer->numbered, peer->named, peer->arrivals_told, peer->limit_bps};
}

const char *peer_offer(const Peer *peer)
{
  return peer->offer;
}

void peer_skip(Peer *peer)
{
  peer->sent++;
}

void peer_send(Peer *peer)
{
  peer_send_skipped(peer, peer->sent++);
}

void peer_lose(Peer *peer, guint nth)
{
  peer->lose_nth = nth;
}

/* A receiver report without blocks, and a NACK with one entry for each packet. */
guint peer_ask_again(Peer *peer, guint32 ssrc)
{
  guint8 packet[1400] = {0x80, ABLAK_RTCP_RR, 0, 1};
  guint8 *nack = packet + 8;
  gsize size = 20;
  ablak_write32(packet + 4, peer->ssrc);
  nack[0] = 0x81;
  nack[1] = ABLAK_RTCP_TRANSPORT_FEEDBACK;
  ablak_write32(nack + 4, peer->ssrc);
  ablak_write32(nack + 8, ssrc);
  const Seen *seen = seen_of(peer, ssrc);
  for (guint i = 0; i < seen->highest; i++)
    if ((seen->bits[i / 8] >> i % 8 & 1) == 0) {
      g_assert_cmpuint(size + 4 + ABLAK_SRTP_OVERHEAD, <=, sizeof packet);
      ablak_write32(packet + size, i << 16);
      size += 4;
    }
  guint count = (guint)(size - 20) / 4;
  nack[3] = (guint8)(2 + count);
  g_assert_cmpint(ablak_srtp_protect_rtcp(peer->send, packet, &size, sizeof packet), ==,
                  ABLAK_SRTP_OK);
  send_out(peer, packet, size);
  return count;
}

guint peer_sent(const Peer *peer)
{
  return peer->sent;
}

guint peer_received(const Peer *peer)
{
  return peer->received;
}

guint peer_key_frames_asked(const Peer *peer)
{
  return peer->key_frames_asked;
}

guint peer_nacks(const Peer *peer)
{
  return peer->nacks;
}

guint16 peer_port(const Peer *peer)
{
  return peer->port;
}

void peer_move(Peer *peer)
{
  close_socket(peer);
  open_socket(peer);
  peer->moved = true;
}

void peer_cut(Peer *peer, bool cut)
{
  peer->cut = cut;
}
