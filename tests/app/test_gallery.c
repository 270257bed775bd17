/*
 * The gallery: the still of the surest moment, a loop, lists and sheet, what is forgotten, and which files anybody gets.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/gallery.h"
#include "app/gallery_parts.h"
#include "common/clock.h"
#include "common/file.h"
#include "stream/picture.h"
#include "tests/stream/media.h"

#define RUN "20261128-004451"

enum { WIDTH = 320, HEIGHT = 180, WAIT_MS = 20000 };

static struct gallery_config config;
static struct gallery_params params;
static struct gallery *gallery;
static char *folder;
static uint8_t pixels[WIDTH * HEIGHT * 3 / 2];
static const struct frame frame = {WIDTH,
                                   HEIGHT,
                                   {pixels, pixels + WIDTH *HEIGHT, pixels + WIDTH *HEIGHT * 5 / 4},
                                   {WIDTH, WIDTH / 2, WIDTH / 2}};

static void open_gallery(void)
{
    struct error e = {""};
    if (gallery_open(&gallery, &params, &e) < 0)
        fail_msg("%s", e.text);
    assert_non_null(gallery);
}

static int set_up(void **state)
{
    (void)state;
    folder = media_folder();
    option_defaults(&gallery_section, &config);
    assert_false(config.enabled);
    config.enabled = true;
    snprintf(config.dir, sizeof config.dir, "%s", folder);
    params = (struct gallery_params){
        .config = &config, .credits = credits_open(RUN), .width_px = WIDTH, .height_px = HEIGHT};
    assert_int_equal(port_open(&params.port), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    gallery_close(&gallery);
    credits_close(&params.credits);
    port_close(&params.port);
    media_remove(folder);
    return 0;
}

static bool is_there(const char *name)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

static void comes(const char *name, bool there)
{
    for (int ms = 0; is_there(name) != there; ms += 20) {
        if (ms > WAIT_MS)
            fail_msg("%s is %sthere after %d s", name, there ? "not " : "", WAIT_MS / 1000);
        poll(NULL, 0, 20);
    }
}

static int get(const char *name, size_t *size)
{
    uint8_t *bytes = NULL;
    int rc = -EAGAIN;
    for (int ms = 0; rc == -EAGAIN && ms < WAIT_MS; ms += 20) {
        rc = gallery_file(gallery, name, &bytes, size);
        if (rc == -EAGAIN)
            poll(NULL, 0, 20);
    }
    free(bytes);
    return rc;
}

/* The gallery's thread has come round: a busy machine takes its time. */
static void settle(void)
{
    size_t size;
    assert_int_equal(get("20990101-000000-1.jpg", &size), -ENOENT);
}

/* So many frames of this grey, 20 a second, of a dream that is so sure of itself. */
static void dream(int64_t id, int luma, double belief, int frames)
{
    struct port_state state = {.request_id = id, .share = belief};
    port_tell(params.port, &state);
    for (int i = 0; i < frames; i++) {
        frame_fill_grey(&frame, luma);
        gallery_picture(gallery, &frame);
        poll(NULL, 0, 50);
    }
    settle();
}

static void show(int64_t id, const char *user)
{
    struct request q = {.id = id, .count = 1};
    q.synset[0] = synsets_by_wnid("n01443537");
    q.manner[0].weight = 1;
    snprintf(q.user, sizeof q.user, "%s", user);
    gallery_shown(gallery, user[0] ? id : 0);
    credits_shown(params.credits, &q, (int64_t)time(NULL), (double)clock_real_us() / 1e6);
    credits_seen(params.credits, id, 0.5);
    settle();
    settle();
}

/* The mean of all colours of a still. */
static double mean_of(const char *name)
{
    char path[300];
    float *rgb;
    int width, height;
    double sum = 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(picture_read(path, &rgb, &width, &height, NULL), 0);
    assert_true(width == WIDTH && height == HEIGHT);
    for (int i = 0; i < 3 * width * height; i++)
        sum += (double)rgb[i];
    free(rgb);
    return sum / (3 * width * height);
}

static char *read_text(const char *name)
{
    char path[300], *text;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(file_read_all(path, 1 << 20, &text, NULL, NULL), 0);
    return text;
}

/* Dark, then bright and surest, then middling: the bright one is kept. */
static void the_surest_moment_is_kept(void **state)
{
    (void)state;
    open_gallery();
    show(7, "ann");
    dream(7, 50, 0.1, 15);
    dream(7, 200, 0.9, 20);
    dream(7, 120, 0.3, 100);
    show(8, "bob");
    comes(RUN "-7.jpg", true);
    comes(RUN "-7.mp4", true);
    double mean = mean_of(RUN "-7.jpg"), bright = (200 - 16) * 255.0 / 219;
    assert_true(mean > bright - 6 && mean < bright + 6);
    struct credit c;
    assert_true(credits_find(params.credits, RUN, 7, &c) && c.still_bytes > 0);
    char *list = read_text("gallery.json");
    assert_non_null(strstr(list, "\"login\": \"ann\""));
    free(list);
    dream(8, 80, -1, 25); /* it does not look, and it is short: the last picture, and no loop */
    gallery_close(&gallery);
    assert_true(is_there(RUN "-8.jpg") && !is_there(RUN "-8.mp4"));
    assert_true(is_there("credits-" RUN ".jpg") && is_there("credits-" RUN ".json"));
    list = read_text("credits-" RUN ".txt");
    assert_non_null(strstr(list, "7  goldfish, dreamed by ann"));
    assert_non_null(strstr(list, "8  goldfish, dreamed by bob"));
    free(list);
    list = read_text("credits-" RUN ".json");
    assert_null(strstr(list, "login"));
    free(list);
}

/* Whom a moderator removes: files go at once, this show's lists never name them, those of earlier shows no more. */
static void who_is_removed_is_gone(void **state)
{
    (void)state;
    open_gallery();
    show(7, "ann");
    dream(7, 50, 0.5, 20);
    show(8, "bob");
    dream(8, 90, 0.5, 20);
    show(9, "");
    comes(RUN "-8.jpg", true);
    gallery_close(&gallery);
    credits_close(&params.credits);
    char *list = read_text("credits-" RUN ".txt");
    assert_non_null(strstr(list, "ann"));
    free(list);

    params.credits = credits_open("20261129-000000"); /* the next evening */
    open_gallery();
    assert_true(is_there(RUN "-7.jpg"));
    show(10, "ann");
    dream(10, 60, 0.5, 20);
    struct credit *gone = calloc(CREDITS_MAX, sizeof *gone);
    int count = credits_remove(params.credits, "ann", NULL, gone);
    assert_int_equal(count, 2);
    gallery_forget(gallery, gone, count);
    free(gone);
    comes(RUN "-7.jpg", false);
    settle(); /* the list of the evening before is made anew */
    assert_true(is_there(RUN "-8.jpg"));
    dream(10, 60, 0.5, 20);
    show(11, "cy");
    dream(11, 70, 0.5, 20);
    gallery_close(&gallery);
    assert_false(is_there("20261129-000000-10.jpg"));
    assert_true(is_there("20261129-000000-11.jpg"));
    static const char *const lists[] = {"credits-" RUN ".txt", "credits-" RUN ".json", "gallery.json",
                                        "credits-20261129-000000.txt"};
    for (int i = 0; i < 4; i++) {
        list = read_text(lists[i]);
        assert_null(strstr(list, "ann"));
        assert_non_null(strstr(list, i == 3 ? "cy" : "bob"));
        free(list);
    }
}

enum { EVENINGS = 40 };

static void evening(int i, char run[CREDITS_RUN_BYTES])
{
    snprintf(run, CREDITS_RUN_BYTES, "20261101-20%02d00", i);
}

/* However many lists of earlier shows name somebody, none of them still does. */
static void who_is_removed_is_gone_from_all_evenings(void **state)
{
    (void)state;
    for (int i = 0; i < 2 * EVENINGS; i++) {
        struct credit c = {.id = 1 + i % 2, .at_s = (int64_t)time(NULL), .belief = 0.5, .still_bytes = 1};
        evening(i / 2, c.run);
        snprintf(c.text, sizeof c.text, "goldfish");
        snprintf(c.by, sizeof c.by, "%s", i % 2 ? "bob" : "ann");
        snprintf(c.login, sizeof c.login, "%s", c.by);
        credits_restore(params.credits, &c);
    }
    open_gallery();
    struct credit *gone = calloc(CREDITS_MAX, sizeof *gone);
    int count = credits_remove(params.credits, "ann", NULL, gone);
    assert_int_equal(count, EVENINGS);
    gallery_forget(gallery, gone, count);
    free(gone);
    settle();
    gallery_close(&gallery);
    for (int i = 0; i < EVENINGS; i++) {
        char run[CREDITS_RUN_BYTES], name[64];
        evening(i, run);
        snprintf(name, sizeof name, "credits-%s.txt", run);
        char *list = read_text(name);
        assert_true(!strstr(list, "ann") && strstr(list, "bob"));
        free(list);
    }
}

/* A name is taken apart, and the book is asked: nothing else in the folder, or beyond it, can be had. */
static void only_what_is_in_the_book_is_served(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "gallery.json",
        "credits-" RUN ".txt",
        "../" RUN "-7.jpg",
        RUN "-7.jpg/",
        RUN "-07.jpg",
        RUN "-7.JPG",
        RUN "-7.json",
        RUN "-.jpg",
        RUN "-7",
        RUN "-7.jpg.part",
        "/etc/passwd",
        RUN "-8.jpg",
        RUN "-99999999999999999.jpg",
        "2026112\xff-004451-7.jpg",
        "....................................................................jpg"};
    size_t size = 0;
    char path[300], target[300];
    open_gallery();
    show(7, "ann");
    dream(7, 50, 0.5, 20);
    show(8, "");
    comes(RUN "-7.jpg", true);
    assert_int_equal(get(RUN "-7.jpg", &size), 0);
    assert_true(size > 100);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(get(bad[i], &size), -ENOENT);
    snprintf(path, sizeof path, "%s/" RUN "-7.mp4", folder); /* a link in its place leads nowhere */
    snprintf(target, sizeof target, "%s/gallery.json", folder);
    unlink(path);
    assert_int_equal(symlink(target, path), 0);
    assert_int_equal(get(RUN "-7.mp4", &size), -ENOENT);
    struct credit gone[4];
    gallery_forget(gallery, gone, credits_remove(params.credits, "ann", NULL, gone));
    for (int ms = 0; get(RUN "-7.jpg", &size) == 0; ms += 20) {
        assert_true(ms < WAIT_MS);
        poll(NULL, 0, 20);
    }
    assert_int_equal(gallery_file(NULL, RUN "-7.jpg", NULL, NULL), -ENOENT);
}

/* Bounded in count; what is not ours in the folder stays. */
static void the_oldest_go(void **state)
{
    (void)state;
    char path[300];
    config.keep_count = 2;
    config.loop = GALLERY_LOOP_NONE;
    snprintf(path, sizeof path, "%s/holiday.jpg", folder);
    assert_int_equal(file_write_whole(path, "x", 1, 0600, NULL), 0);
    snprintf(path, sizeof path, "%s/20200101-000000-3.jpg", folder); /* left by a crash: in no list */
    assert_int_equal(file_write_whole(path, "x", 1, 0600, NULL), 0);
    open_gallery();
    comes("20200101-000000-3.jpg", false);
    for (int id = 1; id <= 4; id++) {
        show(id, "ann");
        dream(id, 40 + 10 * id, 0.5, 20);
    }
    gallery_close(&gallery);
    assert_false(is_there(RUN "-1.jpg") || is_there(RUN "-2.jpg"));
    assert_true(is_there(RUN "-3.jpg") && is_there(RUN "-4.jpg"));
    assert_true(is_there("holiday.jpg"));
    char *list = read_text("credits-" RUN ".txt"); /* the list has them all */
    assert_non_null(strstr(list, "   1  goldfish"));
    free(list);
}

static void off_is_nothing(void **state)
{
    (void)state;
    struct error e;
    config.enabled = false;
    assert_int_equal(gallery_open(&gallery, &params, &e), 0);
    assert_null(gallery);
    gallery_picture(NULL, &frame);
    gallery_shown(NULL, 1);
    config.enabled = true;
    snprintf(config.dir, sizeof config.dir, "/proc/nothing/here");
    assert_true(gallery_open(&gallery, &params, &e) < 0 && !gallery);
    assert_non_null(strstr(e.text, "gallery.dir"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_surest_moment_is_kept),
        TEST(who_is_removed_is_gone),
        TEST(who_is_removed_is_gone_from_all_evenings),
        TEST(only_what_is_in_the_book_is_served),
        TEST(the_oldest_go),
        TEST(off_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
