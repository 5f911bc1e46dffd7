/* box/media.h: the box's side of the media process: who may join a call, and carrying signalling
 * between live pages and ablak-media. If the process is gone only the picture is: pages are told
 * "media.gone" and join again.
 *
 * Wire on the topic "visit:<id>" (passing messages, never stored):
 *   page -> box   media.join {audio, video, screens?, leg?, alive?, restart?, again?, check?}
 *                 media.answer {leg, generation, sdp}
 *                 media.candidate {leg, generation, candidate, mid}
 *                 media.restart {leg}: ICE restarts
 *                 media.leave {leg?}
 *   box -> page   media.offer {leg, generation, sdp, iceServers}
 *                 media.candidate {leg, generation, candidate, mid}
 *                 media.state {leg, state, cipher?}
 *                 media.gone {}
 *                 media.taken {}: another page of the same person has the call now
 *                 media.error {leg?, slug}
 * A join's `leg` is one of this page from before its live connection broke. With `alive` the page
 * still has its end, so it is taken over if it runs, and led to the page's present address if
 * `restart`; without, it is replaced.
 *
 * `screens`: the page knows sections of screens (video/control.h). Citizens and staff may send one,
 * guests may not. The offer's labels are "citizen", "clerk" and "guest-" with the guest's id.
 *
 * One person has one leg in a visit's call: who joins from a second page or device takes the call
 * over, but a page that only comes back by itself (`again`) leaves it where it is. With `check` a
 * page joins a session of its own, apart from the visit's call, to try its line: its two legs there
 * hear each other and nobody else does. Main thread. */
#pragma once
#include "box/ice-servers.h"
#include "daemon/person.h"
#include "http/live.h"
#include <glib.h>
#include <stdbool.h>

typedef struct AblakMediaLink AblakMediaLink;

/* Listens on a Unix socket at `path` (mode 0660; a stale one is replaced). Every offer
 * brings the page fresh credentials for `ice_servers`, which outlive the link. */
AblakMediaLink *ablak_media_link_new(const char *path, const AblakIceServers *ice_servers,
                                     GError **error) G_GNUC_WARN_UNUSED_RESULT;
void ablak_media_link_free(AblakMediaLink *link);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakMediaLink, ablak_media_link_free)
bool ablak_media_link_is_up(const AblakMediaLink *link);

/* A page's media message; the caller has checked that the page belongs to the visit. `party`: whose
 * page it is (box/presence.h), which the others' offers say of its pictures. */
void ablak_media_link_receive(AblakMediaLink *link, AblakLivePeer *peer, const char *visit,
                              const char *party, const char *kind, json_t *data);
/* The page's live connection is gone: its legs may be taken over for 30 s. */
void ablak_media_link_peer_closed(AblakMediaLink *link, AblakLivePeer *peer);
/* A page joined a call: also again after a reload, and after the media process came back. Not
 * called for a page that takes its leg over. */
typedef void (*AblakMediaJoined)(const char *visit, const char *leg, const AblakPerson *person,
                                 gpointer data);
void ablak_media_link_watch_joined(AblakMediaLink *link, AblakMediaJoined joined, gpointer data);
/* Those who are in the visit's call now. */
void ablak_media_link_each_leg(AblakMediaLink *link, const char *visit, AblakMediaJoined each,
                               gpointer data);
/* The leg's packets go to `socket`, too, of which a duplicate is sent (video/tap.h). */
void ablak_media_link_record(AblakMediaLink *link, const char *visit, const char *leg, int party,
                             int socket);
void ablak_media_link_unrecord(AblakMediaLink *link, const char *visit);

/* That party is no longer in the visit. */
void ablak_media_link_drop_party(AblakMediaLink *link, const char *visit, const char *party);
/* The visit has ended: everyone leaves. */
void ablak_media_link_close_visit(AblakMediaLink *link, const char *visit);
