/* video/places.c: whom a page is shown, and where. A page's sections have room for three others.
 *
 * Who has a place keeps it while they are there, so that coming and going disturbs nobody else's
 * picture. A newcomer gets the first free one; but a page that was loaded again joins beside its
 * former leg, of which nobody knows yet that it is dead, so it takes the place of the leg that has
 * the same label. Legs without a label count as one person's: so two see each other, and a third is
 * shown to them only when the box says that it is somebody else. */
#include "core/clock.h"
#include "video/leg.h"

/* Speech pauses aside, a page that sends is heard many times a second. */
#define RECENT_MS 1500

typedef enum { ABSENT, QUIET, ALIVE } Presence;

static Presence presence(const AblakLeg *leg)
{
  if (leg->answer == NULL || leg->spent)
    return ABSENT;
  if (leg->state == ABLAK_MEDIA_LEG_DISCONNECTED)
    return QUIET;
  return leg->state == ABLAK_MEDIA_LEG_CONNECTING || !ablak_leg_sends_anything(leg) ||
                 ablak_clock_monotonic_ms() - ablak_leg_heard_ms(leg) < RECENT_MS
             ? ALIVE
             : QUIET;
}

bool ablak_leg_is_there(const AblakLeg *leg)
{
  return presence(leg) != ABSENT;
}

static bool is_same_person(const AblakLeg *a, const AblakLeg *b)
{
  return g_strcmp0(a->label, b->label) == 0;
}

/* Quiet, while another leg of the same person lives. */
static bool is_superseded(const AblakLeg *leg, const AblakLeg *viewer)
{
  const GPtrArray *legs = leg->session->legs;
  for (guint i = 0; i < legs->len && presence(leg) == QUIET; i++) {
    const AblakLeg *other = legs->pdata[i];
    if (other != leg && other != viewer && is_same_person(leg, other) && presence(other) == ALIVE)
      return true;
  }
  return false;
}

/* A person is shown once, through whichever of their legs. */
static bool is_person_shown(const AblakLeg *viewer, const AblakLeg *leg)
{
  for (guint at = 0; at < ABLAK_SDP_PLACES_MAX; at++)
    if (viewer->shown[at] != NULL && is_same_person(viewer->shown[at], leg))
      return true;
  return false;
}

static void take_first_free(AblakLeg *viewer, AblakLeg *leg)
{
  for (guint at = 0; at < ABLAK_SDP_PLACES_MAX; at++)
    if (viewer->shown[at] == NULL) {
      viewer->shown[at] = leg;
      return;
    }
}

static void place_all(AblakLeg *viewer, Presence wanted)
{
  const GPtrArray *legs = viewer->session->legs;
  for (guint i = 0; i < legs->len; i++) {
    AblakLeg *other = legs->pdata[i];
    if (other != viewer && presence(other) == wanted && !is_person_shown(viewer, other))
      take_first_free(viewer, other);
  }
}

void ablak_leg_place(AblakLeg *viewer, AblakLeg *arrived)
{
  for (guint at = 0; at < ABLAK_SDP_PLACES_MAX; at++) {
    AblakLeg *shown = viewer->shown[at];
    if (shown != NULL && (presence(shown) == ABSENT || is_superseded(shown, viewer)))
      viewer->shown[at] = NULL;
  }
  for (guint at = 0; at < ABLAK_SDP_PLACES_MAX; at++)
    if (arrived != NULL && presence(arrived) == ALIVE && viewer->shown[at] != NULL &&
        is_same_person(viewer->shown[at], arrived))
      viewer->shown[at] = arrived;
  place_all(viewer, ALIVE);
  place_all(viewer, QUIET);
}

void ablak_leg_forget(AblakLeg *viewer, const AblakLeg *gone)
{
  for (guint at = 0; at < ABLAK_SDP_PLACES_MAX; at++)
    if (viewer->shown[at] == gone)
      viewer->shown[at] = NULL;
}

static bool sources_equal(const GArray *a, const GArray *b)
{
  if (a->len != b->len)
    return false;
  for (guint i = 0; i < a->len; i++) {
    const AblakSdpSource *x = &g_array_index(a, AblakSdpSource, i);
    const AblakSdpSource *y = &g_array_index(b, AblakSdpSource, i);
    if (x->kind != y->kind || x->ssrc != y->ssrc || x->rtx_ssrc != y->rtx_ssrc)
      return false;
  }
  return true;
}

bool ablak_leg_places_changed(const AblakLeg *viewer)
{
  for (guint at = 0; at < ABLAK_SDP_PLACES_MAX; at++) {
    const AblakLeg *shown = viewer->shown[at];
    const AblakOfferedPlace *offered = &viewer->offered[at];
    if ((shown != NULL) != offered->company ||
        (shown != NULL && (g_strcmp0(shown->label, offered->label) != 0 ||
                           !sources_equal(shown->answer->sources, offered->sources))))
      return true;
  }
  return false;
}

void ablak_leg_offer_places(AblakLeg *viewer, AblakSdpOffer *ret_offer)
{
  for (guint at = 0; at < ABLAK_SDP_PLACES_MAX; at++) {
    const AblakLeg *shown = viewer->shown[at];
    AblakOfferedPlace *offered = &viewer->offered[at];
    g_array_set_size(offered->sources, 0);
    if (shown != NULL)
      g_array_append_vals(offered->sources, shown->answer->sources->data,
                          shown->answer->sources->len);
    g_free(offered->label);
    offered->label = shown != NULL ? g_strdup(shown->label) : NULL;
    offered->company = shown != NULL;
    offered->had_company = offered->had_company || offered->company;
    if (offered->had_company)
      viewer->shape.places = MAX(viewer->shape.places, at + 1);
    /* When the other person has left, the page's tracks end, so that it can show so; before anybody
     * came to the first place they wait. */
    ret_offer->places[at] =
        (AblakSdpPlace){.shown = offered->company || (at == 0 && !offered->had_company),
                        .label = offered->label,
                        .sources = (const AblakSdpSource *)(gpointer)offered->sources->data,
                        .sources_length = offered->sources->len};
  }
  ret_offer->shape = viewer->shape;
}
