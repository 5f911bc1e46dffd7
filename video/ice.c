/* video/ice.c: libnice. */
#include "video/ice.h"
#include "core/error.h"
#include <fcntl.h>
#include <netinet/in.h>
#include <nice/agent.h>
#include <nice/interfaces.h>

#define COMPONENT 1
#define IDLE_TIMEOUT_MS 200
/* A STUN server that is away must not hold up a call: many go without it. */
#define GATHER_MOST_MS 1000

struct AblakIce {
  AblakIceSettings *settings;
  const AblakIceHandler *handler; /* NULL once closed */
  gpointer user;
  NiceAgent *agent;
  guint stream;
  GSource *gathered; /* will tell that the candidates are known */
  bool told;
};

static void gathered_clear(AblakIce *ice)
{
  if (ice->gathered == NULL)
    return;
  g_source_destroy(ice->gathered);
  g_clear_pointer(&ice->gathered, g_source_unref);
}

static gboolean tell_gathered(gpointer data)
{
  AblakIce *ice = data;
  gathered_clear(ice);
  ice->told = true;
  ice->handler->gathered(ice->user);
  return G_SOURCE_REMOVE;
}

static void tell_gathered_in(AblakIce *ice, guint ms)
{
  if (ice->told)
    return;
  gathered_clear(ice);
  ice->gathered = ms == 0 ? g_idle_source_new() : g_timeout_source_new(ms);
  g_source_set_priority(ice->gathered, G_PRIORITY_DEFAULT);
  g_source_set_callback(ice->gathered, tell_gathered, ice, NULL);
  g_source_attach(ice->gathered, ice->settings->main_context);
}

/* Without servers to ask, libnice is done before gathering returns: tell it from the loop. */
static void on_gathered(NiceAgent *agent, guint stream, gpointer data)
{
  tell_gathered_in(data, 0);
}

static void on_state(NiceAgent *agent, guint stream, guint component, guint state, gpointer data)
{
  AblakIce *ice = data;
  if (ice->handler == NULL)
    return;
  /* libnice goes on looking 50 times a second for 5 s after its last check. With every pair tried
   * there is nothing to wait for; a candidate or a check that comes later starts it again. */
  if (state == NICE_COMPONENT_STATE_READY)
    g_object_set(agent, "idle-timeout", IDLE_TIMEOUT_MS, NULL);
  /* FAILED only says that the candidates known so far are used up: the peer may still show up as
   * peer-reflexive. */
  if (state == NICE_COMPONENT_STATE_CONNECTED || state == NICE_COMPONENT_STATE_READY)
    ice->handler->writable(ice->user);
}

static void on_selected(NiceAgent *agent, guint stream, guint component, NiceCandidate *local,
                        NiceCandidate *remote, gpointer data)
{
  AblakIce *ice = data;
  if (ice->handler != NULL)
    ice->handler->selected(ice->user);
}

static void on_received(NiceAgent *agent, guint stream, guint component, guint size, gchar *data,
                        gpointer user)
{
  AblakIce *ice = user;
  if (ice->handler != NULL)
    ice->handler->received((guint8 *)data, size, ice->user);
}

/* A machine without a network still shows a call between its own windows. */
static bool only_loopback(void)
{
  GList *addresses = nice_interfaces_get_local_ips(FALSE);
  bool none = addresses == NULL;
  g_list_free_full(addresses, g_free);
  return none;
}

static bool add_addresses(AblakIce *ice, GError **error)
{
  static const char *const loopback[] = {"127.0.0.1", NULL};
  const char *const *address = ice->settings->addresses;
  if ((address == NULL || *address == NULL) && only_loopback())
    address = loopback;
  for (; address != NULL && *address != NULL; address++) {
    NiceAddress parsed;
    nice_address_init(&parsed);
    if (!nice_address_set_from_string(&parsed, *address) ||
        !nice_agent_add_local_address(ice->agent, &parsed)) {
      ablak_error_set(error, ABLAK_ERROR_FAILED, "media/ice", "the address %s cannot be used",
                      *address);
      return false;
    }
  }
  return true;
}

/* libnice ties a socket to the interface of its address (IP_UNICAST_IF), and whoever is reached by
 * another one gets no answer. Which way leads to whom the routing table knows; only link-local
 * addresses need their interface. */
static void untie_sockets(AblakIce *ice)
{
  g_autoptr(GPtrArray) sockets = nice_agent_get_sockets(ice->agent, ice->stream, COMPONENT);
  for (guint i = 0; i < sockets->len; i++) {
    g_autoptr(GSocketAddress) address = g_socket_get_local_address(sockets->pdata[i], NULL);
    if (!G_IS_INET_SOCKET_ADDRESS(address))
      continue;
    GInetAddress *own = g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(address));
    bool v4 = g_inet_address_get_family(own) == G_SOCKET_FAMILY_IPV4;
    if (!g_inet_address_get_is_link_local(own))
      g_socket_set_option(sockets->pdata[i], v4 ? IPPROTO_IP : IPPROTO_IPV6,
                          v4 ? IP_UNICAST_IF : IPV6_UNICAST_IF, 0, NULL);
  }
}

static bool begin(AblakIce *ice, GError **error)
{
  if (!add_addresses(ice, error))
    return false;
  if (ice->settings->stun_address != NULL) {
    g_object_set(ice->agent, "stun-server", ice->settings->stun_address, "stun-server-port",
                 (guint)ice->settings->stun_port, NULL);
    tell_gathered_in(ice, GATHER_MOST_MS);
  }
  ice->stream = nice_agent_add_stream(ice->agent, 1);
  if (ice->settings->port_min != 0)
    nice_agent_set_port_range(ice->agent, ice->stream, COMPONENT, ice->settings->port_min,
                              ice->settings->port_max);
  g_signal_connect(ice->agent, "candidate-gathering-done", G_CALLBACK(on_gathered), ice);
  g_signal_connect(ice->agent, "component-state-changed", G_CALLBACK(on_state), ice);
  g_signal_connect(ice->agent, "new-selected-pair-full", G_CALLBACK(on_selected), ice);
  if (!nice_agent_attach_recv(ice->agent, ice->stream, COMPONENT, ice->settings->main_context,
                              on_received, ice) ||
      !nice_agent_gather_candidates(ice->agent, ice->stream)) {
    ablak_error_set(error, ABLAK_ERROR_UNAVAILABLE, "media/ice",
                    "no local port is free for this leg");
    return false;
  }
  untie_sockets(ice);
  return true;
}

AblakIce *ablak_ice_new(AblakIceSettings *settings, const AblakIceHandler *handler, gpointer user,
                        GError **error)
{
  AblakIce *ice = g_new0(AblakIce, 1);
  ice->settings = settings;
  ice->handler = handler;
  ice->user = user;
  ice->agent = nice_agent_new_full(settings->main_context, NICE_COMPATIBILITY_RFC5245,
                                   NICE_AGENT_OPTION_ICE_TRICKLE);
  g_object_set(ice->agent, "upnp", FALSE, "ice-tcp", FALSE, "controlling-mode", TRUE, NULL);
  settings->open++;
  if (!begin(ice, error)) {
    ablak_ice_close(ice);
    return NULL;
  }
  return ice;
}

static void on_closed(GObject *source, GAsyncResult *result, gpointer data)
{
  AblakIce *ice = data;
  g_object_unref(ice->agent);
  ice->settings->open--;
  g_free(ice);
}

static gboolean close_now(gpointer data)
{
  AblakIce *ice = data;
  if (ice->stream != 0) {
    nice_agent_attach_recv(ice->agent, ice->stream, COMPONENT, ice->settings->main_context, NULL,
                           NULL);
    nice_agent_remove_stream(ice->agent, ice->stream);
  }
  nice_agent_close_async(ice->agent, on_closed, ice);
  return G_SOURCE_REMOVE;
}

void ablak_ice_close(AblakIce *ice)
{
  if (ice == NULL)
    return;
  ice->handler = NULL;
  gathered_clear(ice);
  g_signal_handlers_disconnect_by_data(ice->agent, ice);
  /* libnice may be on the stack, delivering a packet. */
  g_autoptr(GSource) source = g_idle_source_new();
  g_source_set_priority(source, G_PRIORITY_DEFAULT);
  g_source_set_callback(source, close_now, ice, NULL);
  g_source_attach(source, ice->settings->main_context);
}

bool ablak_ice_local_credentials(AblakIce *ice, char **ret_ufrag, char **ret_password)
{
  return nice_agent_get_local_credentials(ice->agent, ice->stream, ret_ufrag, ret_password);
}

GStrv ablak_ice_local_candidates(AblakIce *ice)
{
  g_autoptr(GPtrArray) texts = g_ptr_array_new();
  GSList *candidates = nice_agent_get_local_candidates(ice->agent, ice->stream, COMPONENT);
  for (GSList *link = candidates; link != NULL; link = link->next) {
    g_autofree char *line = nice_agent_generate_local_candidate_sdp(ice->agent, link->data);
    if (g_str_has_prefix(line, "a="))
      g_ptr_array_add(texts, g_strdup(line + 2));
  }
  g_slist_free_full(candidates, (GDestroyNotify)nice_candidate_free);
  g_ptr_array_add(texts, NULL);
  return (GStrv)g_ptr_array_free(g_steal_pointer(&texts), FALSE);
}

void ablak_ice_set_remote_credentials(AblakIce *ice, const char *ufrag, const char *password)
{
  nice_agent_set_remote_credentials(ice->agent, ice->stream, ufrag, password);
}

static NiceCandidate *candidate_new(AblakIce *ice, const AblakSdpCandidate *source)
{
  static const NiceCandidateType types[] = {
      [ABLAK_CANDIDATE_HOST] = NICE_CANDIDATE_TYPE_HOST,
      [ABLAK_CANDIDATE_SRFLX] = NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE,
      [ABLAK_CANDIDATE_PRFLX] = NICE_CANDIDATE_TYPE_PEER_REFLEXIVE,
      [ABLAK_CANDIDATE_RELAY] = NICE_CANDIDATE_TYPE_RELAYED,
  };
  NiceCandidate *candidate = nice_candidate_new(types[source->type]);
  candidate->stream_id = ice->stream;
  candidate->component_id = COMPONENT;
  candidate->transport = NICE_CANDIDATE_TRANSPORT_UDP;
  candidate->priority = source->priority;
  g_strlcpy(candidate->foundation, source->foundation, sizeof candidate->foundation);
  if (!nice_address_set_from_string(&candidate->addr, source->address)) {
    nice_candidate_free(candidate);
    return NULL;
  }
  nice_address_set_port(&candidate->addr, source->port);
  return candidate;
}

void ablak_ice_add_remote_candidates(AblakIce *ice, const GPtrArray *candidates)
{
  GSList *list = NULL;
  for (guint i = 0; i < candidates->len; i++) {
    NiceCandidate *candidate = candidate_new(ice, candidates->pdata[i]);
    if (candidate != NULL)
      list = g_slist_prepend(list, candidate);
  }
  if (list != NULL)
    nice_agent_set_remote_candidates(ice->agent, ice->stream, COMPONENT, list);
  g_slist_free_full(list, (GDestroyNotify)nice_candidate_free);
}

void ablak_ice_restart(AblakIce *ice)
{
  nice_agent_restart(ice->agent);
}

bool ablak_ice_send(AblakIce *ice, const guint8 *data, gsize size)
{
  return nice_agent_send(ice->agent, ice->stream, COMPONENT, (guint)size, (const char *)data) ==
         (int)size;
}

static void address_read(const NiceAddress *address, AblakIceAddress *ret_address)
{
  nice_address_copy_to_sockaddr(address, (struct sockaddr *)(gpointer)&ret_address->address);
  ret_address->size = ret_address->address.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                                 : sizeof(struct sockaddr_in);
}

int ablak_ice_path(AblakIce *ice, AblakIceAddress *ret_remote)
{
  NiceCandidate *local = NULL, *remote = NULL;
  g_autoptr(GSocket) socket = nice_agent_get_selected_socket(ice->agent, ice->stream, COMPONENT);
  if (socket == NULL ||
      !nice_agent_get_selected_pair(ice->agent, ice->stream, COMPONENT, &local, &remote))
    return -1;
  address_read(&remote->addr, ret_remote);
  return fcntl(g_socket_get_fd(socket), F_DUPFD_CLOEXEC, 0);
}

GArray *ablak_ice_remote_addresses(AblakIce *ice)
{
  GArray *addresses = g_array_new(FALSE, TRUE, sizeof(AblakIceAddress));
  GSList *list = nice_agent_get_remote_candidates(ice->agent, ice->stream, COMPONENT);
  for (GSList *link = list; link != NULL; link = link->next) {
    AblakIceAddress address = {0};
    address_read(&((NiceCandidate *)link->data)->addr, &address);
    g_array_append_val(addresses, address);
  }
  g_slist_free_full(list, (GDestroyNotify)nice_candidate_free);
  return addresses;
}
