/* Shared by net.c and transport.c. */
#pragma once
#include "http/transport.h"

#define ABLAK_NET_CHUNK 32768

struct lws;
struct lws_context;
struct lws_vhost;
enum lws_callback_reasons;

struct AblakNet {
  struct lws_context *context;
  struct lws_vhost *vhost;
  struct ssl_ctx_st *tls_context; /* libwebsockets'; NULL: plain */
  struct ssl_ctx_st *unused;
  struct uv_loop_s *loop;
  GSource *source; /* runs it */
  gpointer loop_tag;
  bool changed;      /* what the loop waits for, since it ran last */
  GPtrArray *filled; /* of AblakTransport, with something to write since then */
  bool tls, configured;
  int depth; /* callbacks being run */
  char *certificate, *key, *ca, *crl, *why;
};

/* Writes what was sent since the loop ran last. */
void ablak_transports_push(AblakNet *net);
/* Sets up an SSL_CTX when libwebsockets offers it. */
int ablak_net_configure(struct lws *wsi, void *ssl_ctx);
int ablak_transport_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user,
                             void *in, size_t size);
