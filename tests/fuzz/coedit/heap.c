#include "heap.h"
#include <stddef.h>

/* of sanitizer/allocator_interface.h, which not every compiler brings */
int __sanitizer_install_malloc_and_free_hooks(void (*allocated)(const volatile void *, size_t),
                                              void (*freed)(const volatile void *))
    __attribute__((weak));
size_t __sanitizer_get_allocated_size(const volatile void *memory) __attribute__((weak));

static gint64 live, peak;

static void allocated(const volatile void *memory, size_t size)
{
  live += (gint64)size;
  peak = MAX(peak, live);
}

static void freed(const volatile void *memory)
{
  live -= memory != NULL ? (gint64)__sanitizer_get_allocated_size(memory) : 0;
}

void heap_watch(void)
{
  static gsize installed;
  if (__sanitizer_install_malloc_and_free_hooks != NULL && g_once_init_enter(&installed)) {
    __sanitizer_install_malloc_and_free_hooks(allocated, freed);
    g_once_init_leave(&installed, 1);
  }
  live = peak = 0;
}

gsize heap_peak(void)
{
  return (gsize)peak;
}

void heap_check(gsize input, gsize times)
{
  g_assert_cmpuint(heap_peak(), <=, times * input + 65536);
}
