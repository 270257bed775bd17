/*
 * jsonl - lines of JSON, as far as this folder writes them: one flat object a line, whose values are texts,
 * whole numbers or short lists of texts. Inside this folder only.
 */
#ifndef SHOW_JSONL_H
#define SHOW_JSONL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One object on its way into `out`. What does not fit any more makes the whole line nothing. */
struct jsonl_line {
    char *out;
    size_t size, n;
    bool full;
};

void jsonl_begin(struct jsonl_line *j, char *out, size_t size);
/* `value` is UTF-8; bytes that are none are left out. */
void jsonl_text(struct jsonl_line *j, const char *key, const char *value);
void jsonl_number(struct jsonl_line *j, const char *key, int64_t value);
void jsonl_texts(struct jsonl_line *j, const char *key, const char *const *values, int count);
/* Closes the object and ends the line. Returns its bytes, 0 when it did not fit. */
size_t jsonl_end(struct jsonl_line *j);

enum { JSONL_KEY_BYTES = 24, JSONL_TEXT_BYTES = 256, JSONL_LIST_MAX = 4 };

struct jsonl_member {
    char key[JSONL_KEY_BYTES];
    bool is_number;
    int64_t number;
    int count; /* of texts; 1 for a text that is no list */
    char text[JSONL_LIST_MAX][JSONL_TEXT_BYTES];
};

/* Reads one object of that shape, with or without its line end. Returns how many members, or -EINVAL for
 * anything else: more than `max`, longer texts, other types, rubbish. */
int jsonl_read(const char *line, struct jsonl_member *members, int max);

#endif
