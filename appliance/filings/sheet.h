/* filings/sheet.h: A4 pages of text with a header and a footer; private to this folder.
 *
 * Text flows line by line onto as many pages as it needs; headings stay with what follows. What is
 * drawn is tagged (ISO 32000-1 §14.8) so that a screen reader finds headings and paragraphs, and
 * each heading is in the outline. */
#pragma once
#include <glib.h>
#include <stdbool.h>

typedef struct AblakSheet AblakSheet;

typedef struct {
  const char *title;    /* metadata and header */
  const char *author;   /* metadata: the office */
  const char *left;     /* in the header: the office */
  const char *right;    /* in the header: the registry number */
  const char *mark;     /* in the header, framed: "sample"; NULL: none */
  const char *footer;   /* left in the footer */
  const char *page;     /* "{page} / {pages}" */
  const char *created;  /* ISO 8601 */
  const char *language; /* of the text: shapes and breaks it */
} AblakSheetOptions;

AblakSheet *ablak_sheet_new(const AblakSheetOptions *options, unsigned pages);
/* Ends the document and frees the sheet; `ret_pages` may be NULL. */
GBytes *ablak_sheet_finish(AblakSheet *sheet, unsigned *ret_pages, GError **error);

/* catalog.c: cairo's output with its catalog completed; `pdf` is used up, but stays the caller's.
 */
GBytes *ablak_sheet_complete_catalog(GByteArray *pdf, const char *language, GError **error);

void ablak_sheet_title(AblakSheet *sheet, const char *text, const char *subtitle);
void ablak_sheet_heading(AblakSheet *sheet, const char *text);
void ablak_sheet_subheading(AblakSheet *sheet, const char *text);
void ablak_sheet_paragraph(AblakSheet *sheet, const char *text);
/* A framed note. */
void ablak_sheet_note(AblakSheet *sheet, const char *text);
typedef enum {
  ABLAK_SHEET_PLAIN,
  ABLAK_SHEET_STRONG,
  ABLAK_SHEET_FAINT, /* nothing was given */
  ABLAK_SHEET_CODE,  /* digests and signatures: fixed width, broken anywhere */
} AblakSheetStyle;
/* A label and its value; `remark` (may be NULL) stands below the value. */
void ablak_sheet_row(AblakSheet *sheet, const char *label, const char *value, AblakSheetStyle style,
                     const char *remark);
