/* forms/private.h: shared inside this folder. */
#pragma once
#include "forms/coedit/ydoc.h"
#include "forms/forms.h"
#include "schema/schema.h"

#define FORM_ROOT "form"
#define FORM_TEXT_MAX 65536 /* bytes of one plain value given to the box */

/* --- definition.c --- */
struct AblakForm {
  gatomicrefcount references;
  json_t *definition;
  AblakSchema *schema;
  GPtrArray *fields;   /* AblakFormField of the form itself, owned */
  GHashTable *by_name; /* name -> AblakFormField of the form itself */
};
const AblakFormField *ablak_form_top(const AblakForm *form, const char *name);
const AblakFormField *ablak_form_group_field(const AblakFormField *group, const char *name);
/* RFC 6901 tokens, unescaped; NULL when the text is no pointer. */
GStrv ablak_form_path_tokens(const char *path);
/* `path` + "/" + the escaped token. */
char *ablak_form_path_join(const char *path, const char *token);

/* --- document.c: a form in a Yjs document. Operations stand between begin and commit. --- */
bool ablak_form_prepare(const AblakForm *form, bool office, AblakYdoc *doc, GError **error);
bool ablak_form_set(const AblakForm *form, AblakYdoc *doc, const char *path, const json_t *value,
                    GError **error);
bool ablak_form_append_row(const AblakForm *form, AblakYdoc *doc, const AblakFormField *group,
                           GError **error);
/* May this plain value be put into this field at all? */
bool ablak_form_value_fits(const AblakFormField *field, const json_t *value);
/* Adds what one document holds of its audience's fields to `content`. */
void ablak_form_collect(const AblakForm *form, bool office, AblakYdoc *doc, json_t *content);

/* Why a change may not be made; NULL when it may. `ret_path` (free with g_free) names the field. */
const char *ablak_form_refusal(const AblakForm *form, bool office, const AblakYdocChange *change,
                               char **ret_path);

/* --- draft.c --- */
/* What every write asks: no more of the draft is read. */
bool ablak_draft_is_filed(AblakTxn *txn, const char *draft_id, bool *ret_filed, GError **error);
const char *ablak_draft_audience(bool office);
