/* video/stun.c: reading and writing binding requests and answers. */
#include "video/stun.h"
#include "video/bytes.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#define HEADER_SIZE 20
#define COOKIE 0x2112a442u
#define INTEGRITY_SIZE 20
#define NAME_MAX_SIZE 513 /* RFC 8489 §14.3: shorter than 509 octets; two ICE names and a colon */
#define FINGERPRINT_XOR 0x5354554eu

enum {
  USERNAME = 0x0006,
  INTEGRITY = 0x0008,
  PRIORITY = 0x0024,
  XOR_MAPPED_ADDRESS = 0x0020,
  FINGERPRINT = 0x8028,
  ICE_CONTROLLED = 0x8029,
  ICE_CONTROLLING = 0x802a,
};
/* Of a peer-reflexive candidate (RFC 8445 §5.1.2.1), should the peer make one of a request. */
#define PRFLX_PRIORITY (110u << 24 | 65535u << 8 | 255u)

static void write16(guint8 *data, guint value)
{
  data[0] = (guint8)(value >> 8);
  data[1] = (guint8)value;
}

guint32 ablak_stun_fingerprint(const guint8 *data, gsize before)
{
  guint32 crc = 0xffffffffu;
  for (gsize i = 0; i < before; i++) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; bit++)
      crc = crc >> 1 ^ (0xedb88320u & -(crc & 1));
  }
  return ~crc ^ FINGERPRINT_XOR;
}

/* The code of what stands before MESSAGE-INTEGRITY, with a length as if the message ended behind
 * it (RFC 8489 §14.5). */
static void integrity_of(const guint8 *data, gsize before, const char *password,
                         guint8 ret_code[INTEGRITY_SIZE])
{
  guint8 text[ABLAK_STUN_SIZE_MAX + 1500];
  guint size = INTEGRITY_SIZE;
  memcpy(text, data, before);
  write16(text + 2, (guint)(before + 4 + INTEGRITY_SIZE - HEADER_SIZE));
  if (HMAC(EVP_sha1(), password, (int)strlen(password), text, before, ret_code, &size) == NULL)
    g_error("HMAC-SHA1 is not available");
}

static bool take_attribute(AblakStunMessage *message, guint16 type, const guint8 *value, gsize size)
{
  switch (type) {
  case USERNAME:
    message->username = value;
    message->username_size = size;
    return true;
  case INTEGRITY:
    message->integrity = value;
    return size == INTEGRITY_SIZE;
  case FINGERPRINT: {
    gsize before = (gsize)(value - 4 - message->data);
    return size == 4 && before + 8 == message->size &&
           ablak_read32(value) == ablak_stun_fingerprint(message->data, before);
  }
  default:
    return true;
  }
}

bool ablak_stun_parse(const guint8 *data, gsize size, AblakStunMessage *ret_message)
{
  if (size < HEADER_SIZE || size > 1500 || size % 4 != 0 || (data[0] & 0xc0) != 0 ||
      ablak_read32(data + 4) != COOKIE || ablak_read16(data + 2) != size - HEADER_SIZE)
    return false;
  *ret_message = (AblakStunMessage){
      .type = ablak_read16(data), .data = data, .size = size, .transaction = data + 8};
  gsize offset = HEADER_SIZE;
  while (offset < size) {
    guint16 type = ablak_read16(data + offset);
    gsize length = ablak_read16(data + offset + 2);
    gsize padded = (length + 3) & ~(gsize)3;
    if (padded > size - offset - 4)
      return false;
    bool counts = ret_message->integrity == NULL || type == FINGERPRINT;
    if (counts && !take_attribute(ret_message, type, data + offset + 4, length))
      return false;
    offset += 4 + padded;
  }
  return true;
}

bool ablak_stun_is_authentic(const AblakStunMessage *message, const char *password)
{
  guint8 code[INTEGRITY_SIZE];
  if (message->integrity == NULL)
    return false;
  integrity_of(message->data, (gsize)(message->integrity - 4 - message->data), password, code);
  return CRYPTO_memcmp(code, message->integrity, INTEGRITY_SIZE) == 0;
}

bool ablak_stun_is_for(const AblakStunMessage *message, const char *local_ufrag,
                       const char *remote_ufrag)
{
  gsize local = strlen(local_ufrag), remote = strlen(remote_ufrag);
  const guint8 *name = message->username;
  return name != NULL && message->username_size == local + 1 + remote &&
         memcmp(name, local_ufrag, local) == 0 && name[local] == ':' &&
         memcmp(name + local + 1, remote_ufrag, remote) == 0;
}

static void begin(guint8 *message, AblakStunType type, const guint8 *transaction)
{
  write16(message, type);
  ablak_write32(message + 4, COOKIE);
  memcpy(message + 8, transaction, ABLAK_STUN_TRANSACTION_SIZE);
}

static guint8 *add(guint8 *message, gsize *size, guint16 type, gsize value_size)
{
  guint8 *value = message + *size + 4;
  gsize padded = (value_size + 3) & ~(gsize)3;
  write16(value - 4, type);
  write16(value - 2, (guint)value_size);
  memset(value, 0, padded);
  *size += 4 + padded;
  return value;
}

/* MESSAGE-INTEGRITY and FINGERPRINT close every message (RFC 8445 §7.1). */
static gsize finish(guint8 *message, gsize size, const char *password)
{
  gsize before = size;
  guint8 *code = add(message, &size, INTEGRITY, INTEGRITY_SIZE);
  integrity_of(message, before, password, code);
  before = size;
  guint8 *fingerprint = add(message, &size, FINGERPRINT, 4);
  write16(message + 2, (guint)(size - HEADER_SIZE));
  ablak_write32(fingerprint, ablak_stun_fingerprint(message, before));
  return size;
}

gsize ablak_stun_write_request(guint8 ret_message[ABLAK_STUN_SIZE_MAX],
                               const guint8 transaction[ABLAK_STUN_TRANSACTION_SIZE],
                               const char *username, const char *password, bool controlling,
                               guint64 tie_breaker)
{
  gsize size = HEADER_SIZE;
  gsize name_size = MIN(strlen(username), NAME_MAX_SIZE);
  begin(ret_message, ABLAK_STUN_BINDING_REQUEST, transaction);
  memcpy(add(ret_message, &size, USERNAME, name_size), username, name_size);
  ablak_write32(add(ret_message, &size, PRIORITY, 4), PRFLX_PRIORITY);
  guint8 *control = add(ret_message, &size, controlling ? ICE_CONTROLLING : ICE_CONTROLLED, 8);
  ablak_write32(control, (guint32)(tie_breaker >> 32));
  ablak_write32(control + 4, (guint32)tie_breaker);
  return finish(ret_message, size, password);
}

/* RFC 8489 §14.2: port and address over the cookie and, for IPv6, the transaction. */
static void write_address(guint8 *message, gsize *size, const struct sockaddr *from)
{
  bool six = from->sa_family == AF_INET6;
  guint8 *value = add(message, size, XOR_MAPPED_ADDRESS, six ? 20 : 8);
  const struct sockaddr_in *in = (const struct sockaddr_in *)(gconstpointer)from;
  const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(gconstpointer)from;
  value[1] = six ? 2 : 1;
  memcpy(value + 2, six ? &in6->sin6_port : &in->sin_port, 2);
  memcpy(value + 4, six ? (gconstpointer)&in6->sin6_addr : (gconstpointer)&in->sin_addr,
         six ? 16 : 4);
  for (int i = 0; i < 2; i++)
    value[2 + i] ^= message[4 + i];
  for (int i = 0; i < (six ? 16 : 4); i++)
    value[4 + i] ^= message[4 + i];
}

gsize ablak_stun_write_success(guint8 ret_message[ABLAK_STUN_SIZE_MAX],
                               const guint8 transaction[ABLAK_STUN_TRANSACTION_SIZE],
                               const struct sockaddr *from, const char *password)
{
  gsize size = HEADER_SIZE;
  begin(ret_message, ABLAK_STUN_BINDING_SUCCESS, transaction);
  write_address(ret_message, &size, from);
  return finish(ret_message, size, password);
}
