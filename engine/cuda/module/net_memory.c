/*
 * net_memory - see net_memory.h.
 *
 * The file is two lines (what it is, what it is about) and records: a line with checksum, kind and size, then
 * so many bytes and a line's end. A plan's bytes are its problem on a line and cuDNN's text; a shunned engine
 * is one line. In memory it is the same text; finding is reading through it.
 */
#include "engine/cuda/module/net_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mem.h"

#define FIRST_LINE "reverie engines 2\n"
enum { BYTES_MOST = 256 << 20, LINE_BYTES = 1024 };

struct net_memory {
    char path[PATH_MAX]; /* "": there is no place for it */
    char about[256];     /* second line */
    char *text;          /* records that are whole */
    size_t bytes;
    bool is_new; /* differs from the file */
};

/* A record in the text. */
struct record {
    char kind[8];
    const char *data;
    size_t bytes;
};

/* FNV-1a (Fowler, Noll, Vo): for damage, not for malice. */
static uint64_t checksum(const char *data, size_t bytes)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < bytes; i++)
        h = (h ^ (uint8_t)data[i]) * 0x100000001b3u;
    return h;
}

/* ---- Records ---- */

/* The record at *at, which moves behind it; false: there is none, or none that is whole. */
static bool next(const char *text, size_t bytes, size_t *at, struct record *r)
{
    char line[80];
    uint64_t sum;
    const char *end = *at < bytes ? memchr(text + *at, '\n', bytes - *at) : NULL;
    size_t length = end ? (size_t)(end - (text + *at)) : sizeof line;
    if (length >= sizeof line)
        return false;
    memcpy(line, text + *at, length);
    line[length] = '\0';
    if (sscanf(line, "%16" SCNx64 " %7[a-z] %zu", &sum, r->kind, &r->bytes) != 3)
        return false;
    size_t left = bytes - (*at + length + 1);
    r->data = end + 1;
    if (left == 0 || r->bytes > left - 1 || r->data[r->bytes] != '\n' || checksum(r->data, r->bytes) != sum)
        return false;
    *at += length + 1 + r->bytes + 1;
    return true;
}

static void append(struct net_memory *m, const char *kind, const char *head, const char *data, size_t bytes)
{
    size_t head_bytes = strlen(head), all = head_bytes + bytes;
    char *record = xmalloc(all + 1);
    memcpy(record, head, head_bytes);
    if (bytes)
        memcpy(record + head_bytes, data, bytes);
    char *line = xasprintf("%016" PRIx64 " %s %zu\n", checksum(record, all), kind, all);
    size_t line_bytes = strlen(line);
    m->text = xrealloc(m->text, m->bytes + line_bytes + all + 1);
    memcpy(m->text + m->bytes, line, line_bytes);
    memcpy(m->text + m->bytes + line_bytes, record, all);
    m->bytes += line_bytes + all + 1;
    m->text[m->bytes - 1] = '\n';
    m->is_new = true;
    free(line);
    free(record);
}

/* ---- The file ---- */

/* $XDG_CACHE_HOME/reverie/engines-<hash>, by the XDG Base Directory Specification; "" when there is no home. */
static void choose_path(struct net_memory *m)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    uint64_t hash = checksum(m->about, strlen(m->about));
    bool has_cache = cache && cache[0] == '/';
    if (!has_cache && (!home || home[0] != '/'))
        return;
    int n = snprintf(m->path, sizeof m->path, "%s%s/reverie/engines-%016" PRIx64, has_cache ? cache : home,
                     has_cache ? "" : "/.cache", hash);
    if (n >= (int)sizeof m->path)
        m->path[0] = '\0';
}

static void make_folders(const char *path)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(folder, 0700); /* what is there already is fine; what is missing shows when opening */
        *slash = '/';
    }
}

/* The whole file, or NULL with errno: nobody else may have written to it. */
static char *read_whole(const char *path, size_t *bytes)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    char *text = NULL;
    *bytes = 0;
    if (fd < 0)
        return NULL;
    bool is_ours = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
                   (st.st_mode & 022) == 0 && st.st_size <= BYTES_MOST;
    if (is_ours) {
        text = xmalloc((size_t)st.st_size + 1);
        for (ssize_t n = 1; n > 0 && *bytes<(size_t)st.st_size; *bytes += n> 0 ? (size_t)n : 0)
            n = read(fd, text + *bytes, (size_t)st.st_size - *bytes);
    }
    errno = is_ours ? 0 : EPERM;
    close(fd);
    return text;
}

/* Takes the records that are whole. */
static void load(struct net_memory *m)
{
    size_t bytes, head = strlen(FIRST_LINE), about = strlen(m->about), at = 0;
    char *text = read_whole(m->path, &bytes);
    struct record r;
    if (!text) {
        if (errno != ENOENT)
            log_warn("dream", "%s: %s; the GPU is tuned anew", m->path, strerror(errno));
        return;
    }
    bool is_it = bytes >= head + about && memcmp(text, FIRST_LINE, head) == 0 &&
                 memcmp(text + head, m->about, about) == 0;
    size_t first = is_it ? head + about : bytes;
    while (next(text + first, bytes - first, &at, &r))
        continue;
    if (!is_it || first + at != bytes)
        log_warn("dream", "%s is damaged; what is whole in it is used, the rest is tuned anew", m->path);
    m->text = xmalloc(at + 1);
    memcpy(m->text, text + first, at);
    m->bytes = at;
    free(text);
}

static bool write_all(int fd, const char *data, size_t bytes)
{
    while (bytes > 0) {
        ssize_t n = write(fd, data, bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        data += n;
        bytes -= (size_t)n;
    }
    return true;
}

/* Beside the old one, then in its place: whoever reads sees one or the other. */
static bool save(struct net_memory *m)
{
    char part[PATH_MAX + 16];
    if (!m->path[0])
        return false;
    make_folders(m->path);
    snprintf(part, sizeof part, "%s.%ld", m->path, (long)getpid());
    (void)unlink(part);
    int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool is_written = fd >= 0 && write_all(fd, FIRST_LINE, strlen(FIRST_LINE)) &&
                      write_all(fd, m->about, strlen(m->about)) && write_all(fd, m->text, m->bytes);
    if (fd >= 0 && close(fd) < 0)
        is_written = false;
    is_written = is_written && rename(part, m->path) == 0;
    if (!is_written) {
        log_warn("dream", "%s cannot be written (%s); the GPU will be tuned anew next time", m->path,
                 strerror(errno));
        (void)unlink(part);
    }
    m->is_new = m->is_new && !is_written;
    return is_written;
}

void net_memory_open(struct net_memory **out, const struct cuda_device *d)
{
    struct net_memory *m = *out = xcalloc(1, sizeof *m);
    int driver = 0;
    (void)cudaDriverGetVersion(&driver);
    snprintf(m->about, sizeof m->about, "%s; sm %d; %d multiprocessors; driver %d; CUDA %d; cuDNN %zu\n",
             d->name, d->sm, d->multiprocessors, driver, CUDART_VERSION, cudnnGetVersion());
    choose_path(m);
    if (m->path[0])
        load(m);
}

void net_memory_close(struct net_memory **out)
{
    struct net_memory *m = *out;
    if (!m)
        return;
    if (m->is_new)
        (void)save(m);
    free(m->text);
    free(m);
    *out = NULL;
}

/* ---- Plans ---- */

static void write_problem(char line[LINE_BYTES], const struct cuda_conv *c, bool has_epilogue)
{
    snprintf(line, LINE_BYTES, "%s %s precision %d, %dx%d, %d to %d", c->is_backward ? "backward" : "forward",
             has_epilogue ? "whole" : "bare", (int)c->precision, c->w, c->h, c->in, c->out);
}

void net_memory_add(struct net_memory *m, const struct net_solved *s)
{
    char problem[LINE_BYTES], head[LINE_BYTES + 64], *text;
    int64_t bytes;
    write_problem(problem, &s->problem, s->has_epilogue);
    snprintf(head, sizeof head, "%s; kind %d, %.3f us\n", problem,
             (s->problem.is_fused ? NET_FUSED : 0) | (s->problem.is_turned ? NET_TURNED : 0), (double)s->us);
    if (cuda_conv_plan_write(s->plan, &text, &bytes) != CUDNN_STATUS_SUCCESS)
        return; /* it is found again next time */
    append(m, "plan", head, text, (size_t)bytes);
    free(text);
}

/* Reads a plan's record; false: it is about another problem. */
static bool read_plan(const struct record *r, const char *problem, int *kind, float *us, size_t *head)
{
    char line[LINE_BYTES + 64];
    const char *end = memchr(r->data, '\n', r->bytes);
    size_t length = end ? (size_t)(end - r->data) : sizeof line, known = strlen(problem);
    if (strcmp(r->kind, "plan") != 0 || length >= sizeof line || length < known ||
        memcmp(r->data, problem, known) != 0)
        return false;
    memcpy(line, r->data, length);
    line[length] = '\0';
    *head = length + 1;
    return sscanf(line + known, "; kind %d, %f us", kind, us) == 2 && *kind >= 0 && *kind < NET_KINDS;
}

bool net_memory_find(const struct net_memory *m, const struct net_task *task, struct net_solved *out)
{
    char problem[LINE_BYTES];
    const struct cuda_conv_target target = {task->net->device->cudnn, NULL};
    struct record r;
    size_t at = 0, head;
    write_problem(problem, &task->problem, task->has_epilogue);
    while (next(m->text, m->bytes, &at, &r)) {
        int64_t workspace_bytes;
        int kind;
        float us;
        if (!read_plan(&r, problem, &kind, &us, &head))
            continue;
        cudnnStatus_t status = cuda_conv_plan_read(&target, r.data + head, (int64_t)(r.bytes - head),
                                                   &out->plan, &workspace_bytes);
        if (status == CUDNN_STATUS_SUCCESS && workspace_bytes <= (int64_t)task->net->plan.workspace_bytes) {
            out->problem = net_problem_of(task, kind);
            out->us = us;
            return true;
        }
        if (out->plan)
            (void)cudnnBackendDestroyDescriptor(out->plan);
        out->plan = NULL;
    }
    return false;
}

/* ---- Engines to keep away from ---- */

static void write_engine(char line[LINE_BYTES], const struct cuda_conv *c, const struct net_engine *e)
{
    int n = snprintf(line, LINE_BYTES, "kind %d %s precision %d, engine %" PRId64, e->kind,
                     c->is_backward ? "backward" : "forward", (int)c->precision, e->engine.index);
    for (int i = 0; i < e->engine.knob_count && n < LINE_BYTES; i++)
        n += snprintf(line + n, (size_t)(LINE_BYTES - n), ", %" PRId64 " = %" PRId64, e->engine.knobs[i].type,
                      e->engine.knobs[i].value);
}

bool net_memory_shun(struct net_memory *m, const struct cuda_conv *problem, const struct net_engine *e)
{
    char line[LINE_BYTES];
    write_engine(line, problem, e);
    log_warn("dream", "an engine of cuDNN lost the GPU (%s); it will not be tried again", line);
    append(m, "shun", line, NULL, 0);
    return save(m);
}

bool net_memory_shuns(const struct net_memory *m, const struct cuda_conv *problem, const struct net_engine *e)
{
    char line[LINE_BYTES];
    struct record r;
    size_t at = 0;
    write_engine(line, problem, e);
    while (next(m->text, m->bytes, &at, &r))
        if (strcmp(r.kind, "shun") == 0 && r.bytes == strlen(line) && memcmp(r.data, line, r.bytes) == 0)
            return true;
    return false;
}
