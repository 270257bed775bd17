/*
 * cache - how large the cache is that this machine's cores share.
 */
#ifndef ENGINE_CPU_CACHE_H
#define ENGINE_CPU_CACHE_H

#include <stddef.h>

/* The folder in which Linux describes the caches of the first core. */
#define CPU_CACHE_FOLDER "/sys/devices/system/cpu/cpu0/cache"

/* Bytes of the last level that holds data, of the caches described in `folder`; 8 MB where nothing is said. Any
 * thread. */
size_t cpu_cache_bytes(const char *folder);

#endif
