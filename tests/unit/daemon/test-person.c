/* Who a route's x-access lets in. */
#include "daemon/person.h"

static AblakPerson *staff(const char *roles)
{
  AblakPerson *person = ablak_person_new(ABLAK_PERSON_STAFF);
  person->id = g_strdup("0190-7f");
  person->roles = g_strsplit(roles, " ", -1);
  return person;
}

static void test_access(void)
{
  g_autoptr(AblakPerson) nobody = ablak_person_new(ABLAK_PERSON_NOBODY);
  g_autoptr(AblakPerson) citizen = ablak_person_new(ABLAK_PERSON_CITIZEN);
  g_autoptr(AblakPerson) box = ablak_person_new(ABLAK_PERSON_BOX);
  g_autoptr(AblakPerson) clerk = staff("clerk"), it = staff("it editor");
  const struct {
    const char *access;
    bool nobody, citizen, box, clerk, it;
  } cases[] = {
      {"public", true, true, true, true, true},
      {"staff", false, false, false, true, true},
      {"citizen", false, true, false, false, false},
      {"box", false, false, true, false, false},
      {"clerk", false, false, false, true, false},
      {"citizen, clerk", false, true, false, true, false},
      {"supervisor,editor", false, false, false, false, true},
      {"", false, false, false, false, false},
      {"cler", false, false, false, false, false},
      {"Public", false, false, false, false, false},
  };
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_test_message("%s", cases[i].access);
    g_assert_true(ablak_person_may(nobody, cases[i].access) == cases[i].nobody);
    g_assert_true(ablak_person_may(citizen, cases[i].access) == cases[i].citizen);
    g_assert_true(ablak_person_may(box, cases[i].access) == cases[i].box);
    g_assert_true(ablak_person_may(clerk, cases[i].access) == cases[i].clerk);
    g_assert_true(ablak_person_may(it, cases[i].access) == cases[i].it);
  }
}

/* A role called like a kind of person must not make one of it. */
static void test_roles_are_not_kinds(void)
{
  g_autoptr(AblakPerson) odd = staff("citizen box public staff");
  odd->kind = ABLAK_PERSON_NOBODY;
  g_assert_false(ablak_person_may(odd, "staff"));
  g_assert_false(ablak_person_may(odd, "citizen"));
  g_assert_false(ablak_person_may(odd, "box"));
}

static void test_actor(void)
{
  g_autoptr(AblakPerson) clerk = staff("clerk"), citizen = ablak_person_new(ABLAK_PERSON_CITIZEN);
  g_autoptr(AblakPerson) box = ablak_person_new(ABLAK_PERSON_BOX),
                         nobody = ablak_person_new(ABLAK_PERSON_NOBODY);
  box->id = g_strdup("hu-minta");
  g_assert_cmpstr(ablak_person_actor(clerk), ==, "0190-7f");
  g_assert_cmpstr(ablak_person_actor(citizen), ==, "citizen");
  g_assert_cmpstr(ablak_person_actor(box), ==, "box");
  g_assert_cmpstr(ablak_person_actor(nobody), ==, "system");
}

int main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/person/access", test_access);
  g_test_add_func("/person/roles-are-not-kinds", test_roles_are_not_kinds);
  g_test_add_func("/person/actor", test_actor);
  return g_test_run();
}
