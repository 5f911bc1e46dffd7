/* video/recorder/party.h: one party of a recording: its packets into its parts.
 *
 * Frames wait up to two seconds for the party's other track; then a part begins with the tracks
 * that are there. It ends when a track comes that it lacks or cannot hold, and when one of its own
 * is silent for SILENT_US. */
#pragma once
#include "video/recorder/files.h"
#include <glib.h>

typedef struct AblakParty AblakParty;
AblakParty *ablak_party_new(AblakFiles *files, const char *name);
/* What is still open is left cut short. */
void ablak_party_free(AblakParty *party);
/* A decrypted RTP packet or RTCP compound of strangers. `dropped`: as the tap counts. */
void ablak_party_receive(AblakParty *party, const guint8 *data, gsize size, bool rtcp, gint64 at_us,
                         guint32 dropped);
/* Now and then, with the time up to which everything was received. */
void ablak_party_tick(AblakParty *party, gint64 now_us);
/* Nothing more comes. */
void ablak_party_finish(AblakParty *party, gint64 now_us);
