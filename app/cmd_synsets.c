/*
 * cmd_synsets - `reverie synsets`: how a line of chat resolves with a model, and which classes the model has.
 *
 * Results go to stdout, faults to stderr. Exit 0: the line is a request; 1: it is not, or the model cannot be
 * read; 2: wrong usage.
 */
#include <stdio.h>
#include <string.h>

#include "app/args.h"
#include "app/commands.h"
#include "app/subjects.h"
#include "common/mem.h"
#include "common/text.h"

struct arguments {
    const char *model;
    bool list;
    char text[SYNSETS_LINE_BYTES]; /* the operands, joined by blanks */
};

static const struct arg rows[] = {
    ARG_TEXT('m', "model", "FILE", struct arguments, model, "weights to ask; without it the embedded model"),
    ARG_FLAG(
        0, "list", struct arguments, list,
        "the classes that the model has: wnid, index, names; of a kind (\"dog\") or with TEXT in a name"),
};

/* ARGS_OK, or the exit code after a line on stderr. */
static int parse_arguments(struct arguments *a, int argc, char **argv)
{
    const struct args_command command = {
        .name = "synsets",
        .operands = "TEXT...",
        .text =
            "Shows how a line of chat resolves: the classes that it names, how each was understood, and whether\n"
            "the model has them; or what is near when it names none.\n",
        .args = rows,
        .count = ARRAY_LEN(rows),
        .values = a};
    int first;
    int rc = args_parse(&command, argc, argv, &first);
    if (rc != ARGS_OK)
        return rc;
    if (!args_join(argc, argv, first, a->text, sizeof a->text))
        return args_fault(&command, "the text has more than %d bytes", SYNSETS_LINE_BYTES - 1);
    if (!a->list && first == argc)
        return args_fault(&command, "which text?");
    return ARGS_OK;
}

static void print_names(int synset)
{
    for (const char *const *name = synset_table[synset].names; *name; name++)
        printf("%s%s", name == synset_table[synset].names ? "" : ", ", *name);
    putchar('\n');
}

static const char *explain(enum synsets_how how)
{
    switch (how) {
    case SYNSETS_NAME:
        return "a name";
    case SYNSETS_NAME_FORM:
        return "another number of a name";
    case SYNSETS_PARENT:
        return "a kind";
    case SYNSETS_PARENT_FORM:
        return "another number of a kind";
    case SYNSETS_EVERYDAY:
        return "an everyday word";
    case SYNSETS_SQUEEZED:
        break;
    }
    return "a name, blanks aside";
}

/* What else the part may mean, those in the model first. */
static void print_choices(const struct synsets_subject *s, const struct synsets_known *known)
{
    enum { SHOWN = 8 };
    int has = 0, shown = 0;
    for (int i = 0; i < s->head_count; i++)
        has += known->known[s->choices[i]];
    printf("  one of %d classes that it may mean, %d of them in this model:", s->head_count, has);
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < s->head_count && shown < SHOWN; i++)
            if (known->known[s->choices[i]] == (pass == 0))
                printf("%s %s%s", shown++ ? "," : "", synset_table[s->choices[i]].names[0],
                       pass == 0 ? "" : " (not in it)");
    printf(s->head_count > SHOWN ? ", ...\n" : "\n");
}

static void print_subject(int synset, const struct synsets_subject *s, const struct model *m,
                          const struct synsets_known *known)
{
    printf("%s  %s  index %d, %s\n", synset_table[synset].names[0], synset_table[synset].wnid, synset,
           model_class(m, synset_table[synset].wnid) >= 0 ? "in this model" : "not in this model");
    printf("  understood as %s: \"%s\"%s", explain(s->how), s->key, s->emoji ? ", from its picture" : "");
    if (s->slips)
        printf(", %d %s away", s->slips, s->slips == 1 ? "slip" : "slips");
    if (s->meant_name)
        printf("\n  stands in for %s, which this model does not have", s->meant_name);
    printf("\n  names: ");
    print_names(synset);
    printf("  %s\n", synset_table[synset].gloss);
    if (s->head_count > 1)
        print_choices(s, known);
}

static void print_suggestions(const struct synsets_result *r, const char *before)
{
    for (int i = 0; i < r->suggestion_count; i++)
        printf("%s %s (%s)",
               i == 0                         ? before
               : i == r->suggestion_count - 1 ? " or"
                                              : ",",
               r->suggestion_name[i], synset_table[r->suggestion[i]].wnid);
    if (r->suggestion_count)
        putchar('\n');
}

/* Two things that share the picture the usual way. */
static bool are_halves(const struct synsets_result *r)
{
    bool halves = r->count == 2 && r->change.at == 0;
    for (int i = 0; i < r->count; i++)
        halves = halves && r->manner[i].weight == 0 && r->manner[i].place == SYNSETS_ANYWHERE;
    return halves;
}

static int resolve(const char *text, const struct model *m, const struct synsets_known *known)
{
    struct synsets_result r;
    char label[256];
    synsets_resolve(text, strlen(text), known, &r);
    switch (r.verdict) {
    case SYNSETS_OK:
    case SYNSETS_NEAREST:
    case SYNSETS_HALF:
        synsets_label(&r, label, sizeof label);
        printf("request: %s%s\n", label,
               !are_halves(&r) ? ""
               : r.placed      ? " (the first on top, the second below, as the line says)"
                               : " (the first on top, the second below; dream.first can swap them)");
        if (r.change.s > 0)
            printf("over %.0f s%s\n", r.change.s, r.change.wipes ? ", as a disc that grows" : "");
        if (r.verdict == SYNSETS_HALF)
            printf("half of it: %s%s\n", r.missing_name ? r.missing_name : "the other",
                   r.missing_name ? " is not in this model" : " names none of the classes");
        for (int i = 0; i < r.count; i++)
            print_subject(r.synset[i], &r.subject[i], m, known);
        return 0;
    case SYNSETS_EMPTY:
        printf("no request: there is no word in it\n");
        break;
    case SYNSETS_UNKNOWN:
    case SYNSETS_UNSURE:
        printf("no request: \"%s\" names none of the classes%s\n",
               text_shown(r.missing_name ? r.missing_name : text).text,
               r.missing_name ? ", and none comes near" : "");
        print_suggestions(&r, "did you mean");
        break;
    case SYNSETS_LACKING:
        printf("no request: \"%s\" is a class that this model does not have\n", r.missing_name);
        print_subject(r.synset[0], &r.subject[0], m, known);
        if (r.suggestion_count > 0)
            printf("of the kind \"%s\"", r.shared_name);
        print_suggestions(&r, " there is");
        break;
    case SYNSETS_TOO_MANY:
        printf("no request: more than %d things\n", SYNSETS_SUBJECTS_MAX);
        break;
    }
    return 1;
}

static int list(const char *word, const struct synsets_known *known)
{
    int found[SYNSET_COUNT];
    int count = synsets_browse(word, known, found, SYNSET_COUNT);
    for (int i = 0; i < count; i++) {
        printf("%s\t%d\t", synset_table[found[i]].wnid, found[i]);
        print_names(found[i]);
    }
    if (count == 0)
        fprintf(stderr, "reverie synsets: this model has nothing of the kind \"%s\"\n",
                text_shown(word).text);
    return count == 0;
}

int cmd_synsets(int argc, char **argv)
{
    struct arguments a = {.model = NULL};
    int rc = parse_arguments(&a, argc, argv);
    if (rc != ARGS_OK)
        return rc;
    struct model *m;
    struct error e = {""};
    struct synsets_known known;
    if (model_load(&m, a.model, &e) < 0)
        return args_failed("synsets", &e);
    subjects_known(m, &known);
    rc = a.list ? list(a.text, &known) : resolve(a.text, m, &known);
    model_close(&m);
    return rc;
}
