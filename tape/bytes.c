/*
 * bytes - see bytes.h.
 */
#include "tape/bytes.h"

#include <math.h>
#include <string.h>

#include "common/text.h"

/* As in many a hash: each byte is turned through all others. Against damage, not against forgers. */
uint32_t tape_checksum(const uint8_t *data, size_t bytes)
{
    uint64_t sum = 0x9e3779b97f4a7c15u + bytes;
    for (size_t i = 0; i < bytes; i++) {
        sum = (sum ^ data[i]) * 0x100000001b3u;
        sum ^= sum >> 29;
    }
    return (uint32_t)(sum ^ sum >> 32);
}

/* ---- numbers ---- */

static void put_bytes(struct tape_out *o, const void *data, size_t bytes)
{
    if (bytes > o->room - o->used) {
        o->full = true;
        return;
    }
    memcpy(o->at + o->used, data, bytes);
    o->used += bytes;
}

void tape_put_byte(struct tape_out *o, int v)
{
    uint8_t byte = (uint8_t)v;
    put_bytes(o, &byte, 1);
}

void tape_put_count(struct tape_out *o, uint64_t v)
{
    for (; v >= 128; v >>= 7)
        tape_put_byte(o, (int)(v & 127) | 128);
    tape_put_byte(o, (int)v);
}

/* Small for small numbers of either sign. */
void tape_put_number(struct tape_out *o, int64_t v)
{
    tape_put_count(o, v < 0 ? ~((uint64_t)v << 1) : (uint64_t)v << 1);
}

void tape_put_fixed(struct tape_out *o, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        tape_put_byte(o, (int)(v >> 8 * i & 255));
}

void tape_put_float(struct tape_out *o, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    tape_put_fixed(o, bits, 4);
}

void tape_put_double(struct tape_out *o, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    tape_put_fixed(o, bits, 8);
}

int tape_take_byte(struct tape_in *in)
{
    if (in->bad || in->used == in->size) {
        in->bad = true;
        return 0;
    }
    return in->at[in->used++];
}

static uint64_t take_count(struct tape_in *in)
{
    uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        int byte = tape_take_byte(in);
        if (shift == 63 && byte > 1)
            break;
        v |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return v;
    }
    in->bad = true;
    return 0;
}

/* A count of at most `most`. */
int64_t tape_take_up_to(struct tape_in *in, int64_t most)
{
    uint64_t v = take_count(in);
    in->bad = in->bad || v > (uint64_t)most;
    return in->bad ? 0 : (int64_t)v;
}

int64_t tape_take_number(struct tape_in *in)
{
    uint64_t v = take_count(in);
    return (int64_t)(v & 1 ? ~(v >> 1) : v >> 1);
}

uint64_t tape_take_fixed(struct tape_in *in, int bytes)
{
    uint64_t v = 0;
    for (int i = 0; i < bytes; i++)
        v |= (uint64_t)tape_take_byte(in) << 8 * i;
    return v;
}

float tape_take_float(struct tape_in *in)
{
    uint32_t bits = (uint32_t)tape_take_fixed(in, 4);
    float v;
    memcpy(&v, &bits, sizeof v);
    in->bad = in->bad || !isfinite(v);
    return in->bad ? 0 : v;
}

double tape_take_double(struct tape_in *in)
{
    uint64_t bits = tape_take_fixed(in, 8);
    double v;
    memcpy(&v, &bits, sizeof v);
    in->bad = in->bad || !isfinite(v);
    return in->bad ? 0 : v;
}

/* ---- texts ---- */

void tape_put_text(struct tape_out *o, const char *text)
{
    size_t n = strlen(text);
    tape_put_count(o, n);
    put_bytes(o, text, n);
}

/* Into out[size]. `lines`: it may have line breaks. */
void tape_take_text(struct tape_in *in, char *out, size_t size, bool lines)
{
    size_t n = (size_t)tape_take_up_to(in, (int64_t)size - 1), at = 0;
    in->bad = in->bad || n > in->size - in->used;
    out[0] = '\0';
    if (in->bad)
        return;
    memcpy(out, in->at + in->used, n);
    out[n] = '\0';
    in->used += n;
    do
        at += text_line_bytes(out + at, n - at);
    while (lines && at < n && out[at] == '\n' && ++at);
    in->bad = at != n;
}

/* What `text` has in common with `old`, in front and behind; the two never lap over each other in either. */
static void compare(const char *old, const char *text, size_t *front, size_t *behind)
{
    size_t had = strlen(old), has = strlen(text), least = had < has ? had : has;
    *front = *behind = 0;
    while (*front < least && old[*front] == text[*front])
        (*front)++;
    while (*behind < least - *front && old[had - 1 - *behind] == text[has - 1 - *behind])
        (*behind)++;
}

void tape_put_change(struct tape_out *o, const char *old, const char *text)
{
    size_t front, behind, n = strlen(text);
    compare(old, text, &front, &behind);
    tape_put_count(o, front);
    tape_put_count(o, behind);
    tape_put_count(o, n - front - behind);
    put_bytes(o, text + front, n - front - behind);
}

void tape_take_change(struct tape_in *in, char text[TAPE_TEXT_BYTES])
{
    char old[TAPE_TEXT_BYTES];
    size_t had = text_copy(old, sizeof old, text);
    size_t front = (size_t)tape_take_up_to(in, (int64_t)had);
    size_t behind = (size_t)tape_take_up_to(in, (int64_t)(had - front));
    size_t between = (size_t)tape_take_up_to(in, (int64_t)(TAPE_TEXT_BYTES - 1 - front - behind));
    in->bad = in->bad || between > in->size - in->used;
    if (in->bad)
        return;
    memcpy(text + front, in->at + in->used, between);
    memcpy(text + front + between, old + had - behind, behind);
    size_t n = front + between + behind;
    text[n] = '\0';
    in->used += between;
    in->bad = text_line_bytes(text, n) != n;
}
