/* video/tap.c: a flow's packets, once more, to the recorder. */
#include "video/tap.h"
#include "video/bytes.h"
#include "video/loop-private.h"
#include <errno.h>
#include <unistd.h>

#define KEY_FRAME_EVERY_MS 10000

static void tap_close(AblakFlow *flow)
{
  if (flow->tap.open)
    close(flow->tap.fd);
  flow->tap.open = false;
}

void ablak_tap_tick(Loop *loop, AblakFlow *flow)
{
  if (loop->now_ms - flow->tap.key_frame_ms < KEY_FRAME_EVERY_MS || !ablak_flow_can_send(flow))
    return;
  flow->tap.key_frame_ms = loop->now_ms;
  ablak_forward_ask_key_frame(loop, flow);
}

void ablak_tap_take(Loop *loop, AblakFlow *flow, const Tap *tap)
{
  tap_close(flow);
  flow->tap = *tap;
  flow->tap.key_frame_ms = loop->now_ms - KEY_FRAME_EVERY_MS;
  if (flow->tap.open)
    ablak_tap_tick(loop, flow);
}

/* Nobody was asked whether a screen may be recorded: it is not. */
static bool is_screen(const AblakFlow *flow, const Plain *plain)
{
  for (guint i = 0; i < flow->screens_length && !plain->rtcp; i++)
    if (flow->screens[i] == ablak_read32(plain->data + 8))
      return true;
  return false;
}

void ablak_tap_send(Loop *loop, AblakFlow *flow, guint length)
{
  const AblakTapHeader common = {.at_us = g_get_monotonic_time(), .party = flow->tap.party};
  AblakTapHeader headers[LOOP_BATCH];
  struct iovec pieces[LOOP_BATCH][2];
  struct mmsghdr messages[LOOP_BATCH] = {0};
  guint taken = 0;
  for (guint i = 0; i < length; i++) {
    const Plain *plain = &loop->plain[i];
    if (is_screen(flow, plain))
      continue;
    headers[taken] = common;
    headers[taken].dropped = flow->tap.dropped;
    headers[taken].rtcp = plain->rtcp;
    pieces[taken][0] = (struct iovec){&headers[taken], sizeof headers[taken]};
    pieces[taken][1] = (struct iovec){plain->data, plain->size};
    messages[taken].msg_hdr.msg_iov = pieces[taken];
    messages[taken].msg_hdr.msg_iovlen = G_N_ELEMENTS(pieces[taken]);
    taken++;
  }
  if (taken == 0)
    return;
  int sent = sendmmsg(flow->tap.fd, messages, taken, MSG_DONTWAIT | MSG_NOSIGNAL);
  flow->tap.dropped += taken - (guint)MAX(sent, 0);
  if (sent < 0 && errno != EAGAIN && errno != EINTR && errno != ENOBUFS)
    tap_close(flow); /* the recorder is gone; ablakd knows */
}
