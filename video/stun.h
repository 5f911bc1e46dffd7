/* video/stun.h: the STUN messages of a running call (RFC 8489, RFC 8445 §7, RFC 7675): binding
 * requests that ask whether the other side still listens, and their answers.
 *
 * Purpose: libnice makes and judges the checks that find a path. Once a path carries media its
 * packets no longer pass libnice, so what keeps the path alive is read and written here. Everything
 * takes bytes of strangers; nothing is believed before its MESSAGE-INTEGRITY fits.
 *
 * Ownership: a parsed message points into the datagram. Threads: any. */
#pragma once
#include <glib.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#define ABLAK_STUN_TRANSACTION_SIZE 12
/* Longest message written here: two names of 256 octets among its attributes. */
#define ABLAK_STUN_SIZE_MAX 640

typedef enum {
  ABLAK_STUN_BINDING_REQUEST = 0x0001,
  ABLAK_STUN_BINDING_INDICATION = 0x0011,
  ABLAK_STUN_BINDING_SUCCESS = 0x0101,
  ABLAK_STUN_BINDING_ERROR = 0x0111,
} AblakStunType;

typedef struct {
  guint16 type; /* AblakStunType, or what else there is */
  const guint8 *data;
  gsize size;
  const guint8 *transaction;
  const guint8 *username; /* NULL when there is none */
  gsize username_size;
  const guint8 *integrity; /* the 20 octets of MESSAGE-INTEGRITY; NULL when there is none */
} AblakStunMessage;

/* The whole datagram is one message: its length, its attributes' lengths and, when there is one,
 * its FINGERPRINT fit. What follows MESSAGE-INTEGRITY counts for nothing (RFC 8489 §14.5). */
bool ablak_stun_parse(const guint8 *data, gsize size, AblakStunMessage *ret_message);
/* MESSAGE-INTEGRITY is there and was made with `password`. */
bool ablak_stun_is_authentic(const AblakStunMessage *message, const char *password);
/* USERNAME is "<local>:<remote>", as the peer writes it (RFC 8445 §7.2.2). */
bool ablak_stun_is_for(const AblakStunMessage *message, const char *local_ufrag,
                       const char *remote_ufrag);

/* The value of FINGERPRINT behind `before` octets of a message whose header has its final length
 * (RFC 8489 §14.7). */
guint32 ablak_stun_fingerprint(const guint8 *data, gsize before);

/* `username` is "<remote>:<local>". Returns the size. */
gsize ablak_stun_write_request(guint8 ret_message[ABLAK_STUN_SIZE_MAX],
                               const guint8 transaction[ABLAK_STUN_TRANSACTION_SIZE],
                               const char *username, const char *password, bool controlling,
                               guint64 tie_breaker);
/* The answer to an authentic request that came from `from` (IPv4 or IPv6). Returns the size. */
gsize ablak_stun_write_success(guint8 ret_message[ABLAK_STUN_SIZE_MAX],
                               const guint8 transaction[ABLAK_STUN_TRANSACTION_SIZE],
                               const struct sockaddr *from, const char *password);
