/* filings/sheet.c: pages with Pango and Cairo. Lengths are points (1/72 inch). */
#include "filings/sheet.h"
#include "core/error.h"
#include <cairo-pdf.h>
#include <fontconfig/fontconfig.h>
#include <pango/pangocairo.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define LEAKS_ARE_FOUND 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LEAKS_ARE_FOUND 1
#endif
#endif
#ifdef LEAKS_ARE_FOUND
#include <sanitizer/lsan_interface.h>
#endif

#define PAGE_WIDTH 595.28
#define PAGE_HEIGHT 841.89
#define LEFT 62.0
#define RIGHT 62.0
#define TOP 104.0
#define BOTTOM 78.0
#define WIDTH (PAGE_WIDTH - LEFT - RIGHT)
#define LABEL_WIDTH 148.0
#define GUTTER 16.0

#define SANS "Liberation Sans, DejaVu Sans, sans-serif"
#define MONO "Liberation Mono, DejaVu Sans Mono, monospace"

typedef struct {
  double red, green, blue;
} Colour;
#define INK                                                                                        \
  {                                                                                                \
    0.09, 0.11, 0.14                                                                               \
  }
#define QUIET                                                                                      \
  {                                                                                                \
    0.32, 0.36, 0.42                                                                               \
  }
#define ACCENT                                                                                     \
  {                                                                                                \
    0.05, 0.30, 0.42                                                                               \
  }
static const Colour accent = ACCENT;
static const Colour rule = {0.80, 0.83, 0.86};
static const Colour tint = {0.945, 0.957, 0.965};

typedef struct {
  const char *family;
  double size;
  bool bold, italic;
  Colour colour;
  double spacing; /* of lines, as a factor */
} Style;

static const Style title_style = {SANS, 21, true, false, ACCENT, 1.1};
static const Style subtitle_style = {SANS, 12.5, false, false, QUIET, 1.2};
static const Style heading_style = {SANS, 12.5, true, false, ACCENT, 1.15};
static const Style subheading_style = {SANS, 10.5, true, false, INK, 1.2};
static const Style body_style = {SANS, 10.5, false, false, INK, 1.3};
static const Style strong_style = {SANS, 12, true, false, INK, 1.2};
static const Style faint_style = {SANS, 10.5, false, true, QUIET, 1.3};
static const Style label_style = {SANS, 9.5, false, false, QUIET, 1.25};
static const Style remark_style = {SANS, 9, true, false, {0.60, 0.12, 0.08}, 1.25};
static const Style code_style = {MONO, 7.8, false, false, INK, 1.35};
static const Style small_style = {SANS, 8.5, false, false, QUIET, 1.2};
static const Style small_strong_style = {SANS, 9, true, false, INK, 1.2};

struct AblakSheet {
  cairo_surface_t *surface;
  cairo_t *cairo;
  PangoContext *pango;
  GByteArray *output;
  AblakSheetOptions options;
  unsigned page, pages;
  double y;
  bool fresh; /* nothing but the header stands on this page */
};

static cairo_status_t collect(void *closure, const unsigned char *data, unsigned length)
{
  g_byte_array_append(closure, data, length);
  return CAIRO_STATUS_SUCCESS;
}

static void use(AblakSheet *sheet, Colour colour)
{
  cairo_set_source_rgb(sheet->cairo, colour.red, colour.green, colour.blue);
}

static PangoLayout *layout_new(AblakSheet *sheet, const Style *style, double width,
                               const char *text)
{
  PangoLayout *layout = pango_layout_new(sheet->pango);
  PangoFontDescription *font = pango_font_description_new();
  pango_font_description_set_family_static(font, style->family);
  pango_font_description_set_absolute_size(font, style->size * PANGO_SCALE);
  pango_font_description_set_weight(font, style->bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
  pango_font_description_set_style(font, style->italic ? PANGO_STYLE_ITALIC : PANGO_STYLE_NORMAL);
  pango_layout_set_font_description(layout, font);
  pango_font_description_free(font);
  if (width > 0)
    pango_layout_set_width(layout, (int)(width * PANGO_SCALE));
  pango_layout_set_wrap(layout, style == &code_style ? PANGO_WRAP_CHAR : PANGO_WRAP_WORD_CHAR);
  if (style == &code_style) { /* a hyphen would read as part of the digest */
    PangoAttrList *attributes = pango_attr_list_new();
    pango_attr_list_insert(attributes, pango_attr_insert_hyphens_new(FALSE));
    pango_layout_set_attributes(layout, attributes);
    pango_attr_list_unref(attributes);
  }
  pango_layout_set_text(layout, text, -1);
  return layout;
}

static double layout_width(PangoLayout *layout)
{
  int width = 0;
  pango_layout_get_size(layout, &width, NULL);
  return (double)width / PANGO_SCALE;
}

static double layout_height(PangoLayout *layout, const Style *style)
{
  return pango_layout_get_line_count(layout) * style->size * style->spacing;
}

/* One line at a fixed place; negative `x` counts from the right margin. */
static void place_line(AblakSheet *sheet, const Style *style, double x, double y, const char *text)
{
  g_autoptr(PangoLayout) layout = layout_new(sheet, style, -1, text);
  if (x < 0)
    x = PAGE_WIDTH + x - layout_width(layout);
  use(sheet, style->colour);
  cairo_move_to(sheet->cairo, x, y);
  pango_cairo_show_layout_line(sheet->cairo, pango_layout_get_line_readonly(layout, 0));
}

static void line_across(AblakSheet *sheet, double y, double thickness, Colour colour)
{
  use(sheet, colour);
  cairo_rectangle(sheet->cairo, LEFT, y, WIDTH, thickness);
  cairo_fill(sheet->cairo);
}

/* --- pages --- */

static void draw_mark(AblakSheet *sheet)
{
  g_autoptr(PangoLayout) layout = layout_new(sheet, &remark_style, -1, sheet->options.mark);
  double width = layout_width(layout) + 14;
  use(sheet, remark_style.colour);
  cairo_set_line_width(sheet->cairo, 0.9);
  cairo_rectangle(sheet->cairo, PAGE_WIDTH - RIGHT - width, 66, width, 16);
  cairo_stroke(sheet->cairo);
  cairo_move_to(sheet->cairo, PAGE_WIDTH - RIGHT - width + 7, 77);
  pango_cairo_show_layout_line(sheet->cairo, pango_layout_get_line_readonly(layout, 0));
}

static void draw_frame(AblakSheet *sheet)
{
  const AblakSheetOptions *o = &sheet->options;
  use(sheet, accent);
  cairo_rectangle(sheet->cairo, LEFT, 36, 26, 3.2);
  cairo_fill(sheet->cairo);
  place_line(sheet, &small_strong_style, LEFT, 54, o->left);
  place_line(sheet, &small_strong_style, -RIGHT, 54, o->right);
  line_across(sheet, 60, 0.6, rule);
  if (o->mark != NULL)
    draw_mark(sheet);
  line_across(sheet, PAGE_HEIGHT - 58, 0.6, rule);
  place_line(sheet, &small_style, LEFT, PAGE_HEIGHT - 44, o->footer);
  g_autofree char *page = g_strdup_printf("%u", sheet->page);
  g_autofree char *pages = g_strdup_printf("%u", sheet->pages);
  g_autoptr(GString) text = g_string_new(o->page);
  g_string_replace(text, "{pages}", pages, 0);
  g_string_replace(text, "{page}", page, 0);
  place_line(sheet, &small_style, -RIGHT, PAGE_HEIGHT - 44, text->str);
}

static void next_page(AblakSheet *sheet)
{
  if (sheet->page > 0)
    cairo_show_page(sheet->cairo);
  sheet->page++;
  sheet->y = TOP;
  sheet->fresh = true;
  draw_frame(sheet);
}

static double room(const AblakSheet *sheet)
{
  return PAGE_HEIGHT - BOTTOM - sheet->y;
}

/* Begins a new page unless this much fits; a fresh page takes anything. */
static void need(AblakSheet *sheet, double height)
{
  if (room(sheet) < height && !sheet->fresh)
    next_page(sheet);
}

static void space(AblakSheet *sheet, double height)
{
  if (!sheet->fresh)
    sheet->y += height;
}

/* Lines one below the other, over as many pages as it takes; a tag never spans pages. */
static void flow(AblakSheet *sheet, const char *tag, const Style *style, double x, double width,
                 const char *text)
{
  g_autoptr(PangoLayout) layout = layout_new(sheet, style, width, text);
  double height = style->size * style->spacing;
  int count = pango_layout_get_line_count(layout);
  cairo_tag_begin(sheet->cairo, tag, NULL);
  for (int i = 0; i < count; i++) {
    if (room(sheet) < height) {
      cairo_tag_end(sheet->cairo, tag);
      next_page(sheet);
      cairo_tag_begin(sheet->cairo, tag, NULL);
    }
    use(sheet, style->colour);
    cairo_move_to(sheet->cairo, x, sheet->y + style->size);
    pango_cairo_show_layout_line(sheet->cairo, pango_layout_get_line_readonly(layout, i));
    sheet->y += height;
    sheet->fresh = false;
  }
  cairo_tag_end(sheet->cairo, tag);
}

static void outline(AblakSheet *sheet, const char *text, bool top)
{
  g_autofree char *place =
      g_strdup_printf("page=%u pos=[%d %d]", sheet->page, (int)LEFT, (int)MAX(0, sheet->y - 10));
  cairo_pdf_surface_add_outline(sheet->surface, CAIRO_PDF_OUTLINE_ROOT, text, place,
                                top ? CAIRO_PDF_OUTLINE_FLAG_BOLD : 0);
}

/* --- what stands on them --- */

void ablak_sheet_title(AblakSheet *sheet, const char *text, const char *subtitle)
{
  outline(sheet, text, true);
  flow(sheet, "H1", &title_style, LEFT, WIDTH - (sheet->options.mark != NULL ? 110 : 0), text);
  if (subtitle != NULL) {
    sheet->y += 3;
    flow(sheet, "P", &subtitle_style, LEFT, WIDTH, subtitle);
  }
  sheet->y += 10;
}

void ablak_sheet_heading(AblakSheet *sheet, const char *text)
{
  space(sheet, 16);
  need(sheet, 80);
  outline(sheet, text, false);
  flow(sheet, "H2", &heading_style, LEFT, WIDTH, text);
  sheet->y += 3;
  line_across(sheet, sheet->y, 1, accent);
  sheet->y += 7;
}

void ablak_sheet_subheading(AblakSheet *sheet, const char *text)
{
  space(sheet, 8);
  need(sheet, 60);
  flow(sheet, "H3", &subheading_style, LEFT, WIDTH, text);
  sheet->y += 3;
}

void ablak_sheet_paragraph(AblakSheet *sheet, const char *text)
{
  need(sheet, 2 * body_style.size * body_style.spacing);
  flow(sheet, "P", &body_style, LEFT, WIDTH, text);
  sheet->y += 9;
}

void ablak_sheet_note(AblakSheet *sheet, const char *text)
{
  g_autoptr(PangoLayout) layout = layout_new(sheet, &body_style, WIDTH - 26, text);
  double height = layout_height(layout, &body_style) + 14;
  space(sheet, 4);
  need(sheet, height);
  use(sheet, tint);
  cairo_rectangle(sheet->cairo, LEFT, sheet->y, WIDTH, height);
  cairo_fill(sheet->cairo);
  use(sheet, accent);
  cairo_rectangle(sheet->cairo, LEFT, sheet->y, 3, height);
  cairo_fill(sheet->cairo);
  sheet->y += 6;
  flow(sheet, "P", &body_style, LEFT + 15, WIDTH - 26, text);
  sheet->y += 14;
}

void ablak_sheet_row(AblakSheet *sheet, const char *label, const char *value, AblakSheetStyle style,
                     const char *remark)
{
  static const Style *const styles[] = {&body_style, &strong_style, &faint_style, &code_style};
  const Style *face = styles[style];
  double x = LEFT + LABEL_WIDTH + GUTTER, width = WIDTH - LABEL_WIDTH - GUTTER;
  g_autoptr(PangoLayout) measured = layout_new(sheet, &label_style, LABEL_WIDTH, label);
  g_autoptr(PangoLayout) body = layout_new(sheet, face, width, value);
  double label_height = layout_height(measured, &label_style);
  double whole = layout_height(body, face) + (remark != NULL ? 12 : 0);
  need(sheet, MAX(label_height, MIN(whole, 60)) + 8);
  double top = sheet->y;
  unsigned page = sheet->page;
  sheet->y = top + MAX(0, face->size - label_style.size); /* one base line */
  flow(sheet, "P", &label_style, LEFT, LABEL_WIDTH, label);
  double bottom = sheet->y;
  sheet->y = top;
  flow(sheet, "P", face, x, width, value);
  if (remark != NULL)
    flow(sheet, "P", &remark_style, x, width, remark);
  if (sheet->page == page)
    sheet->y = MAX(sheet->y, bottom);
  sheet->y += 3.5;
  line_across(sheet, sheet->y, 0.5, rule);
  sheet->y += 4.5;
}

/* --- the document --- */

/* fontconfig 2.14 loses one pattern while it reads its own configuration, once a process: read it
 * here, where the leak sanitizer can be told to look away. */
static void read_font_configuration(void)
{
  static gsize once;
  if (!g_once_init_enter(&once))
    return;
#ifdef LEAKS_ARE_FOUND
  __lsan_disable();
#endif
  FcInit();
#ifdef LEAKS_ARE_FOUND
  __lsan_enable();
#endif
  g_once_init_leave(&once, 1);
}

/* A font map of our own goes away with the document; the thread's default one never would. */
static PangoContext *pango_new(const char *language)
{
  read_font_configuration();
  g_autoptr(PangoFontMap) fonts = pango_cairo_font_map_new();
  PangoContext *context = pango_font_map_create_context(fonts);
  cairo_font_options_t *options = cairo_font_options_create();
  cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
  cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
  pango_cairo_context_set_font_options(context, options);
  cairo_font_options_destroy(options);
  pango_context_set_round_glyph_positions(context, FALSE); /* paper has no pixels */
  pango_context_set_language(context, pango_language_from_string(language));
  return context;
}

AblakSheet *ablak_sheet_new(const AblakSheetOptions *options, unsigned pages)
{
  AblakSheet *sheet = g_new0(AblakSheet, 1);
  sheet->options = *options;
  sheet->pages = pages;
  sheet->output = g_byte_array_new();
  sheet->surface =
      cairo_pdf_surface_create_for_stream(collect, sheet->output, PAGE_WIDTH, PAGE_HEIGHT);
  cairo_pdf_surface_set_metadata(sheet->surface, CAIRO_PDF_METADATA_TITLE, options->title);
  cairo_pdf_surface_set_metadata(sheet->surface, CAIRO_PDF_METADATA_AUTHOR, options->author);
  cairo_pdf_surface_set_metadata(sheet->surface, CAIRO_PDF_METADATA_CREATOR, "Ablak");
  if (options->created != NULL)
    cairo_pdf_surface_set_metadata(sheet->surface, CAIRO_PDF_METADATA_CREATE_DATE,
                                   options->created);
  sheet->cairo = cairo_create(sheet->surface);
  sheet->pango = pango_new(options->language);
  pango_cairo_update_context(sheet->cairo, sheet->pango);
  next_page(sheet);
  return sheet;
}

GBytes *ablak_sheet_finish(AblakSheet *sheet, unsigned *ret_pages, GError **error)
{
  cairo_show_page(sheet->cairo);
  cairo_status_t status = cairo_status(sheet->cairo);
  g_object_unref(sheet->pango);
  cairo_destroy(sheet->cairo);
  cairo_surface_finish(sheet->surface);
  if (status == CAIRO_STATUS_SUCCESS)
    status = cairo_surface_status(sheet->surface);
  cairo_surface_destroy(sheet->surface);
  if (ret_pages != NULL)
    *ret_pages = sheet->page;
  g_autoptr(GByteArray) output = sheet->output;
  const char *language = sheet->options.language;
  g_free(sheet);
  if (status == CAIRO_STATUS_SUCCESS)
    return ablak_sheet_complete_catalog(output, language, error);
  ablak_error_set(error, ABLAK_ERROR_FAILED, "filings/print", "cairo: %s",
                  cairo_status_to_string(status));
  return NULL;
}
