#include "queue/file-type.h"
#include <stdbool.h>
#include <string.h>

/* What follows the first "%%EOF" of a PDF that was changed, or its padding. */
#define PDF_TAIL 1024

static bool begins(const guint8 *bytes, gsize size, const char *text, gsize length)
{
  return size >= length && memcmp(bytes, text, length) == 0;
}

static guint32 read_u32(const guint8 *at)
{
  return (guint32)at[0] << 24 | (guint32)at[1] << 16 | (guint32)at[2] << 8 | at[3];
}

/* ISO/IEC 10918-1, annex B: segments up to the scan, a frame among them, and an end. */
static bool is_jpeg(const guint8 *bytes, gsize size)
{
  if (!begins(bytes, size, "\xff\xd8", 2))
    return false;
  bool frame = false, scan = false;
  for (gsize at = 2; !scan && size - at >= 4;) {
    guint8 marker = bytes[at + 1];
    if (bytes[at] != 0xff)
      return false;
    if (marker == 0xff) { /* fill */
      at++;
      continue;
    }
    gsize length = (gsize)bytes[at + 2] << 8 | bytes[at + 3];
    if (marker < 0xc0 || (marker >= 0xd0 && marker <= 0xd9) || length < 2 || length > size - at - 2)
      return false;
    /* SOF0 to SOF15 without DHT (C4), JPG (C8) and DAC (CC). */
    scan = marker == 0xda;
    frame |= marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    at += 2 + length;
  }
  /* Cameras put pictures of their own and padding after the end; it must be there, though. */
  for (gsize at = size; frame && scan && at >= 4; at--)
    if (bytes[at - 2] == 0xff && bytes[at - 1] == 0xd9)
      return true;
  return false;
}

/* ISO/IEC 15948: chunks from IHDR to IEND. */
static bool is_png(const guint8 *bytes, gsize size)
{
  if (!begins(bytes, size, "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", 16))
    return false;
  bool data = false;
  for (gsize at = 8; size - at >= 12;) {
    gsize length = read_u32(bytes + at);
    const guint8 *name = bytes + at + 4;
    if (length > size - at - 12)
      return false;
    data |= memcmp(name, "IDAT", 4) == 0;
    if (memcmp(name, "IEND", 4) == 0)
      return data;
    at += 12 + length;
  }
  return false;
}

/* ISO 32000-2, 7.5: a header, and a trailer that ends the file. */
static bool is_pdf(const guint8 *bytes, gsize size)
{
  if (!begins(bytes, size, "%PDF-", 5) || size < 16 || !g_ascii_isdigit(bytes[5]))
    return false;
  gsize tail = MIN(size, PDF_TAIL);
  const void *end = memmem(bytes + size - tail, tail, "%%EOF", 5);
  return end && memmem(bytes, size, "startxref", 9);
}

const char *ablak_file_type(const guint8 *bytes, gsize size)
{
  if (is_jpeg(bytes, size))
    return "image/jpeg";
  if (is_png(bytes, size))
    return "image/png";
  return is_pdf(bytes, size) ? "application/pdf" : NULL;
}
