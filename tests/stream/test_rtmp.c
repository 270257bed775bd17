/*
 * RTMP against servers that work, die, hang up and stall. What works is played by the ffmpeg program in its
 * listening mode; without it those tests are skipped. Everything is on the loopback device.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/log.h"
#include "stream/av_log.h"
#include "stream/sink.h"
#include "tests/stream/media.h"

#define KEY "live_0123456789_secret"

enum { FRAME_US = 10000 }; /* four times as fast as a show, to keep this short */

/* ---- servers ---- */

/* A listening socket on a free port; connections stay in its backlog, accepted by nobody but the kernel. */
static int listen_on(int *port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)*port)};
    socklen_t size = sizeof a;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&a, size) < 0 || listen(fd, 16) < 0)
        abort();
    getsockname(fd, (struct sockaddr *)&a, &size);
    *port = ntohs(a.sin_port);
    return fd;
}

static int free_port(void)
{
    int port = 0;
    close(listen_on(&port));
    return port;
}

/* ffmpeg as a server that takes one publisher and writes what it gets. -1: not installed. */
static pid_t start_server(int port, const char *file)
{
    static const char *const places[] = {"/usr/bin/ffmpeg", "/usr/local/bin/ffmpeg"};
    const char *program = NULL;
    for (size_t i = 0; i < ARRAY_LEN(places) && !program; i++)
        if (access(places[i], X_OK) == 0)
            program = places[i];
    if (!program)
        return -1;
    char *url = xasprintf("rtmp://127.0.0.1:%d/app/" KEY, port);
    pid_t child = fork();
    if (child == 0) {
        int null = open("/dev/null", O_RDWR);
        for (int fd = 0; fd < 3; fd++)
            dup2(null, fd);
        execl(program, "ffmpeg", "-y", "-listen", "1", "-i", url, "-c", "copy", "-flush_packets", "1", file,
              (char *)NULL);
        _exit(127);
    }
    free(url);
    return child;
}

/* ---- the pushing side ---- */

struct push {
    struct encoder *encoder;
    struct sink *sinks[2];
    void *configs[2];
    int sink_count;
    int64_t frames, slowest_put_us;
    int64_t later_s; /* added to the time of every packet */
    struct stats stats;
    struct video_config video;
    struct audio_config audio;
};

static void to_sinks(void *context, const AVPacket *packet)
{
    struct push *p = context;
    AVPacket *later = av_packet_clone(packet);
    assert_non_null(later);
    int64_t shift = av_rescale_q(p->later_s, (AVRational){1, 1}, packet->time_base);
    later->pts += shift;
    later->dts += shift;
    for (int i = 0; i < p->sink_count; i++) {
        int64_t began_us = clock_real_us();
        sink_put(p->sinks[i], later);
        int64_t us = clock_real_us() - began_us;
        p->slowest_put_us = us > p->slowest_put_us ? us : p->slowest_put_us;
    }
    av_packet_free(&later);
}

static void set(const struct sink_ops *ops, void *config, const char *name, const char *value)
{
    for (size_t i = 0; i < ops->section->count; i++)
        if (strcmp(ops->section->options[i].name, name) == 0)
            assert_int_equal(option_parse(&ops->section->options[i], config, value, NULL), 0);
}

static void add_sink(struct push *p, const char *name, const char *option, const char *value,
                     const char *renew)
{
    const struct sink_ops *ops = NULL;
    for (int i = 0; sink_registry[i]; i++)
        if (strcmp(sink_registry[i]->name, name) == 0)
            ops = sink_registry[i];
    void *config = p->configs[p->sink_count] = xcalloc(1, ops->section->struct_size);
    option_defaults(ops->section, config);
    set(ops, config, option, value);
    set(ops, config, "stream_key", KEY);
    if (renew)
        set(ops, config, "renew", renew);
    struct error e = {""};
    if (sink_open(
            &p->sinks[p->sink_count++], ops,
            &(struct sink_params){.config = config, .tracks = encoder_tracks(p->encoder), .stats = &p->stats},
            &e) < 0)
        fail_msg("%s", e.text);
}

static void push_open_renewing(struct push *p, int port, const char *renew)
{
    *p = (struct push){.video = media_video(160, 96), .audio = media_silence()};
    p->encoder = media_encoder(&p->video, &p->audio);
    char *url = xasprintf("rtmp://127.0.0.1:%d/app", port);
    add_sink(p, "rtmp", "url", url, renew);
    free(url);
}

static void push_open(struct push *p, int port)
{
    push_open_renewing(p, port, NULL);
}

static void push_frames(struct push *p, int count)
{
    for (; count > 0; count--) {
        media_encode(p->encoder, p->frames++, 1, to_sinks, p);
        usleep(FRAME_US);
    }
}

/* Pushes until so much has arrived: servers take their time to come up, on a busy machine seconds. */
static void push_until(struct push *p, const char *file, off_t bytes)
{
    struct stat st;
    for (int i = 0; i < 3000 && (stat(file, &st) < 0 || st.st_size < bytes); i++)
        push_frames(p, 1);
}

/* Returns how long the end took, ms. */
static int64_t push_close(struct push *p)
{
    int64_t began_us = clock_real_us();
    encoder_finish(p->encoder, INT64_MAX, to_sinks, p);
    for (int i = 0; i < p->sink_count; i++)
        sink_end(p->sinks[i]);
    for (int i = 0; i < p->sink_count; i++)
        sink_wait(p->sinks[i], began_us + 3000000);
    for (int i = 0; i < p->sink_count; i++) {
        sink_close(&p->sinks[i]);
        free(p->configs[i]);
    }
    encoder_close(&p->encoder);
    return (clock_real_us() - began_us) / 1000;
}

static void wait_child(pid_t child, int patience_ms)
{
    for (; patience_ms > 0 && waitpid(child, NULL, WNOHANG) == 0; patience_ms -= 10)
        usleep(10000);
    if (patience_ms <= 0) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        fail_msg("the server did not see the end of the stream");
    }
}

/* ---- tests ---- */

static void test_stream_arrives(void **state)
{
    (void)state;
    char *folder = media_folder(), *file = xasprintf("%s/a.flv", folder);
    int port = free_port();
    pid_t server = start_server(port, file);
    if (server < 0)
        skip();
    struct push p;
    push_open(&p, port);
    push_until(&p, file, 200000);
    assert_in_range(push_close(&p), 0, 2500);
    wait_child(server, 10000);
    struct media_report r;
    assert_int_equal(media_inspect(file, 25, &r), 0);
    assert_int_equal(r.codec[0], AV_CODEC_ID_H264);
    assert_int_equal(r.codec[1], AV_CODEC_ID_AAC);
    assert_true(r.starts_with_idr);
    assert_in_range(r.first_video_pts_us, 0, 100000);
    assert_true(r.pictures > 100);
    assert_int_equal(r.wrong_pictures, 0);
    free(file);
    media_remove(folder);
}

/* Milliseconds need more than 24 bits after 4 h 39 min 37 s: here the clock jumps to shortly before that. */
static void test_time_goes_on_beyond_24_bits(void **state)
{
    (void)state;
    char *folder = media_folder(), *file = xasprintf("%s/a.flv", folder);
    int port = free_port();
    pid_t server = start_server(port, file);
    if (server < 0)
        skip();
    struct push p;
    push_open(&p, port);
    push_until(&p, file, 50000);
    p.later_s = 16775;
    push_frames(&p, 150); /* six seconds, to 16781 */
    push_close(&p);
    wait_child(server, 10000);
    struct media_report r;
    assert_int_equal(media_inspect(file, 25, &r), 0);
    assert_int_equal(r.wrong_pictures, 0);
    assert_int_equal(r.last_end_us[0], r.first_video_pts_us + p.later_s * 1000000 + r.pictures * 40000);
    assert_in_range(r.last_end_us[1], r.last_end_us[0] - 150000, r.last_end_us[0] + 50000);
    free(file);
    media_remove(folder);
}

static void test_server_dies_and_comes_back(void **state)
{
    (void)state;
    char *folder = media_folder(), *a = xasprintf("%s/a.flv", folder), *b = xasprintf("%s/b.flv", folder);
    int port = free_port();
    pid_t first = start_server(port, a);
    if (first < 0)
        skip();
    struct push p;
    push_open(&p, port);
    push_until(&p, a, 50000);
    kill(first, SIGKILL);
    waitpid(first, NULL, 0);
    push_frames(&p, 20);
    pid_t second = start_server(port, b);
    push_until(&p, b, 100000);
    push_close(&p);
    wait_child(second, 10000);
    struct media_report r;
    assert_int_equal(media_inspect(b, 25, &r), 0);
    assert_true(r.starts_with_idr);
    assert_in_range(r.first_video_pts_us, 0, 100000); /* counted from 0 again */
    assert_int_equal(r.first_picture, 0);             /* an IDR is every fiftieth */
    assert_int_equal(r.wrong_pictures, 0);
    assert_true(r.pictures > 50);
    assert_true(stats_get(&p.stats, STAT_SINK_ERRORS) >= 1);
    free(a);
    free(b);
    media_remove(folder);
}

/* It takes one connection: a second one is refused, so the first ends in good order at a key frame, and what follows
 * finds nobody until there is another server. */
static void test_renewal(void **state)
{
    (void)state;
    char *folder = media_folder(), *a = xasprintf("%s/a.flv", folder), *b = xasprintf("%s/b.flv", folder);
    int port = free_port();
    pid_t first = start_server(port, a), second = -1;
    if (first < 0)
        skip();
    struct push p;
    push_open_renewing(&p, port, "5");
    for (int i = 0; i < 3000 && second < 0; i++) {
        push_frames(&p, 1);
        if (waitpid(first, NULL, WNOHANG) == first)
            second = start_server(port, b);
    }
    assert_true(second > 0);
    push_until(&p, b, 100000);
    push_close(&p);
    wait_child(second, 10000);
    struct media_report r;
    assert_int_equal(media_inspect(a, 25, &r), 0);
    assert_int_equal(r.wrong_pictures, 0);
    assert_true(r.pictures > 100 && r.pictures % 50 == 0); /* whole groups */
    assert_int_equal(media_inspect(b, 25, &r), 0);
    assert_true(r.starts_with_idr);
    assert_int_equal(r.wrong_pictures, 0);
    free(a);
    free(b);
    media_remove(folder);
}

/* A peer that takes the connection and never says a word. */
static void test_stalled_server_disturbs_nobody(void **state)
{
    (void)state;
    char *folder = media_folder();
    int port = 0, fd = listen_on(&port);
    struct push p;
    push_open(&p, port);
    add_sink(&p, "record", "dir", folder, NULL);
    push_frames(&p, 250);
    assert_in_range(p.slowest_put_us, 0, 50000);
    assert_in_range(push_close(&p), 0, 4000);
    close(fd);
    struct media_report r;
    char *file = media_file(folder, 0);
    assert_int_equal(media_inspect(file, 25, &r), 0);
    assert_int_equal(r.pictures, 250);
    assert_int_equal(r.uneven + r.wrong_pictures, 0);
    free(file);
    media_remove(folder);
}

/* What a server does that dislikes the key: it closes. The pauses between attempts must grow. */
static void test_server_that_hangs_up(void **state)
{
    (void)state;
    int port = 0, fd = listen_on(&port), calls = 0;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    struct push p;
    push_open(&p, port);
    for (int i = 0; i < 300; i++) {
        int client = accept(fd, NULL, NULL);
        if (client >= 0) {
            calls++;
            close(client);
        }
        push_frames(&p, 1);
    }
    assert_in_range(push_close(&p), 0, 2500);
    close(fd);
    print_message("%d attempts in 3 s\n", calls);
    assert_in_range(calls, 2, 5); /* at 0, 0.5, 1.5 and 3.5 s, give or take a quarter */
}

static void test_nobody_there(void **state)
{
    (void)state;
    struct push p;
    push_open(&p, free_port());
    push_frames(&p, 60);
    assert_in_range(push_close(&p), 0, 1000);
    assert_true(stats_get(&p.stats, STAT_SINK_ERRORS) >= 1);
}

/* After all the trouble above, logged in full detail: the key is nowhere. */
static char *log_path;

static void test_key_is_never_logged(void **state)
{
    (void)state;
    static char text[1 << 20];
    av_log(NULL, AV_LOG_ERROR, "Error opening rtmp://host/app/%s\n", KEY);
    log_warn("test", "after: %s", av_error_describe(AVERROR(EIO)).text);
    int fd = open(log_path, O_RDONLY);
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    assert_true(n > 0);
    text[n] = '\0';
    assert_null(strstr(text, KEY));
    assert_non_null(strstr(text, "ffmpeg: Error opening rtmp://host/app/***"));
    assert_non_null(strstr(text, "after: Input/output error (Error opening rtmp://host/app/***)"));
    assert_non_null(strstr(text, "rtmp: rtmp://127.0.0.1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream_arrives),
        cmocka_unit_test(test_time_goes_on_beyond_24_bits),
        cmocka_unit_test(test_server_dies_and_comes_back),
        cmocka_unit_test(test_renewal),
        cmocka_unit_test(test_stalled_server_disturbs_nobody),
        cmocka_unit_test(test_server_that_hangs_up),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_key_is_never_logged),
    };
    signal(SIGPIPE, SIG_IGN);
    av_log_install();
    log_set_level(LOG_DEBUG);

    char *folder = media_folder();
    log_path = xasprintf("%s/log", folder);
    int own_stderr = dup(STDERR_FILENO), log_fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(log_fd, STDERR_FILENO);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    dup2(own_stderr, STDERR_FILENO);
    close(log_fd);
    if (failed)
        fprintf(stderr, "the log of the servers' tests is in %s\n", log_path);
    else
        media_remove(folder);
    free(log_path);
    return failed;
}
