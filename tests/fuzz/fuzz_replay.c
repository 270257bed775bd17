/*
 * libFuzzer over the file that says how far a replay in parts has come. It lies beside the tape, where others may write. The first
 * byte says whether the bytes are the file, or are laid over a good one: over its head, from the place that the second byte
 * names, or over the head of its snapshot, which is sealed again so that what is behind the checksum is reached as well.
 * Whatever is taken must be something that a dream can go on from.
 */
#include <math.h>

#include "app/replay_state.h"
#include "common/file.h"
#include "common/log.h"
#include "common/rng.h"
#include "tests/fuzz/fuzz.h"

enum { IDENTITY = 7, HEAD_BYTES = 512 };

static const struct model some_model = {.classes = 10};
static const struct dream_config small = {.size = {64, 64}, .profile = DREAM_MODERN};

/* A good file, and its bytes; NULL: no memory. Made once. */
static const uint8_t *good_file(size_t *bytes)
{
    static char *file;
    static size_t file_bytes;
    char path[] = "/dev/shm/reverie-fuzz-XXXXXX";
    struct error e = {""};
    *bytes = file_bytes;
    if (file)
        return (const uint8_t *)file;
    struct replay_state state = {.part = 3, .start_z = 9, .kept.front = -1};
    struct snapshot *s = state.kept.snapshot = buffer_alloc(snapshot_bytes(&small));
    int fd = s ? mkstemp(path) : -1;
    if (fd >= 0) {
        close(fd);
        memset(s, 0, snapshot_bytes(&small));
        s->dream = (struct dream_state){.classes = rng_mix((uint64_t)some_model.classes),
                                        .width_px = 64,
                                        .height_px = 64,
                                        .profile = DREAM_MODERN};
        snapshot_seal(s, &small);
        motion_init(&state.kept.motion, 1.01, 0.1);
        if (replay_state_write(path, IDENTITY, &state, &e) == 0 &&
            file_read_all(path, HEAD_BYTES + snapshot_bytes(&small), &file, &file_bytes, &e) < 0)
            file = NULL;
        remove(path);
    }
    free(s);
    *bytes = file_bytes;
    return (const uint8_t *)file;
}

static void check_motion(const struct motion *m)
{
    must(isfinite(m->zoom) && m->zoom > 0 && isfinite(m->speed) && isfinite(m->turn) &&
             isfinite(m->until_s) && isfinite(m->x) && isfinite(m->y) && isfinite(m->wish.speed) &&
             isfinite(m->wish.turn) && isfinite(m->wish.x) && isfinite(m->wish.y),
         "the camera's numbers are numbers");
    must(m->rests || !m->rests, "and it rests or does not");
}

static void read_it(const uint8_t *bytes, size_t size, bool is_good)
{
    struct replay_state s;
    struct error e = {""};
    struct fuzz_file f = fuzz_file_open(bytes, size);
    replay_state_read(f.path, IDENTITY, &small, &some_model, &s);
    must(s.part >= 0 && s.start_z >= -1, "a part is one");
    must(!is_good || (s.part == 3 && s.start_z == 9 && s.kept.snapshot), "a good one is taken");
    must(s.part > 0 || !s.kept.snapshot, "where nothing is taken, all begins anew");
    if (s.part > 0)
        check_motion(&s.kept.motion);
    must(!s.kept.snapshot ||
             snapshot_check(s.kept.snapshot, snapshot_bytes(&small), &small, &some_model, &e) == 0,
         "a dream can go on from its snapshot");
    free(s.kept.snapshot);
    fuzz_file_close(&f);
}

/* `data` over the good file from byte `at` on. */
static void lay_over(const uint8_t *data, size_t size, size_t at, bool is_sealed)
{
    size_t bytes;
    const uint8_t *good = good_file(&bytes);
    uint8_t *file = good ? buffer_alloc(bytes) : NULL;
    must(file != NULL, "the machine has room for a good one");
    if (!file)
        return;
    memcpy(file, good, bytes);
    memcpy(file + at, data, size < bytes - at ? size : bytes - at);
    if (is_sealed)
        snapshot_seal((struct snapshot *)(void *)(file + HEAD_BYTES), &small);
    read_it(file, bytes, size == 0);
    free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    log_set_level(LOG_ERROR);
    if (size < 2)
        return 0;
    const uint8_t *rest = data + 2;
    size -= 2;
    if (data[0] % 4 == 0)
        read_it(rest, size, false);
    else if (data[0] % 4 == 1)
        lay_over(rest, size < HEAD_BYTES - 256 ? size : HEAD_BYTES - 256, data[1], false);
    else
        lay_over(rest, size,
                 HEAD_BYTES + (data[0] % 4 == 2 ? offsetof(struct snapshot, dream)
                                                : offsetof(struct snapshot, z_frames)),
                 true);
    return 0;
}
