/*
 * replay_state - see replay_state.h. Same machine and same build only, as for snapshots.
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

static bool are_numbers(const struct motion *m)
{
    return isfinite(m->zoom) && isfinite(m->degrees) && isfinite(m->speed) && isfinite(m->turn) &&
           isfinite(m->x) && isfinite(m->y) && isfinite(m->seen_x) && isfinite(m->seen_y) &&
           isfinite(m->until_s) && m->zoom > 0;
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
    if (h->part < 1 || h->start_z < -1 || !are_numbers(&h->motion) || !isfinite(h->front) ||
        h->snapshot_bytes != size - HEAD_BYTES)
        return NULL;
    return h;
}

static int take_snapshot(const char *bytes, size_t size, const struct dream_config *c, struct replay_state *s)
{
    if (size < SNAPSHOT_HEAD_BYTES || size != snapshot_bytes(c))
        return -EINVAL;
    s->kept.snapshot = buffer_alloc(size);
    if (s->kept.snapshot)
        memcpy(s->kept.snapshot, bytes, size);
    return s->kept.snapshot ? 0 : -ENOMEM;
}

void replay_state_read(const char *path, uint64_t identity, const struct dream_config *c,
                       struct replay_state *s)
{
    char *bytes = NULL;
    size_t size = 0;
    struct error e = {""};
    const char *why = "";
    *s = (struct replay_state){.start_z = -1, .kept.front = -1};
    int rc = file_read_all(path, HEAD_BYTES + snapshot_bytes(c), &bytes, &size, &e);
    const struct file_head *h = rc == 0 ? look(bytes, size, identity, &why) : NULL;
    if (h && (h->snapshot_bytes == 0 || take_snapshot(bytes + HEAD_BYTES, size - HEAD_BYTES, c, s) == 0)) {
        s->part = h->part;
        s->start_z = h->snapshot_bytes ? h->start_z : -1;
        s->kept.motion = h->motion;
        s->kept.front = h->front;
    } else if (rc == 0) {
        log_info("replay", "%s is not used: %s; the replay begins with its first part", path, why);
    } else if (rc != -ENOENT) {
        log_warn("replay", "%s: it begins with its first part", e.text);
    }
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
