/* video/leg-media.c: a leg and the media loop that carries its packets. */
#include "core/clock.h"
#include "core/error.h"
#include "video/leg.h"
#include "video/twin.h"
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#define QUIET_MS 5000
#define DEAD_MS 30000
/* A page that only listens sends a receiver report each 1 to 8 s while something comes (RFC 3550
 * §6.2), and nothing at all otherwise. */
#define LISTENER_QUIET_MS 15000
#define UNANSWERED_PACKETS 50
/* Addresses tried at once. */
#define PROBES_MAX 3

static void flow_dtls(const guint8 *data, gsize size, gpointer user)
{
  ablak_leg_receive_dtls(user, data, size);
}

static void flow_heard(gpointer user)
{
  AblakLeg *leg = user;
  if (leg->state == ABLAK_MEDIA_LEG_DISCONNECTED)
    ablak_leg_set_state(leg, ABLAK_MEDIA_LEG_CONNECTED, NULL);
  ablak_flow_ask_key_frame(leg->flow);
  ablak_leg_ask_key_frames(leg);
}

/* Credentials go along because the peer's checks and our questions are signed with them. */
static bool route_fill(AblakLeg *leg, AblakFlowRoute *route, char **ret_ufrag, char **ret_password)
{
  if (!ablak_ice_local_credentials(leg->ice, ret_ufrag, ret_password))
    return false;
  route->local_ufrag = *ret_ufrag;
  route->local_password = *ret_password;
  route->remote_ufrag = leg->answer->ufrag;
  route->remote_password = leg->answer->password;
  return true;
}

static int twin_open(int fd, const AblakIceAddress *remote)
{
  return ablak_twin_open(fd, (const struct sockaddr *)(gconstpointer)&remote->address,
                         remote->size);
}

void ablak_leg_route(AblakLeg *leg)
{
  g_autofree char *ufrag = NULL, *password = NULL;
  AblakIceAddress remote = {0};
  AblakFlowRoute route = {0};
  int fd = ablak_ice_path(leg->ice, &remote);
  if (fd < 0 || !route_fill(leg, &route, &ufrag, &password)) {
    if (fd >= 0)
      close(fd);
    return;
  }
  int twin = leg->session->relay->through_ice ? -1 : twin_open(fd, &remote);
  route.own = twin >= 0;
  route.fd = twin >= 0 ? twin : fd;
  route.remote = remote.address;
  route.remote_size = remote.size;
  if (twin >= 0)
    close(fd);
  leg->routed = true;
  ablak_flow_set_route(leg->flow, &route);
}

static bool address_equal(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
  if (a->ss_family != b->ss_family)
    return false;
  if (a->ss_family == AF_INET) {
    const struct sockaddr_in *x = (gconstpointer)a, *y = (gconstpointer)b;
    return x->sin_port == y->sin_port && x->sin_addr.s_addr == y->sin_addr.s_addr;
  }
  const struct sockaddr_in6 *x = (gconstpointer)a, *y = (gconstpointer)b;
  return x->sin6_port == y->sin6_port && memcmp(&x->sin6_addr, &y->sin6_addr, 16) == 0;
}

/* The newest addresses first: the peer has just moved. */
static void flow_astray(const struct sockaddr *address, gpointer user)
{
  AblakLeg *leg = user;
  g_autofree char *ufrag = NULL, *password = NULL;
  AblakIceAddress present = {0};
  AblakFlowRoute route = {.own = true};
  int fd = leg->spent ? -1 : ablak_ice_path(leg->ice, &present);
  if (fd < 0)
    return;
  g_autoptr(GArray) addresses = ablak_ice_remote_addresses(leg->ice);
  guint offered = 0;
  bool filled = route_fill(leg, &route, &ufrag, &password);
  for (guint i = addresses->len; filled && i > 0 && offered < PROBES_MAX; i--) {
    const AblakIceAddress *other = &g_array_index(addresses, AblakIceAddress, i - 1);
    if (other->address.ss_family != present.address.ss_family ||
        address_equal(&other->address, (gconstpointer)address))
      continue;
    route.fd = twin_open(fd, other);
    route.remote = other->address;
    route.remote_size = other->size;
    if (route.fd >= 0) {
      ablak_flow_probe(leg->flow, &route);
      offered++;
    }
  }
  close(fd);
}

static void flow_refused(AblakFlowRefusal why, guint32 ssrc, gpointer user)
{
  AblakLeg *leg = user;
  g_autoptr(GError) error = NULL;
  if (why == ABLAK_FLOW_SSRC_TOO_MANY)
    ablak_error_set(&error, ABLAK_ERROR_TOO_LARGE, "media/ssrc-too-many",
                    "the leg sends more streams than are relayed");
  else
    ablak_error_set(&error, ABLAK_ERROR_CONFLICT, "media/ssrc-duplicate",
                    "another leg of the session already sends SSRC %u", ssrc);
  ablak_session_tell_error(leg->session, leg, error);
}

const AblakFlowHandler ablak_leg_flow_handler = {flow_dtls, flow_heard, flow_astray, flow_refused};

void ablak_leg_ask_key_frames(AblakLeg *leg)
{
  GPtrArray *legs = leg->session->legs;
  for (guint i = 0; i < legs->len; i++)
    if (legs->pdata[i] != leg)
      ablak_flow_ask_key_frame(((AblakLeg *)legs->pdata[i])->flow);
}

gint64 ablak_leg_heard_ms(const AblakLeg *leg)
{
  return MAX(ablak_flow_heard_ms(leg->flow), leg->connected_ms);
}

/* Without consent to ask for, a listener's silence means something only while it is sent to. */
static bool is_quiet(AblakLeg *leg, gint64 heard_ms, gint64 quiet_ms, bool asks)
{
  AblakFlowStats stats;
  if (asks || ablak_leg_sends_anything(leg))
    return quiet_ms >= QUIET_MS;
  ablak_flow_get_stats(leg->flow, &stats);
  if (leg->silent_since_ms != heard_ms) {
    leg->silent_since_ms = heard_ms;
    leg->sent_when_heard = stats.packets_sent;
  }
  return quiet_ms >= LISTENER_QUIET_MS &&
         stats.packets_sent > leg->sent_when_heard + UNANSWERED_PACKETS;
}

const char *ablak_leg_silence(AblakLeg *leg, gint64 now_ms, bool *ret_dead)
{
  gint64 heard_ms = ablak_leg_heard_ms(leg);
  gint64 consent_ms = ablak_flow_consent_ms(leg->flow);
  gint64 quiet_ms = now_ms - heard_ms;
  if (consent_ms != 0 && now_ms - consent_ms >= DEAD_MS) {
    *ret_dead = true;
    return quiet_ms >= QUIET_MS ? "silent" : "no-consent";
  }
  bool quiet = is_quiet(leg, heard_ms, quiet_ms, consent_ms != 0);
  *ret_dead = quiet_ms >= DEAD_MS && leg->state == ABLAK_MEDIA_LEG_DISCONNECTED;
  return quiet || *ret_dead ? "silent" : NULL;
}
