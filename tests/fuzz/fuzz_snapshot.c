/*
 * fuzz_snapshot - arbitrary bytes as the snapshot of a dream. The first byte says whether the bytes are taken as they
 * are, or laid over the head or the planes of a good one and sealed again, so that what is behind the checksum is
 * reached as well. Whatever is found good must be usable: all numbers finite, all counts in range.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/rng.h"
#include "dreamer/snapshot.h"
#include "tests/fuzz/fuzz.h"

static const struct model some_model = {.classes = 10};
static const struct dream_config small = {.size = {64, 64}, .profile = DREAM_MODERN};

static void use_snapshot(const struct snapshot *s, const float *planes)
{
    if (s->target.count < 0 || s->target.count > PORT_SUBJECTS_MAX || s->dream.moment < 0 ||
        strnlen(s->target.caption, sizeof s->target.caption) == sizeof s->target.caption)
        abort();
    for (size_t i = 0; i < dream_state_floats(&small); i++)
        if (!isfinite(planes[i]))
            abort();
}

static void check_snapshot(const void *bytes, size_t size)
{
    struct error e = {""};
    if (snapshot_check(bytes, size, &small, &some_model, &e) == 0)
        use_snapshot(bytes, (const float *)((const char *)bytes + SNAPSHOT_HEAD_BYTES));
    else if (!e.text[0])
        abort();
}

/* A good one, as far as sizes and model go. */
static struct snapshot *make_snapshot(uint64_t classes)
{
    size_t size = snapshot_bytes(&small);
    struct snapshot *s = buffer_alloc(size);
    if (!s)
        abort();
    memset(s, 0, size);
    s->dream =
        (struct dream_state){.classes = classes, .width_px = 64, .height_px = 64, .profile = DREAM_MODERN};
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    size_t bytes = snapshot_bytes(&small), rest = size - 1;
    if (data[0] % 4 == 0) { /* as they are, nothing behind them */
        void *exact = buffer_alloc(rest + !rest);
        if (!exact)
            abort();
        memcpy(exact, data + 1, rest);
        check_snapshot(exact, rest);
        free(exact);
        return 0;
    }
    struct snapshot *s = make_snapshot(rng_mix((uint64_t)some_model.classes));
    size_t at = data[0] % 4 == 1 ? offsetof(struct snapshot, dream) : SNAPSHOT_HEAD_BYTES;
    if (data[0] % 4 == 3)
        at = offsetof(struct snapshot, z_frames);
    memcpy((char *)s + at, data + 1, rest < bytes - at ? rest : bytes - at);
    snapshot_seal(s, &small);
    check_snapshot(s, bytes);
    free(s);
    return 0;
}
