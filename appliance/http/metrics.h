/* http/metrics.h: counters and gauges, given out as Prometheus text (version 0.0.4).
 * Threads: counting from any thread; lock-free. Names are static strings. */
#pragma once
#include <glib.h>

typedef struct AblakMetric AblakMetric;
/* One metric a name; registering a name again returns the same one. `labels` like
 * "listener=\"people\"" or NULL. Metrics live as long as the process. */
AblakMetric *ablak_metric_counter(const char *name, const char *labels, const char *help);
AblakMetric *ablak_metric_gauge(const char *name, const char *labels, const char *help);
/* Durations, given in ms and exposed in seconds; the name ends in "_seconds". */
AblakMetric *ablak_metric_histogram(const char *name, const char *labels, const char *help);
void ablak_metric_observe(AblakMetric *metric, gint64 value_ms);
void ablak_metric_add(AblakMetric *metric, gint64 amount);
void ablak_metric_set(AblakMetric *metric, gint64 value);
gint64 ablak_metric_value(AblakMetric *metric);
/* Free with g_free. */
char *ablak_metrics_text(void);
