/*
 * libFuzzer over what a dreamer's process says that has gone mad: packets over the socket, bytes in the shared memory, lines on
 * its stderr. Each begins with a byte that says which; what a picture or a state is must hold when it has come into the show.
 *
 *     0          16 bytes over the pixels of every slot
 *     1          the camera takes a picture, and hears what it was
 *     2          24 bytes on its stderr
 *     else % 14  a packet of that kind: as many bytes as belong to it, the missing ones zero; from 128 on cut short
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sys/socket.h>

#include "common/log.h"
#include "common/text.h"
#include "dreamer/supervisor_parts.h"
#include "tests/fuzz/fuzz.h"

enum { SIDE_PX = 8, CLASSES = 10, PIXEL_BYTES = 16, ERROR_BYTES = 24 };

static struct {
    const uint8_t *at;
    size_t left;
} input;

static struct {
    struct supervisor s;
    struct keyframes *keyframes;
    struct port *port;
    int socket_fd, errors_fd; /* the process's ends */
    int64_t z;                /* of the last picture that the camera has */
} show;

static size_t take(void *out, size_t bytes)
{
    size_t n = bytes < input.left ? bytes : input.left;
    memcpy(out, input.at, n);
    input.at += n;
    input.left -= n;
    return n;
}

static size_t bytes_of(int kind)
{
    static const struct wire_message m;
    static const size_t sizes[WIRE_KINDS] = {
        [WIRE_SETUP] = sizeof m.setup,     [WIRE_GO] = sizeof m.go,
        [WIRE_ANSWER] = sizeof m.answer,   [WIRE_TAKEN] = sizeof m.taken,
        [WIRE_REFUSED] = sizeof m.refused, [WIRE_ASK] = sizeof m.ask_s,
        [WIRE_PICTURE] = sizeof m.picture, [WIRE_STATE] = sizeof m.state,
        [WIRE_PULSE] = sizeof m.pulse,     [WIRE_SNAPSHOT] = sizeof m.snapshot,
        [WIRE_LOG] = sizeof m.log};
    return sizes[kind];
}

static void on_log(void *context, enum log_level level, const char *part, const char *text)
{
    (void)context, (void)level;
    must(strnlen(part, 64) < 64 && text_line_bytes(text, strlen(text)) == strlen(text),
         "it logs proper lines");
}

static bool open_ends(void)
{
    int ends[2], errors[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return false;
    show.s.process.socket_fd = ends[0];
    show.socket_fd = ends[1];
    if (pipe2(errors, O_CLOEXEC | O_NONBLOCK) < 0)
        return false;
    show.s.process.errors_fd = errors[0];
    show.errors_fd = errors[1];
    return true;
}

/* As supervisor_open and supervisor_begin leave it, but without a process and a thread. False: no memory. */
static bool open_show(void)
{
    static const struct model model = {.classes = CLASSES};
    static const struct port_target wish = {
        .number = 1, .request_id = 5, .count = 1, .caption = "goldfish  @ann"};
    static struct stats stats;
    struct supervisor *s = &show.s;
    struct error e = {""};
    if (keyframes_open(&show.keyframes, SIDE_PX, SIDE_PX, true) < 0 || port_open(&show.port) < 0)
        return false;
    port_shutdown(show.port); /* nobody answers, and nobody waits */
    s->p = (struct supervisor_params){.model = &model, .keyframes = show.keyframes, .stats = &stats};
    s->p.setup.has_frames = 1;
    s->p.setup.config.size = (struct option_size){SIDE_PX, SIDE_PX};
    s->port = show.port;
    s->place = -1;
    if (!open_ends() || wire_memory_make(&s->memory, &s->p.setup.config, true, &e) < 0)
        return false;
    s->intake = (struct intake){
        .keyframes = show.keyframes, .memory = &s->memory, .stats = &stats, .has_frames = true};
    intake_init(&s->intake);
    intake_target(&s->intake, &wish);
    vitals_init(&s->vitals, 60000000, 7);
    return true;
}

static void begin_show(void)
{
    show.s = (struct supervisor){.process = {.socket_fd = -1, .errors_fd = -1},
                                 .lock = PTHREAD_MUTEX_INITIALIZER,
                                 .changed = PTHREAD_COND_INITIALIZER};
    show.keyframes = NULL;
    show.port = NULL;
    show.socket_fd = show.errors_fd = -1;
    show.z = -1;
    log_set_writer(on_log, NULL);
}

static void close_show(void)
{
    const int fds[] = {show.s.process.socket_fd, show.s.process.errors_fd, show.socket_fd, show.errors_fd};
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    wire_memory_close(&show.s.memory);
    port_close(&show.port);
    keyframes_close(&show.keyframes);
}

static void check_pixels(const struct keyframe *k)
{
    for (int i = 0; i < 3 * SIDE_PX * SIDE_PX && !k->is_frame; i++)
        must(k->rgb[i] >= 0 && k->rgb[i] <= 255, "levels are levels");
}

static void take_picture(void)
{
    const struct keyframe *k = keyframes_next(show.keyframes, 0);
    if (!k)
        return;
    must(k->z_frames > show.z, "the camera goes on");
    must(strcmp(k->caption, "") == 0 || (strcmp(k->caption, "goldfish  @ann") == 0 && k->request_id == 5),
         "captions are the programme's");
    must(k->zoom_per_frame >= 0 && k->zoom_per_frame <= 16 && fabs(k->degrees_per_frame) <= 360 &&
             fabs(k->x) <= 0.5 && fabs(k->y) <= 0.5 && k->front <= 1,
         "it moves as a camera does");
    must(k->made.steps >= 0 && k->made.frames >= 0 && k->made.target <= 1, "it was made as pictures are");
    check_pixels(k);
    show.z = k->z_frames;
}

static void check_state(void)
{
    struct port_state state;
    port_state(show.port, &state);
    must(strnlen(state.backend, PORT_NAME_BYTES) < PORT_NAME_BYTES &&
             strnlen(state.hardware, PORT_NAME_BYTES) < PORT_NAME_BYTES,
         "names end");
    must(state.seen_count >= 0 && state.seen_count <= PORT_SEEN_MAX, "so many things are seen");
    for (int i = 0; i < state.seen_count; i++)
        must(state.seen[i].class_index >= 0 && state.seen[i].class_index < CLASSES,
             "all of them the model's");
    for (int i = 0; i < PORT_SUBJECTS_MAX; i++)
        must(isfinite(state.belief[i]), "beliefs are numbers");
    must(isfinite(state.lag_s) && isfinite(state.share) && isfinite(state.mean) && isfinite(state.contrast) &&
             isfinite(state.colour) && isfinite(state.extreme),
         "numbers are numbers");
    must(show.s.place >= -1 && show.s.place < SNAPSHOT_PLACES, "its snapshot is somewhere");
}

/* False: it lied, and is ended. */
static bool hear_packet(int choice)
{
    struct wire_message m = {.kind = choice % WIRE_KINDS}, got;
    size_t head = offsetof(struct wire_message, setup), whole = bytes_of(m.kind), n = take(&m.setup, whole);
    size_t sent = head + (choice >= 128 ? n / 2 : whole);
    must(send(show.socket_fd, &m, sent, MSG_DONTWAIT) == (ssize_t)sent, "there is room for a packet");
    int rc = wire_receive(show.s.process.socket_fd, &got);
    must(rc == (sent == head + whole && m.kind >= WIRE_SETUP ? 1 : -EPROTO), "a packet has its kind's size");
    if (rc != 1 || supervisor_hear(&show.s, &got))
        return false;
    while (recv(show.socket_fd, &m, sizeof m, MSG_DONTWAIT) > 0)
        ; /* what the show answers */
    return true;
}

static bool go_on(int choice)
{
    uint8_t bytes[ERROR_BYTES] = {0};
    if (choice == 0) {
        take(bytes, PIXEL_BYTES);
        for (int i = 0; i < keyframes_slots(true); i++)
            memcpy(show.s.memory.slots[i].rgb, bytes, PIXEL_BYTES);
        return true;
    }
    if (choice == 1) {
        take_picture();
        return supervisor_deliver(&show.s) == NULL;
    }
    if (choice != 2)
        return hear_packet(choice);
    size_t n = take(bytes, ERROR_BYTES);
    if (n > 0 && write(show.errors_fd, bytes, n) == (ssize_t)n)
        supervisor_read_errors(&show.s);
    return true;
}

static void play(const uint8_t *data, size_t size)
{
    bool is_believed = true;
    uint8_t choice;
    input.at = data;
    input.left = size;
    while (is_believed && take(&choice, 1) == 1) {
        is_believed = go_on(choice);
        check_state();
    }
    for (int i = 0; i < KEYFRAMES_SLOTS_MAX; i++)
        take_picture();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    begin_show();
    bool is_open = open_show();
    must(is_open, "the machine has room for a show");
    if (is_open)
        play(data, size);
    close_show();
    return 0;
}
