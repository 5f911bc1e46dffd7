/* How much memory a call takes at most: all that is allocated in between, by whom ever. Works in
 * builds with AddressSanitizer, whose hooks it uses; elsewhere it measures nothing. */
#pragma once
#include <glib.h>

void heap_watch(void);
/* The most that was held at once since heap_watch, beyond what was held then. */
gsize heap_peak(void);
/* Fails when that is more than `times` bytes for every byte of input, and 64 KiB. */
void heap_check(gsize input, gsize times);
