/* tests/bench/video/load-bytes.h: two octets in network order, beside video/bytes.h. */
#pragma once
#include "video/bytes.h"

static inline void load_write16(guint8 *data, gsize value)
{
  data[0] = (guint8)(value >> 8);
  data[1] = (guint8)value;
}
