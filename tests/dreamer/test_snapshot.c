/*
 * Where a dream is, as bytes: it goes on from them as if nothing had happened, and bytes that no dream made are refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file.h"
#include "common/log.h"
#include "common/mem.h"
#include "config/config.h"
#include "dreamer/keeper.h"
#include "dreamer/snapshot.h"

static struct model *model;
static char folder[] = "/tmp/reverie-test-XXXXXX", path[64], said[1024];

static struct dream_config config_of(const char *profile, const char *size)
{
    struct dream_config c;
    const struct config_entry entry = {&dream_section, &c};
    const struct config all = {.entries = &entry, .count = 1};
    char set[64];
    struct error e = {""};
    config_defaults(&all);
    const char *const sets[][2] = {{"profile", profile}, {"size", size}, {"backend", "cpu"}};
    for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
        snprintf(set, sizeof set, "dream.%s=%s", sets[i][0], sets[i][1]);
        assert_int_equal(config_set(&all, set, &e), 0);
    }
    return c;
}

static struct dream *open_dream(const struct dream_config *c, uint64_t seed)
{
    struct dream *d;
    struct error e = {""};
    if (dream_open(&d, c, model, seed, NULL, &e) < 0)
        fail_msg("%s", e.text);
    return d;
}

static const struct port_target goldfish = {
    .number = 3,
    .request_id = 9,
    .count = 1,
    .subjects = {{.class_index = 1, .weight = 1, .right = 1, .bottom = 1}},
    .caption = "goldfish  @ann"};

static void aim(struct dream *d)
{
    struct dream_target t = {.count = 1};
    dream_set_target(d, &t, 0);
}

static int places_taken[8], taken_count;

static void on_taken(void *context, int place)
{
    (void)context;
    places_taken[taken_count++ % 8] = place;
}

/* A sealed snapshot of a dream that is on its way. */
static struct snapshot *take(const struct dream_config *c, struct dream *d)
{
    struct snapshot *s = buffer_alloc(snapshot_bytes(c));
    aim(d);
    assert_int_equal(dream_steps(d, 3), 0);
    dream_warp(d, 1.02, 0.3, 0.5);
    assert_int_equal(dream_steps(d, 2), 0);
    struct snapshots one = {.config = c, .places = {s, s}, .taken = on_taken};
    snapshots_take(&one, d, 77, &goldfish, true);
    return s;
}

static int check(const void *bytes, size_t size, const struct dream_config *c)
{
    struct error e = {""};
    int rc = snapshot_check(bytes, size, c, model, &e);
    assert_int_equal(rc == 0, e.text[0] == '\0');
    return rc;
}

/* The next steps are the same to the last bit, in a dream that began with another seed. */
static void goes_on_as_it_was(const char *profile)
{
    struct dream_config c = config_of(profile, "96x64");
    struct dream *a = open_dream(&c, 1), *b = open_dream(&c, 2);
    struct snapshot *s = take(&c, a);
    size_t floats = 3 * 96 * 64;
    float *x = xcalloc(2 * floats, sizeof *x), *y = x + floats;
    assert_int_equal(check(s, snapshot_bytes(&c), &c), 0);
    assert_int_equal(s->z_frames, 77);
    assert_memory_equal(&s->target, &goldfish, sizeof goldfish);
    assert_int_equal(dream_load(b, &s->dream, snapshot_planes(s)), 0);
    aim(b);
    struct dream *both[] = {a, b};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(dream_steps(both[i], 4), 0);
        dream_warp(both[i], 1.01, 0, 0.1);
        assert_int_equal(dream_steps(both[i], 2), 0);
        dream_picture(both[i], i ? y : x);
    }
    assert_memory_equal(x, y, floats * sizeof *x);
    free(x);
    free(s);
    dream_close(&a);
    dream_close(&b);
}

static void test_round_trip(void **state)
{
    (void)state;
    goes_on_as_it_was("modern");
    goes_on_as_it_was("classic");
}

static void test_other_dreams_are_foreign(void **state)
{
    (void)state;
    struct dream_config c = config_of("modern", "96x64"), larger = config_of("modern", "64x96"),
                        classic = config_of("classic", "96x64");
    struct dream *d = open_dream(&c, 1);
    struct snapshot *s = take(&c, d);
    assert_int_equal(check(s, snapshot_bytes(&c), &larger), -ESTALE);
    assert_int_equal(check(s, snapshot_bytes(&c), &classic), -ESTALE);
    s->version++;
    assert_int_equal(check(s, snapshot_bytes(&c), &c), -ESTALE);
    s->version--;
    s->dream.classes++;
    snapshot_seal(s, &c);
    assert_int_equal(check(s, snapshot_bytes(&c), &c), -ESTALE);
    free(s);
    dream_close(&d);
}

/* One bit, anywhere, and every length but its own. */
static void test_damage_is_noticed(void **state)
{
    (void)state;
    struct dream_config c = config_of("modern", "64x64");
    struct dream *d = open_dream(&c, 1);
    struct snapshot *s = take(&c, d);
    size_t size = snapshot_bytes(&c);
    char *bytes = (char *)s;
    for (size_t at = 0; at < size; at += at < sizeof *s ? 1 : 997) {
        bytes[at] ^= 1 << at % 8;
        assert_true(check(s, size, &c) < 0);
        bytes[at] ^= 1 << at % 8;
    }
    for (size_t less = 1; less < size; less += 1001)
        assert_true(check(s, size - less, &c) < 0);
    assert_int_equal(check(s, size, &c), 0);
    free(s);
    dream_close(&d);
}

/* The checksum is right, and what it covers cannot be. */
static void test_nonsense_is_refused(void **state)
{
    (void)state;
    struct dream_config c = config_of("modern", "64x64");
    struct dream *d = open_dream(&c, 1);
    struct snapshot *s = take(&c, d), *kept = buffer_alloc(snapshot_bytes(&c));
    memcpy(kept, s, snapshot_bytes(&c));
    for (int i = 0; i < 10; i++) {
        memcpy(s, kept, snapshot_bytes(&c));
        if (i == 0)
            snapshot_planes(s)[5] = NAN;
        else if (i == 1)
            snapshot_planes(s)[3 * 64 * 64 + 5] = INFINITY;
        else if (i == 2)
            snapshot_planes(s)[0] = 1e9f;
        else if (i == 3)
            s->target.count = PORT_SUBJECTS_MAX + 1;
        else if (i == 4)
            s->target.count = -1;
        else if (i == 5)
            memset(s->target.caption, 'x', sizeof s->target.caption);
        else if (i == 6)
            s->target.subjects[7].weight = NAN;
        else if (i == 7)
            s->z_frames = -1;
        else if (i == 8)
            s->dream.sums.chroma = -1; /* whose root is no number */
        else
            s->dream.moment = INT32_MIN;
        snapshot_seal(s, &c);
        assert_int_equal(check(s, snapshot_bytes(&c), &c), -EINVAL);
    }
    free(s);
    free(kept);
    dream_close(&d);
}

static void test_places_take_turns(void **state)
{
    (void)state;
    struct dream_config c = config_of("modern", "64x64");
    struct dream *d = open_dream(&c, 1);
    struct snapshots s = {.config = &c, .every_us = 3600000000LL, .taken = on_taken};
    taken_count = 0;
    snapshots_take(&s, d, 0, &goldfish, true); /* there is nowhere to put them */
    assert_int_equal(taken_count, 0);
    for (int i = 0; i < SNAPSHOT_PLACES; i++)
        s.places[i] = buffer_alloc(snapshot_bytes(&c));
    snapshots_take(&s, d, 1, &goldfish, false);
    snapshots_take(&s, d, 2, &goldfish, false); /* not yet */
    snapshots_take(&s, d, 3, &goldfish, true);
    snapshots_take(&s, d, 4, &goldfish, true);
    assert_int_equal(taken_count, 3);
    assert_int_equal(places_taken[0], 0);
    assert_int_equal(places_taken[1], 1);
    assert_int_equal(places_taken[2], 0);
    assert_int_equal(s.places[0]->z_frames, 4);
    assert_int_equal(s.places[1]->z_frames, 3);
    for (int i = 0; i < SNAPSHOT_PLACES; i++) {
        assert_int_equal(check(s.places[i], snapshot_bytes(&c), &c), 0);
        free(s.places[i]);
    }
    dream_close(&d);
}

/* ---- the file ---- */

static void on_log(void *context, enum log_level level, const char *part, const char *text)
{
    (void)context;
    (void)level;
    (void)part;
    snprintf(said + strlen(said), sizeof said - strlen(said), "%s\n", text);
}

static void keep(const struct dream_config *c, const struct snapshot *first, const struct snapshot *last)
{
    struct keeper *k;
    struct error e = {""};
    assert_int_equal(keeper_open(&k, path, c, model, &e), 0);
    assert_true(keeper_every_us(k) >= 60000000);
    keeper_offer(k, first, false);
    if (last)
        keeper_offer(k, last, true);
    keeper_close(&k);
    keeper_offer(k, first, true); /* nobody keeps anything: fine */
}

static void test_it_is_kept_in_a_file(void **state)
{
    (void)state;
    struct dream_config c = config_of("modern", "64x64");
    struct dream *d = open_dream(&c, 1);
    struct snapshot *s = take(&c, d), *later = take(&c, d);
    struct stat st;
    assert_null(keeper_read(path, &c, model));
    keep(&c, s, later);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    struct snapshot *r = keeper_read(path, &c, model);
    assert_non_null(r);
    assert_memory_equal(snapshot_planes(r), snapshot_planes(later), snapshot_bytes(&c) - SNAPSHOT_HEAD_BYTES);
    assert_int_equal(r->target.count, 1);
    assert_int_equal(r->z_frames + r->target.number + r->target.request_id, 0); /* another show */
    char *bytes;
    size_t size;
    assert_int_equal(file_read_all(path, 1 << 24, &bytes, &size, NULL), 0);
    assert_null(memmem(bytes, size, "ann", 3)); /* nobody's name */
    free(bytes);
    free(r);

    snapshot_planes(s)[7] = NAN; /* what cannot be used is not kept, and the last good one stays */
    snapshot_seal(s, &c);
    keep(&c, s, NULL);
    assert_non_null(r = keeper_read(path, &c, model));
    free(r);
    free(s);
    free(later);
    dream_close(&d);
}

static void write_file(const void *bytes, size_t size)
{
    assert_int_equal(file_write_whole(path, bytes, size, 0600, NULL), 0);
    said[0] = '\0';
}

static void test_damaged_and_foreign_files_are_told_and_ignored(void **state)
{
    (void)state;
    struct dream_config c = config_of("modern", "64x64"), other = config_of("modern", "96x64");
    struct dream *d = open_dream(&c, 1);
    struct snapshot *s = take(&c, d);
    size_t size = snapshot_bytes(&c);
    log_set_writer(on_log, NULL);
    write_file(s, size);
    assert_null(keeper_read(path, &other, model));
    assert_non_null(strstr(said, "was left by another one"));
    write_file(s, size - 100);
    assert_null(keeper_read(path, &c, model));
    assert_non_null(strstr(said, "it is damaged; the dream begins anew"));
    write_file("x", 1);
    assert_null(keeper_read(path, &c, model));
    assert_non_null(strstr(said, "it is no snapshot of a dream"));
    write_file("", 0);
    assert_null(keeper_read(path, &c, model));
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0); /* no file at all */
    said[0] = '\0';
    assert_null(keeper_read(path, &c, model));
    assert_true(said[0]);
    keep(&c, s, NULL);
    assert_non_null(strstr(said, "where the dream is cannot be kept"));
    log_set_writer(NULL, NULL);
    rmdir(path);
    free(s);
    dream_close(&d);
}

static int setup(void **state)
{
    (void)state;
    struct error e = {""};
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/dream.snapshot", folder);
    return model_load(&model, NULL, &e);
}

static int teardown(void **state)
{
    (void)state;
    model_close(&model);
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_other_dreams_are_foreign),
        cmocka_unit_test(test_damage_is_noticed),
        cmocka_unit_test(test_nonsense_is_refused),
        cmocka_unit_test(test_places_take_turns),
        cmocka_unit_test(test_it_is_kept_in_a_file),
        cmocka_unit_test(test_damaged_and_foreign_files_are_told_and_ignored),
    };
    return cmocka_run_group_tests_name("snapshot", tests, setup, teardown);
}
