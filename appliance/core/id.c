#include "core/id.h"
#include "core/clock.h"
#include "core/crypto.h"
#include <openssl/rand.h>
#include <string.h>

static void random_bytes(void *target, gsize size)
{
  /* Going on without randomness would hand out guessable secrets. */
  if (RAND_bytes(target, (int)size) != 1)
    g_error("the system's random generator failed");
}

/* RFC 9562 §6.2, method 1: rand_a is a counter within the millisecond, started at a random value
 * with its top bit clear; when it runs over, or the clock steps back, the time is carried on. */
static guint64 next_time_and_counter(guint16 seed)
{
  static GMutex lock;
  static guint64 last_ms;
  static guint16 counter;
  g_mutex_lock(&lock);
  guint64 now_ms = (guint64)ablak_clock_wall_ms();
  if (now_ms > last_ms) {
    last_ms = now_ms;
    counter = seed & 0x7ff;
  } else if (counter == 0xfff) {
    last_ms++;
    counter = seed & 0x7ff;
  } else {
    counter++;
  }
  guint64 both = last_ms << 16 | counter;
  g_mutex_unlock(&lock);
  return both;
}

char *ablak_id_new(void)
{
  guint8 id[16], random[10];
  random_bytes(random, sizeof random);
  guint64 both = next_time_and_counter((guint16)(random[8] << 8 | random[9]));
  for (int i = 0; i < 8; i++)
    id[i] = (guint8)(both >> (56 - 8 * i));
  memcpy(id + 8, random, 8);
  id[6] = (guint8)((id[6] & 0x0f) | 0x70);
  id[8] = (guint8)((id[8] & 0x3f) | 0x80);
  g_autofree char *hex = ablak_hex_encode(id, sizeof id);
  return g_strdup_printf("%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

bool ablak_id_is_valid(const char *text)
{
  if (text == NULL || strlen(text) != ABLAK_ID_LENGTH)
    return false;
  for (int i = 0; i < ABLAK_ID_LENGTH; i++) {
    bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    bool hex = g_ascii_isdigit(text[i]) || (text[i] >= 'a' && text[i] <= 'f');
    if (dash ? text[i] != '-' : !hex)
      return false;
  }
  return text[14] == '7' && strchr("89ab", text[19]) != NULL;
}

char *ablak_secret_new(gsize bytes)
{
  g_autofree guint8 *random = g_malloc(bytes);
  random_bytes(random, bytes);
  return ablak_base64url_encode(random, bytes);
}

char *ablak_digits_new(unsigned digits)
{
  g_return_val_if_fail(digits >= 1 && digits <= 18, NULL);
  guint64 range = 1;
  for (unsigned i = 0; i < digits; i++)
    range *= 10;
  /* Draws beyond the last whole multiple of the range would favour small numbers. */
  guint64 limit = G_MAXUINT64 - G_MAXUINT64 % range, drawn;
  do
    random_bytes(&drawn, sizeof drawn);
  while (drawn >= limit);
  return g_strdup_printf("%0*" G_GUINT64_FORMAT, (int)digits, drawn % range);
}
