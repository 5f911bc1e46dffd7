/* filings/filings.h: the register of what was submitted: numbers, receipts, print.
 *
 * A number is "OFFICE/YEAR/000001": the year is the office's local one, the serial comes from the
 * range of this box's epoch, so numbers are unique without asking anybody. Epoch 1 has 1 to
 * 100,000, epoch 2 (the box that replaces it) 100,001 to 200,000, and so on.
 *
 * A filing that the office had completed is registered again under the number it has, with the next
 * ordinal: each registration has an id, a receipt and a signature of its own, and none ever
 * changes. Threads: register in a job; print and verify from any thread. Durability: with the
 * transaction. Errors: "filings/range-exhausted" (503), "filings/print" (500), "filings/unknown"
 * (404), "filings/signature" (422). */
#pragma once
#include "core/clock.h"
#include "core/crypto.h"
#include "core/json.h"
#include "store/store.h"
#include <glib.h>
#include <stdbool.h>

extern const AblakStorePart ablak_filings_store_part;

/* --- the register ----------------------------------------------------------------------------- */

typedef struct {
  char *id, *submission_id, *visit_id, *number;
  gint64 ordinal;    /* under its number: 1, and from 2 on completions */
  gint64 arrived_at; /* UTC ms: the transaction's time */
  /* {"filingId", "number", "ordinal", "office", "service", "serviceName", "arrivedAt",
   * "contentSha256", "form", "formVersion", "gaps", "storedAt": "branch", "sample", "boxKey"}, with
   * files "attachments": [{"name", "type", "size", "sha256"}], and of a completion "completes":
   * {"filingId", "arrivedAt", "contentSha256"}, "changes", "reason", "late", and "due" when a day
   * was set. Receipts of before completions have no ordinal. */
  json_t *receipt;
  char *signature; /* base64url, over the receipt's RFC 8785 text */
} AblakFiling;
void ablak_filing_free(AblakFiling *filing);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AblakFiling, ablak_filing_free)

typedef struct {
  const AblakFiling *filing; /* the newest of its number: number, office and service are its */
  const char *reason;        /* what the office asked for */
  const char *due;       /* the last day, local; NULL: none was set. After it is late, no more */
  const json_t *changes; /* array of paths */
} AblakFilingCompletes;

/* Everything is borrowed. Call it in the transaction that made the submission. */
typedef struct {
  const char *submission_id, *visit_id;
  const char *office; /* the office's id, first part of the number in upper case */
  gint64 epoch;       /* of this box, from 1 */
  const char *service;
  const json_t *service_name; /* text by language; may be NULL */
  const char *form_id;
  gint64 form_version;
  const char *content_sha256;
  const json_t *gaps; /* array of {"path", "keyword", "detail"} */
  bool sample;        /* the edition is sample content */
  const char *actor;  /* as in ablak_event_append */
  const AblakZone *zone;
  AblakSigner *signer;
  const AblakFilingCompletes *completes; /* NULL: a new number */
  const json_t *attachments; /* array of {"name", "type", "size", "sha256"}; may be NULL or empty */
} AblakFilingNew;

/* Events "filing.registered" to "visit:<id>" and "desk". `ret_filing` may be NULL. */
bool ablak_filing_register(AblakTxn *txn, const AblakFilingNew *filing, AblakFiling **ret_filing,
                           GError **error) G_GNUC_WARN_UNUSED_RESULT;
AblakFiling *ablak_filing_get(AblakTxn *txn, const char *filing_id,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* NULL without an error when there is none. */
AblakFiling *ablak_filing_of_submission(AblakTxn *txn, const char *submission_id, GError **error);
/* The newest. */
AblakFiling *ablak_filing_of_visit(AblakTxn *txn, const char *visit_id, GError **error);
/* The newest under a number; blanks around it and the case of letters do not matter.
 * "filings/unknown" when there is none. */
AblakFiling *ablak_filing_find(AblakTxn *txn, const char *number,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* All under a number, the oldest first; elements AblakFiling. */
GPtrArray *ablak_filings_of_number(AblakTxn *txn, const char *number,
                                   GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Was this receipt signed by the box with this key (NULL: the key it names itself)? `receipt` is
 * exactly what was signed: without a signature, "storedAt" as it was. */
bool ablak_receipt_verify(const json_t *receipt, const char *signature, const char *box_key,
                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* --- print --------------------------------------------------------------------------------------
 */

/* Everything is borrowed. */
typedef struct {
  const char *language;         /* of the print */
  const char *binding_language; /* NULL: the printed one is binding */
  const json_t *office_name;    /* text by language, or a string; may be NULL */
  const json_t *service_name;   /* text by language; NULL: the receipt's */
  const json_t *receipt;
  const char *signature;
  const json_t *definition; /* of the form: labels of fields and gaps */
  const json_t *content;    /* for ablak_print_content */
  bool with_office;         /* print the office's own fields: never for the citizen */
  const AblakZone *zone;
} AblakPrint;

/* New: a PDF (A4, tagged, with outline and metadata). */
GBytes *ablak_print_receipt(const AblakPrint *print, GError **error) G_GNUC_WARN_UNUSED_RESULT;
GBytes *ablak_print_content(const AblakPrint *print, GError **error) G_GNUC_WARN_UNUSED_RESULT;
