/* video/bytes.h: numbers in network order. */
#pragma once
#include <glib.h>

static inline guint16 ablak_read16(const guint8 *data)
{
  return (guint16)(data[0] << 8 | data[1]);
}

static inline guint32 ablak_read32(const guint8 *data)
{
  return (guint32)data[0] << 24 | (guint32)data[1] << 16 | (guint32)data[2] << 8 | data[3];
}

static inline void ablak_write32(guint8 *data, guint32 value)
{
  data[0] = (guint8)(value >> 24);
  data[1] = (guint8)(value >> 16);
  data[2] = (guint8)(value >> 8);
  data[3] = (guint8)value;
}
