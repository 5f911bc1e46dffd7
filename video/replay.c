/* video/replay.c: index estimation and replay window. */
#include "video/replay.h"

bool ablak_replay_estimate(const AblakReplay *replay, guint16 sequence, guint64 *ret_index)
{
  if (!replay->begun) {
    *ret_index = sequence;
    return true;
  }
  gint64 roc = (gint64)(replay->highest >> 16);
  gint32 last = (gint32)(replay->highest & 0xffff);
  if (last < 32768) {
    if ((gint32)sequence - last > 32768)
      roc--;
  } else if (last - 32768 > (gint32)sequence) {
    roc++;
  }
  if (roc < 0 || roc > G_MAXUINT32)
    return false;
  *ret_index = (guint64)roc << 16 | sequence;
  return true;
}

static guint64 bit_of(guint64 index)
{
  return G_GUINT64_CONSTANT(1) << (index % 64);
}

static gsize word_of(guint64 index)
{
  return (gsize)(index % ABLAK_REPLAY_BITS / 64);
}

bool ablak_replay_is_fresh(const AblakReplay *replay, guint64 index)
{
  if (!replay->begun || index > replay->highest)
    return true;
  if (replay->highest - index >= ABLAK_REPLAY_BITS)
    return false;
  return (replay->seen[word_of(index)] & bit_of(index)) == 0;
}

void ablak_replay_mark(AblakReplay *replay, guint64 index)
{
  if (!replay->begun) {
    replay->begun = true;
    replay->highest = index;
  }
  if (index > replay->highest) {
    guint64 first = replay->highest + 1;
    if (index - replay->highest > ABLAK_REPLAY_BITS)
      first = index - ABLAK_REPLAY_BITS + 1;
    for (guint64 i = first; i <= index; i++)
      replay->seen[word_of(i)] &= ~bit_of(i);
    replay->highest = index;
  }
  replay->seen[word_of(index)] |= bit_of(index);
}
