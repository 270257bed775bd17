/*
 * The dream thread over a scripted dream: these definitions of dream_* take the engine's place in this
 * program. How fast a step is, whether the hardware makes frames, and when it is lost, are told by the test,
 * which plays the camera too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dreamer/dreamer.h"

#include "app/programme.h"
#include "common/mem.h"

enum { FPS = 50, PERIOD_US = 20000, WIDTH = 8, HEIGHT = 6, STEPS_MAX = 6 };

/* ---- the dream ---- */

struct dream {
    atomic_int step_us, steps_rc; /* what a step takes and says */
    atomic_bool makes_frames;
    atomic_int steps, targets, looks;
    double front;               /* that was set last */
    double log_zoom, elapsed_s; /* of all warps but rehearsed ones: dream thread, then the test */
};

void dream_set_target(struct dream *d, const struct dream_target *t, double fade_s)
{
    (void)t;
    (void)fade_s;
    d->targets++;
}

bool dream_set_front(struct dream *d, double front)
{
    d->front = front;
    return front < 0.9;
}

void dream_move(struct dream *d, const struct image_move *by, double elapsed_s)
{
    d->log_zoom += log(by->zoom);
    d->elapsed_s += elapsed_s;
}

void dream_warp(struct dream *d, double zoom, double degrees, double elapsed_s)
{
    dream_move(d, &(struct image_move){.zoom = zoom, .degrees = degrees}, elapsed_s);
}

int dream_load(struct dream *d, const struct dream_state *s, const float *planes)
{
    (void)d;
    (void)s;
    (void)planes;
    return 0;
}

void dream_lower_priority(struct dream *d)
{
    (void)d;
}

int dream_steps(struct dream *d, int count)
{
    usleep((useconds_t)(d->step_us * count));
    d->steps += count;
    return d->steps_rc;
}

void dream_picture(struct dream *d, float *rgb)
{
    rgb[0] = (float)d->steps;
}

void dream_frame(struct dream *d, uint8_t *nv12)
{
    memset(nv12, d->steps % 256, WIDTH * HEIGHT / 2 * 3);
}

bool dream_makes_frames(const struct dream *d)
{
    return d->makes_frames;
}

void dream_look(struct dream *d, struct dream_sight *s)
{
    d->looks++;
    *s =
        (struct dream_sight){.belief = {0.25}, .share = 0.25, .seen_count = 2, .seen = {{7, 0.5}, {3, 0.25}}};
}

struct dream_health dream_health(const struct dream *d)
{
    (void)d;
    return (struct dream_health){.mean = 127};
}

const char *dream_backend_name(const struct dream *d)
{
    (void)d;
    return "scripted";
}

const char *dream_hardware(const struct dream *d)
{
    (void)d;
    return "a test";
}

/* Snapshots of it are its steps. */
size_t dream_state_floats(const struct dream_config *c)
{
    (void)c;
    return 8;
}

int dream_save(struct dream *d, struct dream_state *s, float *planes)
{
    s->moment = 7;
    planes[0] = (float)d->steps;
    return d->steps_rc == -EIO ? -EIO : 0;
}

int dream_state_check(const struct dream_state *s, const float *planes, const struct dream_config *c,
                      const struct model *m, struct error *e)
{
    (void)c;
    (void)m;
    return s->moment == 7 && planes[0] >= 0 ? 0 : error_set(e, EINVAL, "not a snapshot of this test");
}

int model_class(const struct model *m, const char *wnid)
{
    (void)m;
    return wnid[0] == 'n' ? 3 : -1;
}

/* ---- the programme and the camera around it ---- */

struct fixture {
    struct dream dream;
    struct keyframes *keyframes;
    struct requests *requests;
    struct chatbot *chatbot;
    struct clock clock;
    struct stats stats;
    struct stop stop;
    struct port *port;
    struct request first; /* waits when it begins; count 0: none */
    struct tug *tug;      /* NULL: nobody pulls */
    struct programme programme;
    struct dreamer dreamer;
    struct snapshots snapshots;     /* where they go; NULL places: none are taken */
    const struct snapshot *resumed; /* NULL: it begins */
    int64_t z_least;
    int64_t z;                /* the camera's place */
    int frames, rgb, skipped; /* taken: frames, keyframes; positions left out between frames */
    int64_t newest_z;
};

static void begin(struct fixture *f, enum dreamer_mode mode, bool offline)
{
    static const struct show_config config = {.hold_s = 60, .idle_s = 30, .queue_max = 4};
    static struct synsets_known known;
    memset(known.known, true, sizeof known.known);
    assert_int_equal(keyframes_open(&f->keyframes, WIDTH, HEIGHT, mode != DREAMER_KEYFRAMES), 0);
    assert_int_equal(requests_open(&f->requests, &config, &known, 1, &f->stats), 0);
    assert_int_equal(chatbot_open(&f->chatbot, f->requests, &known, 1, 99), 0);
    assert_int_equal(stop_init(&f->stop), 0);
    if (offline)
        clock_init_virtual(&f->clock, 0);
    else
        clock_init_monotonic(&f->clock);
    f->newest_z = -1;
    double eta_s;
    bool replaced;
    if (f->first.count > 0)
        assert_int_equal(requests_add(f->requests, &f->first, 0, &eta_s, &replaced), 0);
    assert_int_equal(port_open(&f->port), 0);
    f->programme =
        (struct programme){.port = f->port, .requests = f->requests, .chatbot = f->chatbot, .tug = f->tug};
    assert_int_equal(programme_start(&f->programme), 0);
    struct dreamer_params p = {
        .dream = &f->dream,
        .keyframes = f->keyframes,
        .port = f->port,
        .clock = &f->clock,
        .start_us = clock_now_us(&f->clock),
        .stats = &f->stats,
        .stop = &f->stop,
        .mode = mode,
        .retreat_s = 0.3,
        .keyframes_lag_s = 42,
        .zoom_per_frame = 1.01,
        .fps = FPS,
        .snapshots = f->snapshots,
        .resumed = f->resumed,
        .z_least = f->z_least,
    };
    governor_init(&p.governor, offline, STEPS_MAX, FPS, 10, 50);
    frame_governor_init(&p.frame_governor, offline, STEPS_MAX, FPS);
    assert_int_equal(dreamer_start(&f->dreamer, &p), 0);
}

static void end(struct fixture *f)
{
    stop_request(&f->stop);
    keyframes_shutdown(f->keyframes);
    port_shutdown(f->port);
    dreamer_stop(&f->dreamer);
    programme_stop(&f->programme);
    port_close(&f->port);
    chatbot_close(&f->chatbot);
    requests_close(&f->requests);
    keyframes_close(&f->keyframes);
    stop_close(&f->stop);
}

static void take(struct fixture *f, const struct keyframe *k)
{
    assert_true(k->z_frames > f->newest_z);
    if (k->is_frame)
        f->skipped += (int)(k->z_frames - f->newest_z - 1);
    f->frames += k->is_frame;
    f->rgb += !k->is_frame;
    f->newest_z = k->z_frames;
}

/* So many output frames of a camera: it takes what is due and tells where it is. */
static void play(struct fixture *f, int count)
{
    int64_t began_us = clock_real_us();
    for (int i = 0; i < count; i++, f->z++) {
        keyframes_set_position(f->keyframes, f->z > f->newest_z ? f->z : f->newest_z);
        const struct keyframe *k;
        while (f->newest_z < f->z && (k = keyframes_next(f->keyframes, 0)))
            take(f, k);
        keyframes_set_position(f->keyframes, f->z > f->newest_z ? f->z : f->newest_z);
        int64_t left_us = began_us + (i + 1) * PERIOD_US - clock_real_us();
        if (left_us > 0)
            usleep((useconds_t)left_us);
    }
}

static void told(const struct fixture *f, const char *seconds)
{
    char reply[CHAT_REPLY_BYTES];
    struct chat_line line = {.text = "goldfish", .bytes = 8, .user = "ann", .origin = CHAT_TERMINAL};
    chatbot_line(f->chatbot, &line, 0, reply);
    if (!strstr(reply, seconds))
        fail_msg("not %s: %s", seconds, reply);
}

static void test_fast_hardware_dreams_every_frame(void **state)
{
    (void)state;
    struct fixture f = {.dream = {.step_us = 1000, .makes_frames = true}};
    begin(&f, DREAMER_AUTO, false);
    play(&f, 100);
    told(&f, "about 1 s");
    struct port_state said;
    port_state(f.port, &said);
    int64_t steps = f.dream.steps;
    end(&f);
    assert_true(said.dreams_frames);
    assert_true(said.belief[0] == 0.25 && said.share == 0.25 && said.mean == 127);
    assert_int_equal(said.seen_count, 2);
    assert_true(said.seen[0].class_index == 7 && said.seen[1].probability == 0.25F);
    assert_string_equal(said.backend, "scripted");
    assert_int_equal(f.dream.looks, 1); /* in two seconds */
    assert_in_range(f.frames, 80, 100);
    assert_int_equal(f.rgb, 1); /* the start picture, before it is known what comes */
    assert_in_range(f.dreamer.p.frame_governor.steps, 3, STEPS_MAX);
    assert_true(steps > 2 * f.frames);
    assert_true(fabs(f.dream.log_zoom - (double)f.dreamer.z_frames * log(1.01)) < 1e-6);
    assert_true(fabs(f.dream.elapsed_s - (double)f.dreamer.z_frames / FPS) < 1e-6);
    assert_int_equal(f.dream.targets, 2); /* the rehearsal's, and the show's first own idea */
    assert_int_equal(stats_get(&f.stats, STAT_STEPS), steps);
}

static void test_slow_hardware_begins_with_keyframes(void **state)
{
    (void)state;
    struct fixture slow = {.dream = {.step_us = 18000, .makes_frames = true}};
    begin(&slow, DREAMER_AUTO, false);
    play(&slow, 40);
    told(&slow, "about 42 s");
    end(&slow);
    assert_int_equal(slow.frames, 0);
    assert_in_range(slow.rgb, 1, 10);

    struct fixture processor = {.dream = {.step_us = 1000}}; /* fast, but it makes no frames */
    begin(&processor, DREAMER_AUTO, false);
    play(&processor, 20);
    end(&processor);
    assert_int_equal(processor.frames, 0);
}

/* Offline auto means keyframes, frames mean a constant number of steps; speed has no say. */
static void test_offline_is_constant(void **state)
{
    (void)state;
    struct fixture f = {.dream = {.step_us = 100, .makes_frames = true}};
    begin(&f, DREAMER_FRAMES, true);
    for (int z = 0; z < 30; z++) {
        const struct keyframe *k = keyframes_next(f.keyframes, -1);
        assert_true(k->is_frame);
        assert_int_equal(k->z_frames, z);
        assert_int_equal(k->nv12[0], STEPS_MAX * z);
        keyframes_set_position(f.keyframes, 1000000); /* where the camera is means nothing */
        if (z == 10)
            f.dream.step_us = 8000;
    }
    end(&f);

    struct fixture g = {.dream = {.step_us = 100, .makes_frames = true}};
    begin(&g, DREAMER_AUTO, true);
    for (int z = 0; z <= 3 * FPS; z += FPS) {
        const struct keyframe *k = keyframes_next(g.keyframes, -1);
        assert_false(k->is_frame);
        assert_int_equal(k->z_frames, z);
    }
    end(&g);
}

/* ---- going on ---- */

static const struct dream_config some_config;
static int snapshots_taken;

static void on_snapshot(void *context, int place)
{
    struct fixture *f = context;
    struct snapshot *s = f->snapshots.places[place];
    assert_int_equal(snapshot_check(s, snapshot_bytes(&some_config), &some_config, NULL, NULL), 0);
    snapshots_taken++;
}

static void test_snapshots_are_taken_now_and_then_and_at_the_end(void **state)
{
    (void)state;
    struct fixture f = {.dream = {.step_us = 1000}};
    f.snapshots =
        (struct snapshots){.config = &some_config, .every_us = 200000, .taken = on_snapshot, .context = &f};
    for (int i = 0; i < SNAPSHOT_PLACES; i++)
        f.snapshots.places[i] = buffer_alloc(snapshot_bytes(&some_config));
    snapshots_taken = 0;
    begin(&f, DREAMER_KEYFRAMES, false);
    play(&f, 50);
    end(&f);
    assert_in_range(snapshots_taken, 2, 7); /* fewer on a busy machine */
    const struct snapshot *last = f.snapshots.places[(snapshots_taken - 1) % SNAPSHOT_PLACES];
    assert_int_equal(last->z_frames, f.dreamer.z_frames);
    assert_int_equal(last->target.count, 1);
    assert_int_equal(snapshot_planes(f.snapshots.places[(snapshots_taken - 1) % SNAPSHOT_PLACES])[0],
                     f.dream.steps);

    int before = snapshots_taken;
    f.dreamer.p.snapshots.taken_us = 0;
    struct fixture offline = {.dream = {.step_us = 100}, .snapshots = f.snapshots};
    begin(&offline, DREAMER_KEYFRAMES, true);
    keyframes_next(offline.keyframes, -1);
    end(&offline);
    assert_int_equal(snapshots_taken, before);
    for (int i = 0; i < SNAPSHOT_PLACES; i++)
        free(f.snapshots.places[i]);
}

/* The first picture lies where the camera is by now, zoomed to there, and is of the old subject. */
static void test_it_goes_on_from_a_snapshot(void **state)
{
    (void)state;
    static const struct snapshot s = {
        .z_frames = 100, .target = {.number = 4, .request_id = 12, .count = 1, .caption = "goldfish"}};
    struct fixture f = {.dream = {.step_us = 1000}, .resumed = &s, .z_least = 160};
    begin(&f, DREAMER_KEYFRAMES, false);
    const struct keyframe *k = keyframes_next(f.keyframes, -1);
    assert_int_equal(k->z_frames, 160);
    assert_int_equal(k->request_id, 12);
    assert_string_equal(k->caption, "goldfish");
    f.newest_z = k->z_frames;
    end(&f);
    assert_true(f.dream.log_zoom >= 60 * log(1.01) - 1e-9);

    struct fixture anew = {.dream = {.step_us = 1000},
                           .z_least = 160}; /* there is none: behind the others still */
    begin(&anew, DREAMER_KEYFRAMES, false);
    assert_int_equal(keyframes_next(anew.keyframes, -1)->z_frames, 160);
    end(&anew);

    struct fixture g = {.dream = {.step_us = 1000}, .resumed = &s}; /* the camera has not come so far */
    begin(&g, DREAMER_KEYFRAMES, false);
    assert_int_equal(keyframes_next(g.keyframes, -1)->z_frames, 100);
    end(&g);
}

/* Positions that the camera has passed are given up; there is no retreat because of one stall. */
static void test_a_stall_is_caught_up_with(void **state)
{
    (void)state;
    struct fixture f = {.dream = {.step_us = 1000, .makes_frames = true}};
    begin(&f, DREAMER_AUTO, false);
    play(&f, 50);
    f.dream.step_us = 100000;
    play(&f, 10);
    f.dream.step_us = 1000;
    play(&f, 50);
    assert_in_range(f.z - f.newest_z, 0, 2);
    end(&f);
    assert_int_equal(f.rgb, 1);
    assert_in_range(f.skipped, 5, 60);
}

static void test_hopeless_goes_on_with_keyframes(void **state)
{
    (void)state;
    struct fixture f = {.dream = {.step_us = 1000, .makes_frames = true}};
    begin(&f, DREAMER_FRAMES, false);
    play(&f, 50);
    assert_int_equal(f.rgb, 1);
    f.dream.step_us = 120000;
    for (int i = 0; i < 40 && f.rgb == 1; i++)
        play(&f, 10);
    assert_true(f.rgb > 1);
    told(&f, "about 42 s");
    f.dream.step_us = 1000; /* fast again; the retreat is over soon */
    int before = f.frames;
    for (int i = 0; i < 100 && f.frames == before; i++)
        play(&f, 10);
    assert_true(f.frames > before);
    end(&f);
}

/* The device is lost, the CPU takes over: no waiting for what cannot get better. */
static void test_another_backend_goes_on_with_keyframes(void **state)
{
    (void)state;
    struct fixture f = {.dream = {.step_us = 1000, .makes_frames = true}};
    begin(&f, DREAMER_AUTO, false);
    play(&f, 30);
    f.dream.steps_rc = -EIO; /* while nothing takes the picture, nothing is learned and nothing counted */
    play(&f, 10);
    int64_t counted = stats_get(&f.stats, STAT_STEPS);
    play(&f, 5);
    assert_int_equal(stats_get(&f.stats, STAT_STEPS), counted);
    assert_int_equal(f.rgb, 1);
    f.dream.makes_frames = false;
    f.dream.step_us = 5000;
    f.dream.steps_rc = 0;
    play(&f, 60);
    assert_true(f.rgb > 1);
    int frames = f.frames;
    play(&f, 60);
    assert_int_equal(f.frames, frames); /* it does not come back while the CPU computes */
    end(&f);
}

/* What the chat pulls reaches the pictures, every one with the front that it was dreamed for. */
static void test_votes_move_the_front(void **state)
{
    (void)state;
    static const struct show_config config = {.tug = true, .tug_share = 0.7, .tug_hold_s = 3, .vote_min = 3};
    struct fixture f = {.dream = {.step_us = 10},
                        .first = {.count = 2, .synset = {1, 963}, .immediate = true},
                        .tug = tug_open(&config, 0.02 * FPS)};
    begin(&f, DREAMER_FRAMES, true);
    const struct keyframe *k = keyframes_next(f.keyframes, -1);
    for (int z = 0; z < 20; z++, k = keyframes_next(f.keyframes, -1))
        assert_true(k->front < 0); /* nobody has pulled */
    tug_vote(f.tug, "ann", TUG_UPPER, 0);
    tug_vote(f.tug, "bob", TUG_UPPER, 0);
    double last = -1;
    int moved = 0;
    char text[CHAT_REPLY_BYTES];
    for (int z = 0; z < 3 * FPS; z++, k = keyframes_next(f.keyframes, -1)) {
        assert_true(k->front < 0 || last < 0 || fabs(k->front - last) <= 0.02 + 1e-6);
        moved += k->front > last;
        last = k->front;
    }
    assert_true(moved > FPS && last > 0.7 && last < 0.75); /* 3 of 4 */
    assert_true(fabs(f.dream.front - 0.75) < 0.05);
    assert_false(chatbot_notice(f.chatbot, text));
    tug_vote(f.tug, "cid", TUG_UPPER, 0);
    for (int z = 0; z < 10 * FPS; z++)
        k = keyframes_next(f.keyframes, -1);
    assert_true(f.dream.front > 0.99);
    assert_true(k->front > 0.8 && k->front < 0.9); /* the dream of this test takes no front beyond */
    assert_true(chatbot_notice(f.chatbot, text));
    assert_non_null(strstr(text, "goldfish wins, 3 to 0"));
    assert_false(chatbot_notice(f.chatbot, text)); /* told once */
    end(&f);
    tug_close(&f.tug);
}

static void test_bad_pictures_are_counted(void **state)
{
    (void)state;
    struct fixture f = {.dream = {.step_us = 100, .steps_rc = -EDOM, .makes_frames = true}};
    begin(&f, DREAMER_FRAMES, false);
    play(&f, 10);
    end(&f);
    assert_in_range(stats_get(&f.stats, STAT_RESTORES), 5, 40);
    assert_true(stats_get(&f.stats, STAT_STEPS) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fast_hardware_dreams_every_frame),
        cmocka_unit_test(test_slow_hardware_begins_with_keyframes),
        cmocka_unit_test(test_offline_is_constant),
        cmocka_unit_test(test_a_stall_is_caught_up_with),
        cmocka_unit_test(test_snapshots_are_taken_now_and_then_and_at_the_end),
        cmocka_unit_test(test_it_goes_on_from_a_snapshot),
        cmocka_unit_test(test_hopeless_goes_on_with_keyframes),
        cmocka_unit_test(test_another_backend_goes_on_with_keyframes),
        cmocka_unit_test(test_votes_move_the_front),
        cmocka_unit_test(test_bad_pictures_are_counted),
    };
    return cmocka_run_group_tests_name("dreamer", tests, NULL, NULL);
}
