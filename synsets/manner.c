/*
 * manner - where a thing is wanted, read from the end of what was typed for it; and wishes written out again.
 */
#include "synsets/manner.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct synsets_area synsets_area(enum synsets_place place)
{
    static const struct synsets_area areas[SYNSETS_PLACES] = {
        [SYNSETS_TOP] = {0, 0, 1, 0.5f},
        [SYNSETS_BOTTOM] = {0, 0.5f, 1, 1},
        [SYNSETS_LEFT] = {0, 0, 0.5f, 1},
        [SYNSETS_RIGHT] = {0.5f, 0, 1, 1},
        [SYNSETS_TOP_LEFT] = {0, 0, 0.5f, 0.5f},
        [SYNSETS_TOP_RIGHT] = {0.5f, 0, 1, 0.5f},
        [SYNSETS_BOTTOM_LEFT] = {0, 0.5f, 0.5f, 1},
        [SYNSETS_BOTTOM_RIGHT] = {0.5f, 0.5f, 1, 1},
        [SYNSETS_MIDDLE] = {0.3f, 0.25f, 0.7f, 0.75f},
    };
    return areas[place];
}

static const char *const place_names[SYNSETS_PLACES] = {
    [SYNSETS_TOP] = "top",
    [SYNSETS_BOTTOM] = "bottom",
    [SYNSETS_LEFT] = "left",
    [SYNSETS_RIGHT] = "right",
    [SYNSETS_TOP_LEFT] = "top left",
    [SYNSETS_TOP_RIGHT] = "top right",
    [SYNSETS_BOTTOM_LEFT] = "bottom left",
    [SYNSETS_BOTTOM_RIGHT] = "bottom right",
    [SYNSETS_MIDDLE] = "middle",
};

const char *synsets_place_name(enum synsets_place place)
{
    return place_names[place];
}

bool line_word_is(struct line_word w, const char *const *list)
{
    for (; *list; list++)
        if (strlen(*list) == w.bytes && strncasecmp(*list, w.text, w.bytes) == 0)
            return true;
    return false;
}

int line_last_words(const char *text, size_t bytes, struct line_word out[LINE_WORDS_MAX])
{
    int count = 0;
    while (count < LINE_WORDS_MAX) {
        while (bytes > 0 && strchr(" .!?", text[bytes - 1]))
            bytes--;
        size_t end = bytes;
        while (bytes > 0 && text[bytes - 1] != ' ')
            bytes--;
        if (end == bytes)
            break;
        out[count++] = (struct line_word){text + bytes, end - bytes};
    }
    return count;
}

static enum synsets_place corner(bool is_top, bool is_bottom, bool is_left, bool is_right)
{
    if (is_top)
        return is_left ? SYNSETS_TOP_LEFT : is_right ? SYNSETS_TOP_RIGHT : SYNSETS_TOP;
    if (is_bottom)
        return is_left ? SYNSETS_BOTTOM_LEFT : is_right ? SYNSETS_BOTTOM_RIGHT : SYNSETS_BOTTOM;
    return is_left ? SYNSETS_LEFT : is_right ? SYNSETS_RIGHT : SYNSETS_ANYWHERE;
}

enum synsets_place synsets_cut_place(const char *text, size_t *bytes)
{
    static const char *const tops[] = {"top", "upper", NULL}, *const bottoms[] = {"bottom", "lower", NULL},
                             *const lefts[] = {"left", NULL}, *const rights[] = {"right", NULL},
                             *const middles[] = {"middle", "center", "centre", NULL},
                             *const tails[] = {"corner", "side", "half", NULL}, *const the[] = {"the", NULL},
                             *const before[] = {"on", "in", "at", "to", NULL};
    struct line_word w[LINE_WORDS_MAX];
    int count = line_last_words(text, *bytes, w), at = count > 0 && line_word_is(w[0], tails);
    if (at >= count)
        return SYNSETS_ANYWHERE;
    bool left = line_word_is(w[at], lefts), right = line_word_is(w[at], rights),
         middle = line_word_is(w[at], middles);
    at += left || right || middle;
    bool top = !middle && at < count && line_word_is(w[at], tops);
    bool bottom = !middle && at < count && line_word_is(w[at], bottoms);
    at += top || bottom;
    enum synsets_place place = middle ? SYNSETS_MIDDLE : corner(top, bottom, left, right);
    if (place == SYNSETS_ANYWHERE)
        return place;
    at += at < count && line_word_is(w[at], the);
    at += at < count && line_word_is(w[at], before);
    if (at >= count)
        return SYNSETS_ANYWHERE; /* nothing is there */
    *bytes = (size_t)(w[at].text + w[at].bytes - text);
    return place;
}

static const char *sign_before(const struct synsets_result *r, int i)
{
    bool first = i == 0 || i == r->change.at;
    bool away = r->manner[i].weight < 0;
    if (i == r->change.at && r->change.at > 0)
        return away ? (r->change.wipes ? " >> -" : " > -") : (r->change.wipes ? " >> " : " > ");
    return away ? (first ? "-" : " -") : (first ? "" : " + ");
}

void synsets_label(const struct synsets_result *r, char *out, size_t size)
{
    size_t n = 0;
    out[0] = '\0';
    for (int i = 0; i < r->count && n < size; i++) {
        const struct synsets_manner *m = &r->manner[i];
        double weight = m->weight < 0 ? -(double)m->weight : (double)m->weight;
        char times[24] = "";
        if (weight != 0 && weight != 1)
            snprintf(times, sizeof times, "%.3g*", weight);
        n += (size_t)snprintf(out + n, size - n, "%s%s%s%s%s", sign_before(r, i), times,
                              synset_table[r->synset[i]].names[0], m->place ? " " : "",
                              m->place ? place_names[m->place] : "");
    }
}
