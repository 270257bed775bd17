/*
 * read_behind - letting go of weights that have been read and lie in a mapped file. Their pages are the file's: who reads
 * them again gets them from there. A file of its own, since what hashes and packs layers needs no more of a model.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "engine/model/model.h"

void model_read_behind(const struct model_layer *l, size_t first, size_t count)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = (uintptr_t)(l->weight + first);
    uintptr_t end = (uintptr_t)(l->weight + first + count);
    begin = begin / page * page;
    if (l->is_in_file && begin < end)
        madvise((void *)begin, end - begin, MADV_DONTNEED);
}
