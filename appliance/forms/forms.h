/* forms/forms.h: form definitions, drafts and submissions.
 *
 * A definition is the published JSON of kb/schemas/form.schema.json: the JSON Schema of the content
 * and the layout. In a draft's Yjs document (root map "form") typed text (text, textarea, email,
 * phone) is a Y.Text; a choice, date, tick or number is a plain value; a repeating group is a
 * Y.Array of Y.Map. Fields with "office": true live in the document "office", all others in
 * "shared". Containers are made by the box alone.
 *
 * Ownership: an AblakForm is immutable and counted; fields live as long as it. Functions over an
 * AblakTxn run inside a job. Threads: an AblakForm from any thread.
 * Errors: "forms/definition" (422), "forms/unknown-draft" (404), "forms/frozen" (409),
 * "forms/gaps" (409), "forms/unknown-field", "forms/value" (422), "forms/too-many-rows" (409),
 * "forms/already-open", "forms/document-gone" (409), "forms/reason", "forms/due" (422),
 * "forms/unavailable", "forms/full" (503). */
#pragma once
#include "core/json.h"
#include "store/store.h"
#include <glib.h>
#include <stdbool.h>

extern const AblakStorePart ablak_forms_store_part;

/* --- definitions ------------------------------------------------------------------------------ */

typedef struct AblakForm AblakForm;

typedef enum {
  ABLAK_WIDGET_TEXT,
  ABLAK_WIDGET_TEXTAREA,
  ABLAK_WIDGET_EMAIL,
  ABLAK_WIDGET_PHONE,
  ABLAK_WIDGET_DATE,
  ABLAK_WIDGET_SELECT,
  ABLAK_WIDGET_RADIO,
  ABLAK_WIDGET_CHECKBOX,
  ABLAK_WIDGET_NUMBER,
  ABLAK_WIDGET_REPEAT, /* a group, not a widget of the layout */
} AblakWidget;

typedef struct AblakFormField AblakFormField;
struct AblakFormField {
  const char *name; /* the key in its map */
  AblakWidget widget;
  bool office;
  const AblakFormField *group; /* the repeating group it stands in; NULL: the form itself */
  GPtrArray *fields;           /* of a group: its AblakFormField; else NULL */
  json_t *element;             /* the layout element: label or title, hint, options */
  json_t *schema;              /* the property's schema */
};

/* `definition` is copied. `languages` (NULL-terminated, may be NULL): every text must be there in
 * each of them. */
AblakForm *ablak_form_parse(const json_t *definition, const char *const *languages,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
AblakForm *ablak_form_ref(AblakForm *form);
void ablak_form_unref(AblakForm *form);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakForm, ablak_form_unref)

const char *ablak_form_id(const AblakForm *form);
gint64 ablak_form_version(const AblakForm *form);
bool ablak_form_is_sample(const AblakForm *form);
/* Borrowed. */
json_t *ablak_form_definition(const AblakForm *form);
/* Fields and groups of the form itself in the layout's order; elements AblakFormField. Borrowed. */
const GPtrArray *ablak_form_fields(const AblakForm *form);
/* The field at "/familyName", "/children" or "/children/0/name"; NULL when there is none. */
const AblakFormField *ablak_form_field_at(const AblakForm *form, const char *path);
/* Typed text, that is a Y.Text. */
bool ablak_widget_is_text(AblakWidget widget);

/* What is missing or wrong in a content: new array of {"path", "keyword", "detail"}, one for each
 * path, in the form's order. */
json_t *ablak_form_gaps(const AblakForm *form, const json_t *content);
/* Where two contents differ: new array of paths in the form's order. A row that is in one of them
 * only is named by its own path ("/children/2"). */
json_t *ablak_form_differences(const AblakForm *form, const json_t *before, const json_t *after);

/* --- drafts
 * --------------------------------------------------------------------------------------- */

typedef struct {
  const char *visit_id;
  const char *edition;
  AblakForm *form;
} AblakDraftNew;

/* Opens a draft with all its containers. Event "draft.opened" to "visit:<id>". `ret_id`: g_free. */
bool ablak_draft_create(AblakTxn *txn, const AblakDraftNew *draft, const char *actor, char **ret_id,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
  char *id, *visit_id, *form_id, *edition;
  gint64 form_version, created_at, updated_at, filed_at; /* filed_at 0: open */
  bool filed;
} AblakDraft;
void ablak_draft_free(AblakDraft *draft);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakDraft, ablak_draft_free)

AblakDraft *ablak_draft_get(AblakTxn *txn, const char *draft_id,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The draft that the visit opened or took up last; NULL without an error when it has none. */
AblakDraft *ablak_draft_of_visit(AblakTxn *txn, const char *visit_id, GError **error);
/* The form as it was when the draft was opened. */
AblakForm *ablak_draft_form(AblakTxn *txn, const AblakDraft *draft,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* New array of DraftAuthor (a component of the interface) of one audience's fields, as this
 * receiver may know it: citizens learn that a clerk wrote, not which one. */
json_t *ablak_draft_authors(AblakTxn *txn, const char *draft_id, bool office,
                            const char *receiver_kind, const char *receiver_id,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* New: the durable content of both documents. Blanks around a text do not count; an empty text or
 * list is missing. */
json_t *ablak_draft_content(AblakTxn *txn, const char *draft_id,
                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- submissions
 * ---------------------------------------------------------------------------------- */

typedef struct {
  char *id, *draft_id, *visit_id, *form_id, *edition;
  gint64 form_version, filed_at;
  gint64 ordinal; /* of this draft's submissions: 1, and from 2 on completions */
  char *content;  /* RFC 8785 text: the digest is of exactly these bytes */
  char *content_sha256;
  json_t *gaps;
  json_t *changes; /* by ablak_submission_create alone, of a completion: paths; else NULL */
  char *actor_kind, *actor_id;
} AblakSubmission;
void ablak_submission_free(AblakSubmission *submission);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakSubmission, ablak_submission_free)

/* Freezes the draft and keeps its content with the pinned form. Call it only in a job given to
 * ablak_drafts_submit (forms/session.h), which holds back what is being typed. "forms/gaps" when
 * something is missing and `accept_gaps` is false, "forms/frozen" when it is filed. A reopened
 * draft becomes one submission more under the same form version; the ones before stay as they are.
 * Event "draft.filed" to "visit:<id>". */
bool ablak_submission_create(AblakTxn *txn, const char *draft_id, const char *actor_kind,
                             const char *actor_id, bool accept_gaps,
                             AblakSubmission **ret_submission,
                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
AblakSubmission *ablak_submission_get(AblakTxn *txn, const char *submission_id,
                                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* The newest; NULL without an error when the draft was not filed. */
AblakSubmission *ablak_submission_of_draft(AblakTxn *txn, const char *draft_id, GError **error);

/* --- completions
 * ----------------------------------------------------------------------------------
 *
 * A draft is open, then filed, then open again when the office asks for a completion, then filed
 * again, and so on; there are no other moves. Its documents, authors and form version go on. It
 * belongs to one visit at a time: the one it was opened in, or in which it was taken up last. */

#define ABLAK_REASON_MAX 1000 /* characters */

typedef struct {
  const char *visit_id; /* the visit that goes on with it */
  const char *reason;   /* for the person to read */
  const char *due;      /* the last day, local: "2026-12-01"; NULL: none is set */
  const char *today;    /* the local day: `due` is not before it */
} AblakReopening;

/* Opens a filed draft for completion. "forms/already-open" when it is open, "forms/document-gone"
 * when this box does not have its documents (any more). Follow the commit with
 * ablak_drafts_reopened (forms/session.h). Event "draft.reopened" to "visit:<id>", and
 * "draft.moved" to the topic of the visit that had it when that is another. */
bool ablak_draft_reopen(AblakTxn *txn, const char *draft_id, const AblakReopening *reopening,
                        const char *actor, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Goes on with a draft that is open for completion in another visit; what was asked stays.
 * "forms/frozen" when it is filed, "forms/already-open" when it was never filed. */
bool ablak_draft_take_up(AblakTxn *txn, const char *draft_id, const char *visit_id,
                         const char *actor, GError **error) G_GNUC_WARN_UNUSED_RESULT;

typedef struct {
  char *id, *draft_id, *visit_id;
  char *submission_id; /* what is to be completed */
  char *reason, *due;  /* due NULL: none is set */
  gint64 opened_at;
} AblakCompletion;
void ablak_completion_free(AblakCompletion *completion);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakCompletion, ablak_completion_free)

/* What the draft is open for now; NULL without an error when it is filed, or was never filed. */
AblakCompletion *ablak_completion_of_draft(AblakTxn *txn, const char *draft_id, GError **error);
