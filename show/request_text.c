/*
 * request_text - a request in words: its label and caption for people, and its subjects as the store keeps them.
 *
 * In the store they are WordNet ids with blanks between; what is wanted otherwise than the usual way follows
 * its id: "n01443537*3@5" is three parts of goldfish at place 5. ">30" or ">>30" stands before those that come
 * later, in 30 seconds. Ids alone are what older versions wrote and read; a wish with signs means nothing to them and
 * is passed over.
 */
#include "show/requests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

bool request_is_same(const struct request *a, const struct request *b)
{
    if (a->count != b->count || a->change.at != b->change.at || a->change.wipes != b->change.wipes ||
        a->change.s != b->change.s)
        return false;
    for (int i = 0; i < a->count; i++)
        if (a->synset[i] != b->synset[i] || a->manner[i].weight != b->manner[i].weight ||
            a->manner[i].place != b->manner[i].place)
            return false;
    return true;
}

bool request_is_halves(const struct request *q)
{
    bool halves = q->count == 2 && q->change.at == 0;
    for (int i = 0; i < q->count; i++)
        halves = halves && q->manner[i].weight == 0 && q->manner[i].place == SYNSETS_ANYWHERE;
    return halves;
}

void request_label(const struct request *q, char *out, size_t size)
{
    struct synsets_result r = {.count = q->count, .change = q->change};
    memcpy(r.synset, q->synset, sizeof r.synset);
    memcpy(r.manner, q->manner, sizeof r.manner);
    synsets_label(&r, out, size);
}

void request_caption(const struct request *q, char *out, size_t size)
{
    char label[SYNSETS_LABEL_BYTES], text[SYNSETS_LABEL_BYTES + REQUEST_USER_BYTES + 8];
    request_label(q, label, sizeof label);
    if (!q->user[0])
        snprintf(text, sizeof text, "%s ~", label);
    else
        snprintf(text, sizeof text, "%s  @%s", label, q->user);
    text_copy(out, size, text);
}

void request_write_subjects(const struct request *q, char out[REQUEST_SUBJECTS_BYTES])
{
    size_t n = 0;
    out[0] = '\0';
    for (int i = 0; i < q->count && q->synset[i] >= 0; i++) {
        const struct synsets_manner *m = &q->manner[i];
        if (n > 0)
            n += (size_t)snprintf(out + n, REQUEST_SUBJECTS_BYTES - n, " ");
        if (i == q->change.at && (i > 0 || q->change.s > 0))
            n += (size_t)snprintf(out + n, REQUEST_SUBJECTS_BYTES - n, "%s%.0f ",
                                  q->change.wipes ? ">>" : ">", q->change.s);
        n += (size_t)snprintf(out + n, REQUEST_SUBJECTS_BYTES - n, "%s", synset_table[q->synset[i]].wnid);
        if (m->weight != 0)
            n += (size_t)snprintf(out + n, REQUEST_SUBJECTS_BYTES - n, "*%.3g", (double)m->weight);
        if (m->place != SYNSETS_ANYWHERE)
            n += (size_t)snprintf(out + n, REQUEST_SUBJECTS_BYTES - n, "@%d", (int)m->place);
    }
}

static double number_within(const char *text, double low, double high)
{
    double v = strtod(text, NULL);
    return v >= low && v <= high ? v : 0;
}

static void read_subject(struct request *q, char *token)
{
    char *place = strchr(token, '@'), *weight = strchr(token, '*');
    struct synsets_manner m = {.weight = 0};
    if (place)
        m.place = (enum synsets_place)number_within(place + 1, 0, SYNSETS_PLACES - 1);
    if (weight)
        m.weight = (float)number_within(weight + 1, -9, 9);
    token[strcspn(token, "*@")] = '\0';
    q->manner[q->count] = m;
    q->synset[q->count++] = synsets_by_wnid(token);
}

void request_read_subjects(struct request *q, const char *text)
{
    char copy[REQUEST_SUBJECTS_BYTES], *rest = copy;
    text_copy(copy, sizeof copy, text);
    q->count = 0;
    q->change = (struct synsets_change){.at = 0};
    for (char *token; q->count < REQUESTS_SUBJECTS_MAX && (token = strsep(&rest, " "));) {
        if (token[0] == '>')
            q->change = (struct synsets_change){
                q->count, number_within(token + strspn(token, ">"), 0, SYNSETS_CHANGE_MAX_S),
                token[1] == '>'};
        else if (token[0])
            read_subject(q, token);
    }
    if (q->change.at >= q->count)
        q->change = (struct synsets_change){.at = 0};
}
