/* daemon/person.h: who a request or a live page belongs to, as the authorise hook found out.
 * Immutable once set but for its reference count. Main thread. */
#pragma once
#include <glib.h>
#include <stdbool.h>

typedef enum {
  ABLAK_PERSON_NOBODY,
  ABLAK_PERSON_CITIZEN,
  ABLAK_PERSON_STAFF,
  ABLAK_PERSON_BOX
} AblakPersonKind;

typedef struct {
  AblakPersonKind kind;
  char *id;       /* staff id, box id, or which of a visit's devices a citizen is at */
  char *login;    /* staff only */
  char *name;     /* staff only: shown to that person alone */
  char **roles;   /* staff only, NULL-terminated */
  char *language; /* staff only */
  char *counter;  /* the desk a clerk has taken; NULL for none */
  char *session;  /* key of the sign-in or citizen session */
  char *visit;    /* citizens: the one visit they belong to */
} AblakPerson;

AblakPerson *ablak_person_new(AblakPersonKind kind);
AblakPerson *ablak_person_ref(AblakPerson *person);
void ablak_person_unref(AblakPerson *person);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakPerson, ablak_person_unref)

bool ablak_person_has_role(const AblakPerson *person, const char *role);

/* Whether a route's x-access lets this person in: "public", "staff", "citizen", "box" or a
 * comma-separated list of these and of roles. */
bool ablak_person_may(const AblakPerson *person, const char *access);

/* What the event log names as actor: the staff id, "citizen", "box" or "system". Borrowed. */
const char *ablak_person_actor(const AblakPerson *person);
