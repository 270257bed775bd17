/*
 * subjects - see subjects.h.
 */
#include "app/subjects.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/model/labels.h"

enum { NEAR_BYTES = 256 };

int subjects_known(const struct model *m, struct synsets_known *known)
{
    int count = 0;
    *known = (struct synsets_known){{false}};
    for (int i = 0; m->wnids && i < m->classes; i++) { /* NULL: the file does not name its classes */
        int synset = synsets_by_wnid(m->wnids[i]);
        if (synset < 0 || known->known[synset])
            continue;
        known->known[synset] = true;
        count++;
    }
    return count;
}

static int refuse(const struct synsets_result *r, const char *text, struct error *e)
{
    char near[NEAR_BYTES] = "";
    size_t n = 0;
    if (r->verdict == SYNSETS_EMPTY)
        return error_set(e, EINVAL, "-t \"%.80s\": there is no word in it", text);
    if (r->verdict == SYNSETS_TOO_MANY)
        return error_set(e, EINVAL, "-t \"%.80s\": more than %d things", text, SYNSETS_SUBJECTS_MAX);
    for (int i = 0; i < r->suggestion_count && n < sizeof near; i++)
        n += (size_t)snprintf(near + n, sizeof near - n, "%s%s",
                              i ? ", " : "; near it: ", r->suggestion_name[i]);
    return error_set(e, EINVAL, "\"%.80s\" %s%s", r->missing_name ? r->missing_name : text,
                     r->verdict == SYNSETS_LACKING || r->verdict == SYNSETS_HALF
                         ? "is a class that this model does not have"
                         : "names none of the classes",
                     n ? near : "; `reverie synsets --list` shows them all");
}

/* What stands in for what, for a person. */
static void tell_stand_ins(const struct synsets_result *r, struct error *note)
{
    size_t n = 0;
    note->text[0] = '\0';
    for (int i = 0; i < r->count && n < sizeof note->text; i++)
        if (r->subject[i].meant_name)
            n += (size_t)snprintf(note->text + n, sizeof note->text - n,
                                  "%sno %s in this model; %s comes nearest", n ? "; " : "",
                                  r->subject[i].meant_name, synset_table[r->synset[i]].names[0]);
}

int subjects_synset(const struct model *m, int class_index)
{
    return m && m->wnids && class_index >= 0 && class_index < m->classes
               ? synsets_by_wnid(m->wnids[class_index])
               : -1;
}

struct port_subject subjects_place(int class_index, const struct synsets_manner *m)
{
    struct synsets_area a = synsets_area(m->place);
    return (struct port_subject){
        .class_index = class_index, .weight = m->weight, a.left, a.top, a.right, a.bottom};
}

/* "goldfish" or "+ #3": the blanks around a part of a wish are no part of its name. */
static void trim(char *out, size_t size, const char *text, size_t bytes)
{
    while (bytes > 0 && isspace((unsigned char)text[0]))
        text++, bytes--;
    while (bytes > 0 && isspace((unsigned char)text[bytes - 1]))
        bytes--;
    snprintf(out, size, "%.*s", (int)bytes, text);
}

/* Every part of the wish is a class by number, id or label. 1: so it is; 0: there are words in it; -EINVAL with a
 * line. */
static int find_named(struct dream_target *t, const struct model *m, const char *text, struct error *e)
{
    *t = (struct dream_target){0};
    for (const char *part = text; *part;) {
        char name[MODEL_LABEL_BYTES];
        size_t bytes = strcspn(part, "+");
        trim(name, sizeof name, part, bytes);
        int index = model_named_class(m, name);
        if (index == -ERANGE)
            return error_set(e, EINVAL, "-t \"%.40s\": this model has %d classes, #0 to #%d", name,
                             m->classes, m->classes - 1);
        if (index < 0)
            return 0;
        if (t->count == DREAM_SUBJECTS_MAX)
            return error_set(e, EINVAL, "-t \"%.80s\": more than %d things", text, DREAM_SUBJECTS_MAX);
        t->subjects[t->count++] = (struct dream_subject){.class_index = index};
        part += bytes + (part[bytes] == '+');
    }
    return t->count > 0;
}

/* What a model without names can be asked for. */
static int refuse_nameless(const struct model *m, const char *text, struct error *e)
{
    if (m->is_headless)
        return error_set(e, EINVAL,
                         "-t \"%.80s\": this model's file has no classes; --layer NAME climbs its layers",
                         text);
    if (m->labels)
        return error_set(e, EINVAL, "-t \"%.80s\": is none of the labels; #0 to #%d are the classes' numbers",
                         text, m->classes - 1);
    return error_set(
        e, EINVAL,
        "-t \"%.80s\": this model's file does not name its classes; ask for #0 to #%d, or name them with "
        "--labels FILE",
        text, m->classes - 1);
}

int subjects_find(struct dream_target *t, const struct model *m, const char *text, struct error *note,
                  struct error *e)
{
    struct synsets_known known;
    struct synsets_result r;
    if (note)
        note->text[0] = '\0';
    int rc = m->is_headless ? 0 : find_named(t, m, text, e);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    if (!m->wnids)
        return refuse_nameless(m, text, e);
    subjects_known(m, &known);
    synsets_resolve(text, strlen(text), &known, &r);
    if (r.verdict != SYNSETS_OK && (r.verdict != SYNSETS_NEAREST || !note))
        return refuse(&r, text, e);
    if (r.change.at > 0)
        return error_set(e, EINVAL,
                         "-t \"%.80s\": one thing after another is for the show; a picture has one "
                         "moment",
                         text);
    if (note)
        tell_stand_ins(&r, note);
    *t = (struct dream_target){.count = r.count};
    for (int i = 0; i < r.count; i++) {
        struct synsets_area a = synsets_area(r.manner[i].place);
        t->subjects[i] = (struct dream_subject){.class_index = model_class(m, synset_table[r.synset[i]].wnid),
                                                .weight = r.manner[i].weight,
                                                .place = {a.left, a.top, a.right, a.bottom}};
    }
    return 0;
}
