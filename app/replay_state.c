/*
 * replay_state - see replay_state.h. Same machine and same build only, as for snapshots. Whoever can write beside the tape
 * can write this file: its snapshot is checked as a keeper's is, and of the motion every number.
 */
#include "app/replay_state.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"
#include "common/log.h"
#include "common/mem.h"

struct file_head {
    char magic[8];
    uint32_t head_bytes, version;
    uint64_t identity;
    int64_t part, start_z;
    struct motion motion;
    double front;
    uint64_t snapshot_bytes; /* 0: none */
};

enum { VERSION = 1, HEAD_BYTES = 512 };
_Static_assert(sizeof(struct file_head) <= HEAD_BYTES && HEAD_BYTES % 64 == 0,
               "the snapshot begins behind it, aligned");

static const char magic[8] = "RVREPLY";

static bool is_motion(const struct motion *m)
{
    const double numbers[] = {m->degrees, m->speed, m->turn, m->x, m->y, m->seen_x, m->seen_y, m->until_s};
    const float wished[] = {m->wish.speed, m->wish.turn, m->wish.for_s, m->wish.x, m->wish.y};
    uint8_t rests; /* of a file, and perhaps no bool */
    bool good = isfinite(m->zoom) && m->zoom > 0;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        good = good && isfinite(numbers[i]);
    for (size_t i = 0; i < ARRAY_LEN(wished); i++)
        good = good && isfinite(wished[i]);
    memcpy(&rests, &m->rests, sizeof rests);
    return good && rests <= 1;
}

/* NULL: this is not ours; *why says what it is. */
static const struct file_head *look(const char *bytes, size_t size, uint64_t identity, const char **why)
{
    const struct file_head *h = (const void *)bytes;
    *why = "it is of another replay";
    if (size < HEAD_BYTES || memcmp(h->magic, magic, sizeof magic) != 0 || h->version != VERSION ||
        h->head_bytes != sizeof *h || h->identity != identity)
        return NULL;
    *why = "it is damaged";
    if (h->part < 1 || h->start_z < -1 || !is_motion(&h->motion) || !isfinite(h->front) ||
        h->snapshot_bytes != size - HEAD_BYTES)
        return NULL;
    return h;
}

/* A copy, aligned, of what a dream of these settings and this model can go on from; NULL: it is none, and *why says so. */
static struct snapshot *take_snapshot(const char *bytes, size_t size, const struct dream_config *c,
                                      const struct model *m, struct error *why)
{
    struct snapshot *s = buffer_alloc(size + SNAPSHOT_HEAD_BYTES); /* never less than a head */
    if (!s) {
        error_set(why, ENOMEM, "no memory");
        return NULL;
    }
    memcpy(s, bytes, size);
    if (snapshot_check(s, size, c, m, why) == 0)
        return s;
    free(s);
    return NULL;
}

/* False: nothing that could be used, and *why says what it is. */
static bool take(const char *bytes, size_t size, uint64_t identity, const struct dream_config *c,
                 const struct model *m, struct replay_state *s, struct error *why)
{
    const char *what;
    const struct file_head *h = look(bytes, size, identity, &what);
    if (!h) {
        error_set(why, EINVAL, "%s", what);
        return false;
    }
    if (h->snapshot_bytes > 0 &&
        !(s->kept.snapshot = take_snapshot(bytes + HEAD_BYTES, size - HEAD_BYTES, c, m, why)))
        return false;
    s->part = h->part;
    s->start_z = h->snapshot_bytes ? h->start_z : -1;
    s->kept.motion = h->motion;
    s->kept.front = h->front;
    return true;
}

void replay_state_read(const char *path, uint64_t identity, const struct dream_config *c,
                       const struct model *m, struct replay_state *s)
{
    char *bytes = NULL;
    size_t size = 0;
    struct error e = {""};
    *s = (struct replay_state){.start_z = -1, .kept.front = -1};
    int rc = file_read_all(path, HEAD_BYTES + snapshot_bytes(c), &bytes, &size, &e);
    if (rc < 0 && rc != -ENOENT)
        log_warn("replay", "%s: it begins with its first part", e.text);
    if (rc == 0 && !take(bytes, size, identity, c, m, s, &e))
        log_info("replay", "%s is not used: %s; the replay begins with its first part", path, e.text);
    free(bytes);
}

int replay_state_write(const char *path, uint64_t identity, const struct replay_state *s, struct error *e)
{
    size_t snapshot = s->kept.snapshot ? s->kept.snapshot->bytes : 0;
    char *bytes = buffer_alloc(HEAD_BYTES + snapshot);
    if (!bytes)
        return error_set(e, ENOMEM, "no memory to keep how far the replay is");
    memset(bytes, 0, HEAD_BYTES);
    struct file_head *h = (void *)bytes;
    memcpy(h->magic, magic, sizeof magic);
    h->head_bytes = sizeof *h;
    h->version = VERSION;
    h->identity = identity;
    h->part = s->part;
    h->start_z = s->start_z;
    h->motion = s->kept.motion;
    h->front = s->kept.front;
    h->snapshot_bytes = snapshot;
    if (snapshot)
        memcpy(bytes + HEAD_BYTES, s->kept.snapshot, snapshot);
    int rc = file_write_whole(path, bytes, HEAD_BYTES + snapshot, 0600, e);
    free(bytes);
    return rc;
}
