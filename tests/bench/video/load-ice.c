/* tests/bench/video/load-ice.c: STUN packets (RFC 8489) of ICE. */
#include "load-ice.h"
#include "load-bytes.h"
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <string.h>
#include <video/stun.h>

#define CHECK_INTERVAL_NS (50 * G_GINT64_CONSTANT(1000000))
/* What Chromium does on a pair that works. */
#define CONSENT_INTERVAL_NS (2500 * G_GINT64_CONSTANT(1000000))
#define MAGIC 0x2112a442u
#define HEADER_SIZE 20
#define PRIORITY_HOST 0x7e7f1effu

enum { REQUEST = 0x0001, SUCCESS = 0x0101 };
enum {
  USERNAME = 0x0006,
  INTEGRITY = 0x0008,
  XOR_ADDRESS = 0x0020,
  PRIORITY = 0x0024,
  USE_CANDIDATE = 0x0025,
  FINGERPRINT = 0x8028,
  CONTROLLED = 0x8029,
  CONTROLLING = 0x802a,
};

typedef struct {
  guint8 *data;
  gsize size;
} Writer;

static void begin(Writer *writer, guint8 *data, guint16 type, const guint8 transaction[12])
{
  *writer = (Writer){data, HEADER_SIZE};
  load_write16(data, type);
  ablak_write32(data + 4, MAGIC);
  memcpy(data + 8, transaction, 12);
}

/* The header's length covers all attributes up to and with the one just added. */
static guint8 *add(Writer *writer, guint16 type, gsize size)
{
  guint8 *at = writer->data + writer->size;
  gsize padded = (size + 3) & ~(gsize)3;
  memset(at, 0, 4 + padded);
  load_write16(at, type);
  load_write16(at + 2, size);
  writer->size += 4 + padded;
  load_write16(writer->data + 2, writer->size - HEADER_SIZE);
  return at + 4;
}

static void digest(const char *password, const guint8 *data, gsize size, guint8 ret_digest[20])
{
  unsigned length = 20;
  HMAC(EVP_sha1(), password, (int)strlen(password), data, size, ret_digest, &length);
}

static gsize finish(Writer *writer, const char *password)
{
  gsize covered = writer->size;
  guint8 *integrity = add(writer, INTEGRITY, 20);
  digest(password, writer->data, covered, integrity);
  covered = writer->size;
  guint8 *fingerprint = add(writer, FINGERPRINT, 4);
  ablak_write32(fingerprint, ablak_stun_fingerprint(writer->data, covered));
  return writer->size;
}

/* Random characters of ICE's alphabet; 24 and 192 bits are asked for. */
static void random_text(char *text, gsize length)
{
  static const char alphabet[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/";
  guint8 bytes[64];
  RAND_bytes(bytes, (int)length);
  for (gsize i = 0; i < length; i++)
    text[i] = alphabet[bytes[i] % 64];
  text[length] = '\0';
}

void load_ice_init(LoadIce *ice)
{
  random_text(ice->ufrag, sizeof ice->ufrag - 1);
  random_text(ice->password, sizeof ice->password - 1);
  ice->next_check_ns = G_MAXINT64;
}

void load_ice_start(LoadIce *ice, const char *ufrag, const char *password,
                    const struct sockaddr_in *remote, bool controlling)
{
  g_strlcpy(ice->remote_ufrag, ufrag, sizeof ice->remote_ufrag);
  g_strlcpy(ice->remote_password, password, sizeof ice->remote_password);
  ice->remote = *remote;
  ice->controlling = controlling;
  ice->next_check_ns = 0;
}

gsize load_ice_write_check(LoadIce *ice, gint64 now_ns, guint8 ret_packet[LOAD_ICE_PACKET_MAX])
{
  Writer writer;
  char user[sizeof ice->remote_ufrag + sizeof ice->ufrag];
  ice->next_check_ns = now_ns + (ice->ready ? CONSENT_INTERVAL_NS : CHECK_INTERVAL_NS);
  RAND_bytes(ice->transaction, sizeof ice->transaction);
  begin(&writer, ret_packet, REQUEST, ice->transaction);
  int length = g_snprintf(user, sizeof user, "%s:%s", ice->remote_ufrag, ice->ufrag);
  memcpy(add(&writer, USERNAME, (gsize)length), user, (gsize)length);
  ablak_write32(add(&writer, PRIORITY, 4), PRIORITY_HOST);
  /* The tie-breaker: the roles are agreed on, so it decides nothing. */
  memcpy(add(&writer, ice->controlling ? CONTROLLING : CONTROLLED, 8), ice->password, 8);
  if (ice->controlling)
    add(&writer, USE_CANDIDATE, 0);
  return finish(&writer, ice->remote_password);
}

static const guint8 *find(const guint8 *data, gsize size, guint16 type, gsize *ret_size)
{
  for (gsize at = HEADER_SIZE; at + 4 <= size;) {
    gsize length = ablak_read16(data + at + 2);
    if (at + 4 + length > size)
      return NULL;
    if (ablak_read16(data + at) == type) {
      *ret_size = length;
      return data + at + 4;
    }
    at += 4 + ((length + 3) & ~(gsize)3);
  }
  return NULL;
}

/* The digest was made when the header's length ended with it. */
static bool integrity_holds(const guint8 *data, gsize size, const char *password)
{
  guint8 copy[LOAD_ICE_PACKET_MAX], expected[20];
  gsize length;
  const guint8 *found = find(data, size, INTEGRITY, &length);
  if (found == NULL || length != 20 || size > sizeof copy)
    return false;
  gsize covered = (gsize)(found - data) - 4;
  memcpy(copy, data, covered);
  load_write16(copy + 2, covered + 24 - HEADER_SIZE);
  digest(password, copy, covered, expected);
  return memcmp(expected, found, 20) == 0;
}

static gsize write_answer(const LoadIce *ice, const struct sockaddr_in *from, const guint8 *request,
                          guint8 *ret_answer)
{
  Writer writer;
  begin(&writer, ret_answer, SUCCESS, request + 8);
  guint8 *address = add(&writer, XOR_ADDRESS, 8);
  address[1] = 1;
  load_write16(address + 2, ntohs(from->sin_port) ^ (MAGIC >> 16));
  ablak_write32(address + 4, ntohl(from->sin_addr.s_addr) ^ MAGIC);
  return finish(&writer, ice->password);
}

gsize load_ice_receive(LoadIce *ice, const struct sockaddr_in *from, const guint8 *data, gsize size,
                       guint8 ret_answer[LOAD_ICE_PACKET_MAX])
{
  gsize answer = 0, length;
  if (size < HEADER_SIZE || ablak_read32(data + 4) != MAGIC)
    return 0;
  guint16 type = ablak_read16(data);
  if (type == REQUEST && integrity_holds(data, size, ice->password)) {
    if (!ice->controlling && find(data, size, USE_CANDIDATE, &length) != NULL) {
      ice->nominated = true;
      ice->remote = *from;
    }
    answer = write_answer(ice, from, data, ret_answer);
  } else if (type == SUCCESS && memcmp(data + 8, ice->transaction, 12) == 0 &&
             integrity_holds(data, size, ice->remote_password)) {
    ice->answered = true;
  }
  ice->ready = ice->answered && (ice->controlling || ice->nominated);
  return answer;
}
