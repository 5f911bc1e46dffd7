#include "daemon/person.h"
#include <string.h>

AblakPerson *ablak_person_new(AblakPersonKind kind)
{
  AblakPerson *person = g_rc_box_new0(AblakPerson);
  person->kind = kind;
  return person;
}

AblakPerson *ablak_person_ref(AblakPerson *person)
{
  return g_rc_box_acquire(person);
}

static void clear(gpointer data)
{
  AblakPerson *person = data;
  g_free(person->id);
  g_free(person->login);
  g_free(person->name);
  g_strfreev(person->roles);
  g_free(person->language);
  g_free(person->counter);
  g_free(person->session);
  g_free(person->visit);
  g_free(person->part);
}

void ablak_person_unref(AblakPerson *person)
{
  if (person)
    g_rc_box_release_full(person, clear);
}

bool ablak_person_has_role(const AblakPerson *person, const char *role)
{
  return person->roles && g_strv_contains((const char *const *)person->roles, role);
}

static bool may_as(const AblakPerson *person, const char *word)
{
  if (strcmp(word, "public") == 0)
    return true;
  switch (person->kind) {
  case ABLAK_PERSON_CITIZEN:
    return strcmp(word, "citizen") == 0;
  case ABLAK_PERSON_GUEST:
    return strcmp(word, "guest") == 0;
  case ABLAK_PERSON_BOX:
    return strcmp(word, "box") == 0;
  case ABLAK_PERSON_STAFF:
    return strcmp(word, "staff") == 0 || ablak_person_has_role(person, word);
  default:
    return false;
  }
}

bool ablak_person_may(const AblakPerson *person, const char *access)
{
  g_auto(GStrv) words = g_strsplit(access, ",", -1);
  for (char **word = words; *word; word++)
    if (may_as(person, g_strstrip(*word)))
      return true;
  return false;
}

const char *ablak_person_actor(const AblakPerson *person)
{
  switch (person->kind) {
  case ABLAK_PERSON_STAFF:
    return person->id;
  case ABLAK_PERSON_CITIZEN:
    return "citizen";
  case ABLAK_PERSON_GUEST:
    return "guest";
  case ABLAK_PERSON_BOX:
    return "box";
  default:
    return "system";
  }
}
