/*
 * fuzz_tape - arbitrary bytes as a dream tape. The first byte says whether the bytes are the file as it is, or the payload
 * of one block behind a good head, or of two, with good checksums, so that what is behind them is reached as well. Whatever is
 * read must be in order and in bounds, the same when it is read again, and the same when it is written and read again.
 */
#include <math.h>

#include "common/text.h"
#include "tape/code.h"
#include "tape/reader.h"
#include "tests/fuzz/fuzz.h"

enum { EVENTS_MAX = 20000, ROOM = 1 << 16 };

/* ---- a file around the bytes ---- */

static void add_block(struct tape_out *file, const uint8_t *payload, size_t bytes)
{
    if (bytes == 0 || bytes > TAPE_BLOCK_BYTES)
        return;
    tape_put_fixed(file, bytes, 4);
    tape_put_fixed(file, tape_checksum(payload, bytes), 4);
    for (size_t i = 0; i < bytes; i++)
        tape_put_byte(file, payload[i]);
}

static void add_head(struct tape_out *file)
{
    static const struct tape_head head = {.version = "1.0",
                                          .model = "some",
                                          .hardware = "cpu",
                                          .seed = 7,
                                          .fps = 25,
                                          .settings = "dream.steps=3\n"};
    uint8_t payload[512];
    struct tape_out o = {.at = payload, .room = sizeof payload};
    tape_put_head(&o, &head);
    for (const char *c = TAPE_MAGIC "1\n"; *c; c++)
        tape_put_byte(file, *c);
    add_block(file, payload, o.used);
}

/* ---- what must hold ---- */

static bool is_line(const char *text, size_t size)
{
    size_t n = strnlen(text, size);
    return n < size && text_line_bytes(text, n) == n;
}

static void check_event(const struct tape_event *event, int64_t frame)
{
    must(event->frame >= frame && event->frame <= TAPE_FRAMES_MAX, "events are in order");
    if (event->kind == TAPE_TARGET)
        must(port_target_is_sound(&event->target) && event->target.number > 0, "a target can be dreamed");
    if (event->kind == TAPE_PICTURE)
        must(event->picture.z_frames >= 0 && event->picture.z_frames <= TAPE_FRAMES_MAX &&
                 event->picture.made.steps >= 0 && event->picture.made.frames >= 0 &&
                 event->picture.made.target >= 0,
             "a picture can be made");
    if (event->kind == TAPE_GAP)
        must(event->gap.repeated >= 0 && event->gap.skipped >= 0, "a gap takes time");
    for (int i = 0; i < TAPE_TEXTS && event->kind == TAPE_SIGNS; i++)
        must(is_line(event->signs.texts[i], TAPE_TEXT_BYTES), "signs are lines");
    must(event->kind != TAPE_NAME, "names are in the texts");
}

/* Down to bytes and back, from the same state as before: a state of its own for each direction. */
static void check_again(struct tape_state *written, struct tape_state *read, const struct tape_event *event)
{
    uint8_t bytes[TAPE_EVENT_BYTES];
    struct tape_out o = {.at = bytes, .room = sizeof bytes};
    struct tape_event again;
    int32_t run;
    tape_put_event(&o, written, event);
    must(!o.full, "an event fits");
    struct tape_in in = {.at = bytes, .size = o.used};
    must(tape_take_event(&in, read, &again, &run) && in.used == in.size && run == 0, "it can be read again");
    must(again.kind == event->kind, "it is the same kind");
    if (event->kind == TAPE_PICTURE)
        must(again.frame == event->frame && again.picture.z_frames == event->picture.z_frames &&
                 memcmp(&again.picture.made, &event->picture.made, sizeof again.picture.made) == 0,
             "it is the same picture");
    for (int i = 0; i < TAPE_TEXTS && event->kind == TAPE_SIGNS; i++)
        must(strcmp(again.signs.texts[i], event->signs.texts[i]) == 0, "they are the same signs");
    if (event->kind == TAPE_TARGET)
        must(again.target.number == event->target.number && again.target.count == event->target.count &&
                 strcmp(again.target.caption, event->target.caption) == 0,
             "it is the same target");
}

static int64_t read_all(struct tape_reader *r)
{
    struct tape_state written = {0}, read = {0};
    struct tape_event event;
    struct error e = {""};
    int64_t frame = 0, pictures = 0;
    int rc = 1;
    for (int i = 0; i < EVENTS_MAX && (rc = tape_reader_next(r, &event, &e)) == 1; i++) {
        check_event(&event, frame);
        check_again(&written, &read, &event);
        frame = event.frame;
        pictures += event.kind == TAPE_PICTURE;
    }
    must(rc >= 0, "what was good at first is good again");
    const struct tape_summary *s = tape_reader_summary(r);
    must(frame <= s->frames && pictures <= s->pictures && s->good_bytes <= s->bytes, "the summary is true");
    if (rc == 0)
        must(pictures == s->pictures, "the summary counts all");
    return frame;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct tape_out file = {.at = xmalloc(ROOM), .room = ROOM};
    size_t rest = size - 1 < TAPE_BLOCK_BYTES / 2 ? size - 1 : TAPE_BLOCK_BYTES / 2;
    if (data[0] % 3 == 0) {
        for (size_t i = 0; i < rest; i++)
            tape_put_byte(&file, data[1 + i]);
    } else {
        size_t first = data[0] % 3 == 1 ? rest : rest / 2;
        add_head(&file);
        add_block(&file, data + 1, first);
        add_block(&file, data + 1 + first, rest - first);
    }
    struct fuzz_file f = fuzz_file_open(file.at, file.used);
    struct tape_reader *r;
    struct error e = {""};
    if (tape_reader_open(&r, f.path, &e) == 0) {
        int64_t frame = read_all(r);
        tape_reader_rewind(r);
        must(read_all(r) == frame, "it is the same when it is read again");
        must(tape_reader_head(r)->fps > 0, "a head makes sense");
        tape_reader_close(&r);
    } else {
        must(e.text[0] && !r, "a refusal has its line");
    }
    fuzz_file_close(&f);
    free(file.at);
    return 0;
}
