/*
 * A tape: what is written is read again, a name that is forgotten is nowhere in the file, a file that ends in the middle or
 * is damaged says so and how far it goes, and a day is small.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file.h"
#include "common/mem.h"
#include "tape/reader.h"
#include "tape/writer.h"

enum { DAY_S = 86400, FILE_MAX = 64 << 20 };

static char folder[] = "/tmp/reverie-test-XXXXXX", path[64];
static const struct tape_head head = {.version = "1.2",
                                      .model = "embedded",
                                      .hardware = "cpu, avx2",
                                      .fingerprint = 0x1234567890abcdefu,
                                      .seed = 7,
                                      .began_s = 1795824000,
                                      .fps = 25,
                                      .settings = "dream.steps=10\ncamera.zoom=1.1\n"};

static struct tape_writer *begin(void)
{
    struct tape_writer *w;
    struct error e = {""};
    unlink(path);
    if (tape_writer_open(&w, path, &head, &e) < 0)
        fail_msg("%s", e.text);
    return w;
}

static struct tape_reader *open_tape(void)
{
    struct tape_reader *r;
    struct error e = {""};
    if (tape_reader_open(&r, path, &e) < 0)
        fail_msg("%s", e.text);
    return r;
}

static struct tape_event next(struct tape_reader *r)
{
    struct tape_event event = {.kind = 0};
    struct error e = {""};
    if (tape_reader_next(r, &event, &e) != 1)
        fail_msg("an event is missing: %s", e.text);
    return event;
}

static void put_target(struct tape_writer *w, int64_t number, int64_t request_id, const char *caption)
{
    struct tape_event event = {.kind = TAPE_TARGET,
                               .target = {.number = number,
                                          .request_id = request_id,
                                          .fade_s = 2,
                                          .count = 2,
                                          .subjects = {{.class_index = 5, .weight = 1},
                                                       {.class_index = 9,
                                                        .weight = -0.5f,
                                                        .left = 0.1f,
                                                        .top = 0.2f,
                                                        .right = 0.3f,
                                                        .bottom = 0.4f}}}};
    snprintf(event.target.caption, sizeof event.target.caption, "%s", caption);
    tape_writer_put(w, &event);
}

static void put_picture(struct tape_writer *w, int64_t frame, int64_t z_frames, struct keyframe_making made)
{
    const struct tape_event event = {
        .kind = TAPE_PICTURE, .frame = frame, .picture = {.z_frames = z_frames, .made = made}};
    tape_writer_put(w, &event);
}

static void put_sign(struct tape_writer *w, int64_t frame, const char *text)
{
    struct tape_event event = {.kind = TAPE_SIGNS, .frame = frame, .signs.belief = -1};
    snprintf(event.signs.texts[3], TAPE_TEXT_BYTES, "%s", text);
    tape_writer_put(w, &event);
}

/* ---- what is written is read ---- */

static void test_all_kinds_are_read_as_they_were_written(void **state)
{
    (void)state;
    struct tape_writer *w = begin();
    put_picture(w, 0, 0, (struct keyframe_making){0});
    tape_writer_name(w, 3, "ann");
    put_target(w, 1, 3, "goldfish + pizza  @ann");
    put_picture(w, 0, 25, (struct keyframe_making){.frames = 25, .steps = 10, .target = 1, .looked = 1});
    const struct tape_event motion = {
        .kind = TAPE_TARGET,
        .target = {
            .number = 2, .only_motion = 1, .motion = {.speed = 3, .for_s = 10, .aims = 1, .x = -0.35f}}};
    tape_writer_put(w, &motion);
    const struct tape_event front = {.kind = TAPE_TARGET,
                                     .target = {.number = 3, .only_front = 1, .front = 0.75f}};
    tape_writer_put(w, &front);
    const struct tape_event gap = {.kind = TAPE_GAP, .frame = 30, .gap = {.repeated = 2, .skipped = 5}};
    tape_writer_put(w, &gap);
    put_picture(w, 40, 90,
                (struct keyframe_making){
                    .frames = 30, .steps = 4, .resumes = 1, .resumed_z = 25, .rehearsed = 15, .wished = 1});
    struct tape_event signs = {
        .kind = TAPE_SIGNS, .frame = 41, .signs = {.mark = TAPE_FRONT_OWN, .front = 0.3, .belief = 0.75}};
    strcpy(signs.signs.texts[1], "!2 pizza");
    tape_writer_put(w, &signs);
    const struct tape_event withdrawn = {.kind = TAPE_WITHDRAWN, .frame = 50, .withdrawn = 3};
    tape_writer_put(w, &withdrawn);
    tape_writer_close(&w, 60);
    assert_null(w);

    struct tape_reader *r = open_tape();
    assert_memory_equal(tape_reader_head(r)->settings, head.settings, sizeof head.settings);
    assert_string_equal(tape_reader_head(r)->hardware, "cpu, avx2");
    assert_true(tape_reader_head(r)->fingerprint == head.fingerprint);
    const struct tape_summary *s = tape_reader_summary(r);
    assert_true(s->has_end && !s->is_damaged && s->frames == 60 && s->pictures == 3 &&
                s->good_bytes == s->bytes);
    struct tape_event event = next(r);
    assert_int_equal(event.kind, TAPE_PICTURE);
    event = next(r);
    assert_int_equal(event.kind, TAPE_TARGET);
    assert_string_equal(event.target.caption, "goldfish + pizza  @ann");
    assert_int_equal(event.target.subjects[1].class_index, 9);
    assert_true(event.target.subjects[1].weight == -0.5f && event.target.subjects[1].bottom == 0.4f);
    assert_true(event.target.subjects[0].right == 0 && event.target.fade_s == 2);
    event = next(r);
    assert_true(event.picture.z_frames == 25 && event.picture.made.steps == 10 &&
                event.picture.made.target == 1);
    event = next(r);
    assert_true(event.target.only_motion && event.target.motion.x == -0.35f && event.target.motion.aims == 1);
    event = next(r);
    assert_true(event.target.only_front && event.target.front == 0.75f && event.target.number == 3);
    event = next(r);
    assert_true(event.kind == TAPE_GAP && event.frame == 30 && event.gap.repeated == 2 &&
                event.gap.skipped == 5);
    event = next(r);
    assert_true(event.frame == 40 && event.picture.z_frames == 90 && event.picture.made.resumes == 1);
    assert_true(event.picture.made.resumed_z == 25 && event.picture.made.rehearsed == 15);
    event = next(r);
    assert_true(event.signs.mark == TAPE_FRONT_OWN && event.signs.front == 0.3 && event.signs.belief == 0.75);
    assert_string_equal(event.signs.texts[1], "!2 pizza");
    event = next(r);
    assert_true(event.kind == TAPE_WITHDRAWN && event.frame == 50 && event.withdrawn == 3);
    event = next(r);
    assert_true(event.kind == TAPE_END && event.frame == 60);
    struct error e;
    assert_int_equal(tape_reader_next(r, &event, &e), 0);
    tape_reader_close(&r);
}

static void test_a_run_is_one_record_and_all_its_pictures(void **state)
{
    (void)state;
    struct tape_writer *w = begin();
    put_picture(w, 0, 0, (struct keyframe_making){0});
    for (int i = 1; i <= 5000; i++)
        put_picture(w, i, i, (struct keyframe_making){.frames = 1, .steps = i == 4000 ? 2 : 3});
    tape_writer_close(&w, 5001);
    struct tape_reader *r = open_tape();
    assert_true(tape_reader_summary(r)->pictures == 5001 && tape_reader_summary(r)->frames == 5001);
    assert_true(tape_reader_summary(r)->bytes < 600);
    for (int i = 0; i <= 5000; i++) {
        struct tape_event event = next(r);
        assert_true(event.frame == i && event.picture.z_frames == i);
        assert_int_equal(event.picture.made.steps, i == 0 ? 0 : i == 4000 ? 2 : 3);
    }
    tape_reader_rewind(r);
    assert_int_equal(next(r).frame, 0);
    tape_reader_close(&r);
}

/* ---- names ---- */

static char *whole_file(size_t *bytes)
{
    char *text;
    struct error e = {""};
    if (file_read_all(path, FILE_MAX, &text, bytes, &e) < 0)
        fail_msg("%s", e.text);
    return text;
}

static bool file_holds(const char *what)
{
    size_t bytes;
    char *text = whole_file(&bytes);
    bool holds = memmem(text, bytes, what, strlen(what)) != NULL;
    free(text);
    return holds;
}

static void test_a_name_that_is_forgotten_is_nowhere(void **state)
{
    (void)state;
    struct tape_writer *w = begin();
    tape_writer_name(w, 3, "ann");
    tape_writer_name(w, 4, "annabelle");
    put_picture(w, 0, 0, (struct keyframe_making){0});
    put_target(w, 1, 3, "goldfish  @ann");
    put_sign(w, 1, "next: pizza  @annabelle, in about 24 s");
    usleep((TAPE_FLUSH_MS + 500) * 1000);
    assert_true(file_holds("annabelle")); /* on the disk before it is forgotten */
    tape_writer_name(w, 5, "bertha");
    put_sign(w, 2, "next: pizza  @annabelle, in about 23 s");
    put_sign(w, 3, "next: cliff  @bertha, in about 23 s");
    tape_writer_forget(w, 4);
    tape_writer_forget(w, 5); /* waits for the disk at this moment */
    tape_writer_close(&w, 9);
    assert_false(file_holds("belle"));
    assert_false(file_holds("bertha"));
    assert_true(file_holds("ann"));

    struct tape_reader *r = open_tape();
    next(r);
    assert_string_equal(next(r).target.caption, "goldfish  @ann");
    assert_string_equal(next(r).signs.texts[3], "next: pizza, in about 24 s");
    assert_string_equal(next(r).signs.texts[3], "next: pizza, in about 23 s");
    assert_string_equal(next(r).signs.texts[3], "next: cliff, in about 23 s");
    tape_reader_close(&r);
}

static void test_the_file_is_its_owners_and_new(void **state)
{
    (void)state;
    struct tape_writer *w = begin();
    tape_writer_close(&w, 0);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    struct error e = {""};
    assert_int_equal(tape_writer_open(&w, path, &head, &e), -EEXIST);
    assert_null(w);
    unlink(path);
    assert_int_equal(symlink("/tmp/reverie-test-nowhere", path), 0);
    assert_true(tape_writer_open(&w, path, &head, &e) < 0);
    unlink(path);
}

/* ---- what has gone wrong ---- */

static void write_show(int pictures)
{
    struct tape_writer *w = begin();
    for (int i = 0; i < pictures; i++)
        put_picture(w, 5 * i, 5 * i, (struct keyframe_making){.frames = i ? 5 : 0, .steps = i % 7});
    tape_writer_close(&w, 5 * pictures);
}

static void cut_to(size_t bytes, size_t zeros)
{
    size_t had;
    struct error e;
    char *text = whole_file(&had);
    text = xrealloc(text, bytes + zeros + 1);
    memset(text + bytes, 0, zeros);
    assert_int_equal(file_write_whole(path, text, bytes + zeros, 0600, &e), 0);
    free(text);
}

static void test_a_torn_tape_goes_up_to_its_last_whole_block(void **state)
{
    (void)state;
    for (int zeros = 0; zeros <= 5000; zeros += 5000) {
        write_show(20000);
        struct tape_reader *r = open_tape();
        size_t bytes = (size_t)tape_reader_summary(r)->bytes;
        tape_reader_close(&r);
        cut_to(bytes - 3, (size_t)zeros);
        r = open_tape();
        const struct tape_summary *s = tape_reader_summary(r);
        assert_true(!s->has_end && !s->is_damaged && s->good_bytes < s->bytes);
        assert_true(s->frames > 5000 && s->frames < 5 * 20000);
        int64_t count = 0;
        struct tape_event event;
        struct error e;
        while (tape_reader_next(r, &event, &e) == 1)
            count++;
        assert_true(count == s->pictures);
        tape_reader_close(&r);
    }
}

static void test_damage_in_the_middle_is_found(void **state)
{
    (void)state;
    write_show(60000);
    size_t bytes;
    char *text = whole_file(&bytes);
    struct error e = {""};
    text[bytes / 2] ^= 4;
    assert_int_equal(file_write_whole(path, text, bytes, 0600, &e), 0);
    struct tape_reader *r = open_tape();
    const struct tape_summary *s = tape_reader_summary(r);
    assert_true(s->is_damaged && s->good_bytes <= (int64_t)bytes / 2 && s->frames > 0);
    tape_reader_close(&r);
    text[bytes / 2] ^= 4;
    text[40] ^= 1; /* the head */
    assert_int_equal(file_write_whole(path, text, bytes, 0600, &e), 0);
    assert_int_equal(tape_reader_open(&r, path, &e), -EINVAL);
    assert_non_null(strstr(e.text, "damaged at byte"));
    free(text);
}

static void refuse(const char *content, int rc, const char *line)
{
    struct error e = {""};
    struct tape_reader *r;
    assert_int_equal(file_write_whole(path, content, strlen(content), 0600, &e), 0);
    assert_int_equal(tape_reader_open(&r, path, &e), rc);
    assert_null(r);
    if (!strstr(e.text, line) || !strstr(e.text, path))
        fail_msg("it says: %s", e.text);
}

static void test_what_is_no_tape_or_newer_is_refused(void **state)
{
    (void)state;
    refuse("", -EINVAL, "is no dream tape");
    refuse("reverie tape", -EINVAL, "is no dream tape");
    refuse("ftypisom, a recording and no tape", -EINVAL, "is no dream tape");
    refuse("reverie tape 2\nwhatever", -ENOTSUP, "is a tape of format 2, and this program knows format 1");
    refuse("reverie tape 1\n", -EINVAL, "ends before the show begins");
}

/* ---- a day ---- */

/* Keyframes every 200 ms, as fast as they come, a step count that never rests, somebody always waiting with the
 * seconds on the picture, a wish a minute, and half an hour of a tug of war in every hour. */
static void test_a_day_is_below_ten_megabytes(void **state)
{
    (void)state;
    struct tape_writer *w = begin();
    char text[TAPE_TEXT_BYTES];
    int64_t number = 0;
    for (int64_t s = 0; s < DAY_S; s++) {
        if (s % 60 == 0) {
            snprintf(text, sizeof text, "viewer_%lld", (long long)s);
            tape_writer_name(w, s + 1, text);
            snprintf(text, sizeof text, "king penguin + goldfish  @viewer_%lld", (long long)s);
            put_target(w, ++number, s + 1, text);
        }
        for (int i = 0; i < 5; i++) {
            bool pulls = s % 3600 < 1800;
            const struct tape_event front = {
                .kind = TAPE_TARGET, .target = {.number = number + 1, .only_front = 1, .front = 0.5f}};
            number += pulls;
            if (pulls)
                tape_writer_put(w, &front);
            put_picture(w, 25 * s + 5 * i, 25 * s + 5 * i + 5,
                        (struct keyframe_making){.frames = 5,
                                                 .steps = 3 + (int)(s + i) % 3,
                                                 .looked = i == 0,
                                                 .target = pulls ? number : 0});
        }
        snprintf(text, sizeof text, "next: king penguin + goldfish  @viewer_%lld, in about %d s",
                 (long long)(s - s % 60), 60 - (int)(s % 60));
        put_sign(w, 25 * s + 24, text);
        if (s % 2000 == 1999)
            usleep(20000); /* it comes faster than any disk would like */
    }
    tape_writer_close(&w, 25 * DAY_S);
    struct tape_reader *r = open_tape();
    const struct tape_summary *s = tape_reader_summary(r);
    printf("a day: %.2f MB for %lld keyframes\n", (double)s->bytes / 1e6, (long long)s->pictures);
    assert_true(s->has_end && s->frames == 25 * DAY_S && s->pictures == 5 * DAY_S);
    assert_true(s->bytes < 10000000);
    tape_reader_close(&r);
}

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/t.tape", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_kinds_are_read_as_they_were_written),
        cmocka_unit_test(test_a_run_is_one_record_and_all_its_pictures),
        cmocka_unit_test(test_a_name_that_is_forgotten_is_nowhere),
        cmocka_unit_test(test_the_file_is_its_owners_and_new),
        cmocka_unit_test(test_a_torn_tape_goes_up_to_its_last_whole_block),
        cmocka_unit_test(test_damage_in_the_middle_is_found),
        cmocka_unit_test(test_what_is_no_tape_or_newer_is_refused),
        cmocka_unit_test(test_a_day_is_below_ten_megabytes),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
