/*
 * request_text: what the store keeps of a wish comes back as it was, whatever else is read is sound, and labels say it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "common/mem.h"
#include "common/rng.h"
#include "show/requests.h"

static void comes_back(const char *line)
{
    struct synsets_known known;
    struct synsets_result r;
    for (int i = 0; i < SYNSET_COUNT; i++)
        known.known[i] = true;
    synsets_resolve(line, strlen(line), &known, &r);
    assert_true(synsets_granted(&r));
    struct request q = {.count = r.count, .change = r.change}, again = {.id = 1};
    memcpy(q.synset, r.synset, sizeof q.synset);
    memcpy(q.manner, r.manner, sizeof q.manner);
    char text[REQUEST_SUBJECTS_BYTES], label[SYNSETS_LABEL_BYTES], second[SYNSETS_LABEL_BYTES];
    request_write_subjects(&q, text);
    request_read_subjects(&again, text);
    if (!request_is_same(&q, &again))
        fail_msg("\"%s\" comes back otherwise from \"%s\"", line, text);
    request_label(&q, label, sizeof label);
    request_label(&again, second, sizeof second);
    assert_string_equal(label, second);
}

static void wishes_come_back(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "goldfish",
        "goldfish + pizza",
        "3*goldfish + pizza",
        "goldfish -0.5*pizza",
        "goldfish left + lemon top right",
        "goldfish > pizza 30s",
        "goldfish >> pizza 9s",
        "> pizza 40s",
        ">> pizza 40s",
        "goldfish + lemon > 2*pizza middle",
        "9*goldfish left + 9*pizza right + 9*lemon top left + 9*lion middle + tiger + zebra + castle + mosque",
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        comes_back(lines[i]);
    struct request q = {.id = 1};
    request_read_subjects(&q, "n01443537 n07873807"); /* as older versions wrote it */
    assert_int_equal(q.count, 2);
    assert_true(q.manner[0].weight == 0 && q.manner[1].place == SYNSETS_ANYWHERE && q.change.at == 0);
}

static void anything_can_be_read(void **state)
{
    (void)state;
    static const char letters[] = "n01443537*@>.- 9e";
    struct rng rng = rng_make(1, 1);
    for (int i = 0; i < 20000; i++) {
        char text[REQUEST_SUBJECTS_BYTES], label[SYNSETS_LABEL_BYTES];
        struct request q = {.id = 1};
        size_t n = rng_below(&rng, sizeof text - 1);
        for (size_t k = 0; k < n; k++)
            text[k] = letters[rng_below(&rng, sizeof letters - 1)];
        text[n] = '\0';
        if (i % 2)
            memcpy(text, "n01443537*", n < 10 ? n : 10);
        request_read_subjects(&q, text);
        assert_true(q.count >= 0 && q.count <= REQUESTS_SUBJECTS_MAX);
        assert_true(q.change.at >= 0 && (q.change.at == 0 || q.change.at < q.count));
        assert_true(q.change.s >= 0 && q.change.s <= SYNSETS_CHANGE_MAX_S);
        for (int k = 0; k < q.count; k++) {
            assert_true(q.manner[k].place >= 0 && q.manner[k].place < SYNSETS_PLACES);
            assert_true(q.manner[k].weight >= -9 && q.manner[k].weight <= 9);
            if (q.synset[k] < 0)
                q.synset[k] = 0;
        }
        request_label(&q, label, sizeof label);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wishes_come_back),
        cmocka_unit_test(anything_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
