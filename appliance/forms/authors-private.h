/* forms/authors-private.h: shared by authors.c and authors-told.c. */
#pragma once
#include "forms/authors.h"
#include <string.h>

/* The id of a row's map; zeroes outside of groups. */
typedef struct {
  guint64 client, clock;
} Row;

typedef struct {
  const AblakFormField *field;
  Row row;
} Place;

typedef struct {
  char *kind, *id;
} OwnActor;

typedef struct {
  OwnActor by;
  gint64 at_ms;
  json_t *value; /* NULL: there is none */
  bool concurrent;
} Previous;

typedef struct {
  Place place; /* also the key */
  OwnActor by;
  gint64 at_ms;
  GArray *others; /* of OwnActor, the last first */
  Previous previous;
  bool news;
} Author;

struct AblakAuthors {
  AblakForm *form;
  bool office;
  GHashTable *all;  /* of Author, by its place */
  GHashTable *rows; /* group -> GArray of Row, in order */
  bool any_news, moved;
};

/* False: no such field, or no such row. */
bool ablak_authors_place(const AblakAuthors *authors, const char *path, Place *ret_place);
Author *ablak_authors_add(AblakAuthors *authors, const Place *place, AblakActor by, gint64 at_ms);
void ablak_authors_add_other(Author *author, AblakActor other);
void ablak_authors_set_previous(Author *author, AblakActor by, gint64 at_ms, const json_t *value,
                                bool concurrent);
