/*
 * wire - see wire.h.
 */
#include "dreamer/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"

enum { HEAD_BYTES = offsetof(struct wire_message, setup), PAGE_BYTES = 4096 };

#define SIZE_OF(member) sizeof(((struct wire_message *)0)->member)
static const size_t sizes[WIRE_KINDS] = {
    [WIRE_SETUP] = SIZE_OF(setup),
    [WIRE_GO] = SIZE_OF(go),
    [WIRE_ANSWER] = SIZE_OF(answer),
    [WIRE_TAKEN] = SIZE_OF(taken),
    [WIRE_STOP] = 0,
    [WIRE_READY] = 0,
    [WIRE_REFUSED] = SIZE_OF(refused),
    [WIRE_ASK] = SIZE_OF(ask_s),
    [WIRE_PICTURE] = SIZE_OF(picture),
    [WIRE_STATE] = SIZE_OF(state),
    [WIRE_PULSE] = SIZE_OF(pulse),
    [WIRE_SNAPSHOT] = SIZE_OF(snapshot),
    [WIRE_LOG] = SIZE_OF(log),
};

int wire_send(int fd, const struct wire_message *m, bool waits)
{
    size_t bytes = HEAD_BYTES + sizes[m->kind];
    ssize_t n;
    do
        n = send(fd, m, bytes, MSG_NOSIGNAL | (waits ? 0 : MSG_DONTWAIT));
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

/* Whoever sent it, texts end. */
static void end_texts(struct wire_message *m)
{
    switch (m->kind) {
    case WIRE_REFUSED:
        m->refused[sizeof m->refused - 1] = '\0';
        break;
    case WIRE_PICTURE:
        m->picture.caption[sizeof m->picture.caption - 1] = '\0';
        break;
    case WIRE_STATE:
        m->state.backend[sizeof m->state.backend - 1] = '\0';
        m->state.hardware[sizeof m->state.hardware - 1] = '\0';
        break;
    case WIRE_LOG:
        m->log.part[sizeof m->log.part - 1] = '\0';
        m->log.text[sizeof m->log.text - 1] = '\0';
        break;
    default:
        break;
    }
}

int wire_receive(int fd, struct wire_message *m)
{
    ssize_t n;
    do
        n = recv(fd, m, sizeof *m, MSG_DONTWAIT | MSG_TRUNC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN ? 0 : errno == ECONNRESET ? -EPIPE : -errno;
    if (n == 0)
        return -EPIPE;
    if ((size_t)n < HEAD_BYTES || m->kind < WIRE_SETUP || m->kind >= WIRE_KINDS ||
        (size_t)n != HEAD_BYTES + sizes[m->kind])
        return -EPROTO;
    end_texts(m);
    return 1;
}

/* ---- the memory: a page for the position, the slots, the snapshots; each from a page's beginning ---- */

static size_t whole_pages(size_t bytes)
{
    return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

/* Bytes in all; `m` (may be NULL) gets its pointers. */
static size_t lay_out(struct wire_memory *m, const struct dream_config *c, bool has_frames)
{
    size_t pixels = (size_t)c->size.width_px * (size_t)c->size.height_px, at = PAGE_BYTES;
    size_t rgb = whole_pages(3 * pixels * sizeof(float)), nv12 = has_frames ? whole_pages(pixels / 2 * 3) : 0;
    char *base = m ? m->at : NULL;
    if (m)
        m->position = m->at;
    for (int i = 0; i < keyframes_slots(has_frames); i++, at += rgb + nv12)
        if (m)
            m->slots[i] = (struct keyframe_memory){(float *)(void *)(base + at),
                                                   nv12 ? (uint8_t *)base + at + rgb : NULL};
    for (int i = 0; i < SNAPSHOT_PLACES; i++, at += whole_pages(snapshot_bytes(c)))
        if (m)
            m->places[i] = (struct snapshot *)(base + at);
    return at;
}

static int map(struct wire_memory *m, int fd, const struct dream_config *c, bool has_frames)
{
    m->bytes = lay_out(NULL, c, has_frames);
    void *at = mmap(NULL, m->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED)
        return -errno;
    m->at = at;
    lay_out(m, c, has_frames);
    return 0;
}

int wire_memory_make(struct wire_memory *m, const struct dream_config *c, bool has_frames, struct error *e)
{
    size_t bytes = lay_out(NULL, c, has_frames);
    *m = (struct wire_memory){.fd = memfd_create("reverie-dream", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    int rc = m->fd < 0 ? -errno : 0;
    if (rc == 0 && (ftruncate(m->fd, (off_t)bytes) < 0 ||
                    fcntl(m->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0))
        rc = -errno;
    if (rc == 0)
        rc = map(m, m->fd, c, has_frames);
    if (rc == 0)
        return 0;
    wire_memory_close(m);
    return error_set(e, ECHILD, "no %zu MB of memory to share with it: %s", (bytes >> 20) + 1, strerror(-rc));
}

int wire_memory_map(struct wire_memory *m, int fd, const struct dream_config *c, bool has_frames)
{
    struct stat st;
    *m = (struct wire_memory){.fd = -1};
    if (fstat(fd, &st) < 0)
        return -errno;
    return (size_t)st.st_size == lay_out(NULL, c, has_frames) ? map(m, fd, c, has_frames) : -EINVAL;
}

void wire_memory_close(struct wire_memory *m)
{
    if (m->at)
        munmap(m->at, m->bytes);
    if (m->fd > 0) /* a show never has its stdin there */
        close(m->fd);
    *m = (struct wire_memory){.fd = -1};
}
