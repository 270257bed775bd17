/*
 * withdrawn - see withdrawn.h.
 */
#include "stream/withdrawn.h"

void withdrawn_add(struct withdrawn *w, int64_t request_id)
{
    atomic_store(&w->said[atomic_fetch_add(&w->claimed, 1) % WITHDRAWN_MAX], request_id);
    atomic_fetch_add(&w->count, 1);
}

int withdrawn_learn(struct withdrawn *w, int64_t ids[WITHDRAWN_MAX])
{
    unsigned now = atomic_load(&w->count);
    int count = 0;
    if (now == w->learned)
        return 0;
    w->learned = now;
    for (int i = 0; i < WITHDRAWN_MAX; i++) {
        int64_t request_id = atomic_load(&w->said[i]);
        if (request_id != w->known[i])
            ids[count++] = w->known[i] = request_id;
    }
    return count;
}

bool withdrawn_is(const struct withdrawn *w, int64_t request_id)
{
    for (int i = 0; request_id != 0 && w->learned > 0 && i < WITHDRAWN_MAX; i++)
        if (w->known[i] == request_id)
            return true;
    return false;
}
