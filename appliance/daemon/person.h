/* daemon/person.h: who a request or a live page belongs to, as the authorise hook found out.
 * Immutable once set but for its reference count. Main thread. */
#pragma once
#include <glib.h>
#include <stdbool.h>

typedef enum {
  ABLAK_PERSON_NOBODY,
  ABLAK_PERSON_CITIZEN,
  ABLAK_PERSON_STAFF,
  ABLAK_PERSON_BOX,
  ABLAK_PERSON_GUEST, /* an interpreter or colleague, in the call of one visit */
} AblakPersonKind;

typedef struct {
  AblakPersonKind kind;
  char *id;       /* staff id, box id, guest id, or which of a visit's devices a citizen is at */
  char *login;    /* staff only */
  char *name;     /* staff: shown to that person alone; guests: shown to all in the call */
  char **roles;   /* staff only, NULL-terminated */
  char *language; /* staff only */
  char *counter;  /* the desk a clerk has taken; NULL for none */
  char *session;  /* key of the sign-in or citizen session */
  char *visit;    /* citizens and guests: the one visit they belong to */
  char *part;     /* guests: what they are there for (accounts.h) */
} AblakPerson;

AblakPerson *ablak_person_new(AblakPersonKind kind);
AblakPerson *ablak_person_ref(AblakPerson *person);
void ablak_person_unref(AblakPerson *person);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakPerson, ablak_person_unref)

bool ablak_person_has_role(const AblakPerson *person, const char *role);

/* Whether a route's x-access lets this person in: "public", "staff", "citizen", "guest", "box" or a
 * comma-separated list of these and of roles. */
bool ablak_person_may(const AblakPerson *person, const char *access);

/* What the event log names as actor: the staff id, "citizen", "guest", "box" or "system". Borrowed.
 */
const char *ablak_person_actor(const AblakPerson *person);
