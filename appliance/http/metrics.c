#include "http/metrics.h"
#include <string.h>

typedef enum { COUNTER, GAUGE, HISTOGRAM } Kind;

static const gint64 bounds_ms[] = {1, 5, 10, 25, 50, 100, 250, 500, 1000, 5000};
#define BUCKETS G_N_ELEMENTS(bounds_ms)

struct AblakMetric {
  Kind kind;
  const char *name, *help;
  char *labels; /* NULL: none */
  gint64 value; /* a histogram's sum */
  gint64 count, buckets[BUCKETS];
  AblakMetric *next;
};

/* Metrics live as long as the process; the list is only ever extended at its end. */
static GMutex lock;
static AblakMetric *first;

static AblakMetric *registered(Kind kind, const char *name, const char *labels, const char *help)
{
  g_mutex_lock(&lock);
  AblakMetric **at = &first;
  while (*at != NULL && (strcmp((*at)->name, name) != 0 || g_strcmp0((*at)->labels, labels) != 0))
    at = &(*at)->next;
  if (*at == NULL) {
    AblakMetric *metric = g_new0(AblakMetric, 1);
    metric->kind = kind;
    metric->name = name;
    metric->help = help;
    metric->labels = g_strdup(labels);
    __atomic_store_n(at, metric, __ATOMIC_RELEASE);
  }
  AblakMetric *found = *at;
  g_mutex_unlock(&lock);
  return found;
}

AblakMetric *ablak_metric_counter(const char *name, const char *labels, const char *help)
{
  return registered(COUNTER, name, labels, help);
}

AblakMetric *ablak_metric_gauge(const char *name, const char *labels, const char *help)
{
  return registered(GAUGE, name, labels, help);
}

AblakMetric *ablak_metric_histogram(const char *name, const char *labels, const char *help)
{
  return registered(HISTOGRAM, name, labels, help);
}

void ablak_metric_add(AblakMetric *metric, gint64 amount)
{
  __atomic_add_fetch(&metric->value, amount, __ATOMIC_RELAXED);
}

void ablak_metric_set(AblakMetric *metric, gint64 value)
{
  __atomic_store_n(&metric->value, value, __ATOMIC_RELAXED);
}

gint64 ablak_metric_value(AblakMetric *metric)
{
  return __atomic_load_n(&metric->value, __ATOMIC_RELAXED);
}

void ablak_metric_observe(AblakMetric *metric, gint64 value_ms)
{
  for (gsize i = 0; i < BUCKETS; i++)
    if (value_ms <= bounds_ms[i])
      __atomic_add_fetch(&metric->buckets[i], 1, __ATOMIC_RELAXED);
  __atomic_add_fetch(&metric->count, 1, __ATOMIC_RELAXED);
  ablak_metric_add(metric, value_ms);
}

static void append_histogram(GString *text, AblakMetric *metric)
{
  const char *labels = metric->labels != NULL ? metric->labels : "";
  const char *comma = metric->labels != NULL ? "," : "";
  gint64 count = __atomic_load_n(&metric->count, __ATOMIC_RELAXED);
  for (gsize i = 0; i < BUCKETS; i++)
    g_string_append_printf(text, "%s_bucket{%s%sle=\"%g\"} %" G_GINT64_FORMAT "\n", metric->name,
                           labels, comma, (double)bounds_ms[i] / 1000,
                           __atomic_load_n(&metric->buckets[i], __ATOMIC_RELAXED));
  g_string_append_printf(text, "%s_bucket{%s%sle=\"+Inf\"} %" G_GINT64_FORMAT "\n", metric->name,
                         labels, comma, count);
  const char *open = metric->labels != NULL ? "{" : "", *close = metric->labels != NULL ? "}" : "";
  g_string_append_printf(text, "%s_sum%s%s%s %.3f\n", metric->name, open, labels, close,
                         (double)ablak_metric_value(metric) / 1000);
  g_string_append_printf(text, "%s_count%s%s%s %" G_GINT64_FORMAT "\n", metric->name, open, labels,
                         close, count);
}

static void append_samples(GString *text, AblakMetric *metric)
{
  if (metric->kind == HISTOGRAM) {
    append_histogram(text, metric);
    return;
  }
  g_string_append(text, metric->name);
  if (metric->labels != NULL)
    g_string_append_printf(text, "{%s}", metric->labels);
  g_string_append_printf(text, " %" G_GINT64_FORMAT "\n", ablak_metric_value(metric));
}

/* The format wants all samples of a name together, after its HELP and TYPE. */
char *ablak_metrics_text(void)
{
  static const char *const kinds[] = {"counter", "gauge", "histogram"};
  GString *text = g_string_new(NULL);
  g_autoptr(GHashTable) done = g_hash_table_new(g_str_hash, g_str_equal);
  for (AblakMetric *metric = __atomic_load_n(&first, __ATOMIC_ACQUIRE); metric != NULL;
       metric = __atomic_load_n(&metric->next, __ATOMIC_ACQUIRE)) {
    if (!g_hash_table_add(done, (gpointer)metric->name))
      continue;
    g_string_append_printf(text, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help,
                           metric->name, kinds[metric->kind]);
    for (AblakMetric *same = metric; same != NULL;
         same = __atomic_load_n(&same->next, __ATOMIC_ACQUIRE))
      if (strcmp(same->name, metric->name) == 0)
        append_samples(text, same);
  }
  return g_string_free(text, FALSE);
}
