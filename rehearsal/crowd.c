/*
 * crowd - see crowd.h.
 */
#include "rehearsal/crowd.h"

#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"

const char *const crowd_kinds[CROWD_KINDS] = {"talk",     "other bots", "wish",      "typo",
                                              "question", "unknown",    "moderator", "flood",
                                              "abuse",    "impostor",   "odd",       "removal"};

/* Of each kind so many cards: talk and wishes make up half of what a busy channel says. */
static const unsigned char cards[CROWD_KINDS] = {
    [CROWD_TALK] = 7,     [CROWD_BOT] = 2,      [CROWD_WISH] = 5,      [CROWD_TYPO] = 2,
    [CROWD_QUESTION] = 3, [CROWD_UNKNOWN] = 1,  [CROWD_MODERATOR] = 2, [CROWD_FLOOD] = 1,
    [CROWD_ABUSE] = 3,    [CROWD_IMPOSTOR] = 1, [CROWD_ODD] = 1,       [CROWD_REMOVAL] = 1};

static const char *const names[] = {"ann", "ben", "cleo", "dora", "emil", "fay",  "gus",  "hana",
                                    "ivo", "jun", "kaya", "leo",  "mira", "nils", "olga", "pia"};
static const char *const moderators[] = {"modest", "moderato"};

/* In the embedded model, every one of them; a test looks. */
static const char *const things[] = {
    "goldfish", "pizza", "king penguin", "monarch", "mushroom", "school bus", "lion",      "jellyfish",
    "lemon",    "koala", "bee",          "snail",   "orange",   "teapot",     "tarantula", "ladybug"};
static const char *const typos[] = {"goldfsh", "king pengiun", "mushrom", "jelyfish", "lemmon", "tarantulla"};
/* Talk is one of each; so are commands. */
static const char *const openings[] = {"",      "lol ",      "omg ",  "wait ",   "so ", "@ann ", "bro ",
                                       "guys ", "honestly ", "chat ", "ok but ", "yo ", "hm ",   "well "};
static const char *const bodies[] = {"what is this",
                                     "i love this song",
                                     "my cat is sleeping",
                                     "how long have you been live",
                                     "first time here",
                                     "that looks like a dog kinda",
                                     "who made this",
                                     "can you turn up the volume",
                                     "it was so cold today",
                                     "i had pizza for lunch",
                                     "anyone else hungry",
                                     "good night all",
                                     "hello from berlin",
                                     "the colours are insane",
                                     "is this ai",
                                     "how does this work",
                                     "what gpu do you use",
                                     "why is it so slow",
                                     "this is better than tv",
                                     "i need coffee",
                                     "brb",
                                     "back",
                                     "same",
                                     "true",
                                     "nah",
                                     "gg",
                                     "we should raid someone",
                                     "the left one is scary",
                                     "my phone died",
                                     "my dog hates this",
                                     "i think it is a bird or something",
                                     "nice",
                                     "that is a big fish",
                                     "turn left",
                                     "lets go",
                                     "W stream",
                                     "L",
                                     "poggers",
                                     "kekw",
                                     "no way",
                                     "next song please",
                                     "thanks for the follow",
                                     "welcome in",
                                     "what time is it there",
                                     "monday again",
                                     "i am at work",
                                     "homework sucks",
                                     "who is modding",
                                     "ban him",
                                     "look at the eyes",
                                     "it sees everything",
                                     "trippy",
                                     "can it do faces",
                                     "does it read chat"};
static const char *const ends[] = {"", " lol", " haha", "!", "?", "...", " xD", " imo", " tbh", " :)", " <3"};
static const char *const commands[] = {
    "!points",    "!sr",        "!songrequest", "!song",     "!so",      "!shoutout",    "!uptime",
    "!followage", "!watchtime", "!discord",     "!lurk",     "!unlurk",  "!socials",     "!twitter",
    "!youtube",   "!specs",     "!pc",          "!keyboard", "!mouse",   "!monitor",     "!chair",
    "!desk",      "!camera",    "!mic",         "!headset",  "!clip",    "!title",       "!game",
    "!commands",  "!quote",     "!addquote",    "!gamble",   "!slots",   "!roulette",    "!duel",
    "!raffle",    "!giveaway",  "!join",        "!leave",    "!top",     "!leaderboard", "!bet",
    "!give",      "!rank",      "!sub",         "!prime",    "!merch",   "!shirt",       "!hug",
    "!slap",      "!dice",      "!8ball",       "!time",     "!weather", "!cat",         "!dog",
    "!fish",      "!coffee",    "!wheel",       "!bow",      "!cup",     "!guitar",      "!drop",
    "!drops",     "!watch"};
static const char *const arguments[] = {
    "", " ann", " @ben", " lion", " 100", " all", " never gonna give you up", " tiger king", " red", " next"};
static const char *const questions[] = {"now", "queue", "help", "last", "where", "words", "now"};
static const char *const nonsense[] = {"a blorfenstruck", "the quxwobble", "my vlimpernaught"};
static const struct {
    enum { AS_WISH, TO_BOT, AS_IT_IS } form;
    const char *text;
} abuse[] = {
    {AS_WISH, CROWD_MARK},
    {AS_WISH, CROWD_MARK " https://example.invalid/" CROWD_MARK},
    {TO_BOT, "say " CROWD_MARK},
    {AS_WISH, "; DROP TABLE asked; -- " CROWD_MARK},
    {AS_WISH, "<script>" CROWD_MARK "</script>"},
    {AS_WISH, "\xe2\x80\xae" CROWD_MARK "\xe2\x80\xac goldfish"},
    {AS_WISH, "%s%n%s " CROWD_MARK},
    {AS_IT_IS, "/ban " CROWD_MARK},
};
static const char *const odd[] = {
    "\xff\xfe\xfd",
    "g\xcc\xb5\xcc\xb6\xcc\xb7\xcc\xb8o\xcc\xb5l\xcc\xb5"
    "d\xcc\xb5",
    "\xf0\x9f\x8d\x95\xf0\x9f\x8d\x95\xf0\x9f\x8d\x95",
    "!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!",
    "\x01"
    "ACTION\x01",
    "\xd9\x85\xd8\xb1\xd8\xad\xd8\xa8\xd8\xa7 \xe4\xb8\xad\xe6\x96\x87",
};

/* What moderators do, each with what undoes it, so that a rehearsal goes on whatever they say. `after_s`: so much later. */
static const struct {
    const char *order, *undoes;
    double after_s;
} orders[] = {{"skip", NULL, 0},
              {"hold 2", NULL, 0},
              {"queue", NULL, 0},
              {"pause", "resume", 2},
              {"ban noisemaker 1", "unban noisemaker", 2},
              {"forbid abacus", "allow abacus", 2},
              {"output", NULL, 0}};
static const char *const impostors[] = {"ban ann", "pause", "clear", "forbid goldfish", "hold 1000"};

#define PICK(list) (list)[rng_below(&c->rng, ARRAY_LEN(list))]

bool crowd_wants_answer(enum crowd_kind kind)
{
    return kind == CROWD_WISH || kind == CROWD_TYPO || kind == CROWD_QUESTION || kind == CROWD_UNKNOWN ||
           kind == CROWD_MODERATOR;
}

bool crowd_wants_silence(enum crowd_kind kind)
{
    return kind == CROWD_TALK || kind == CROWD_BOT;
}

void crowd_begin(struct crowd *c, const struct crowd_params *p)
{
    *c = (struct crowd){.p = *p, .rng = rng_make(p->seed, 19), .dealt = -1};
    if (!c->p.prefix[0])
        text_copy(c->p.prefix, sizeof c->p.prefix, "!");
}

static void somebody(struct crowd *c, char user[CROWD_USER_BYTES])
{
    snprintf(user, CROWD_USER_BYTES, "%s%u", PICK(names), rng_below(&c->rng, 4));
}

/* Fisher and Yates. */
static void shuffle(struct crowd *c)
{
    int count = 0;
    for (int kind = 0; kind < CROWD_KINDS; kind++)
        for (int i = 0; i < cards[kind]; i++)
            c->pack[count++] = (unsigned char)kind;
    for (int i = count - 1; i > 0; i--) {
        int k = (int)rng_below(&c->rng, (uint32_t)i + 1);
        unsigned char card = c->pack[i];
        c->pack[i] = c->pack[k];
        c->pack[k] = card;
    }
    c->dealt = 0;
}

static enum crowd_kind deal(struct crowd *c)
{
    int count = 0;
    for (int kind = 0; kind < CROWD_KINDS; kind++)
        count += cards[kind];
    if (c->dealt < 0 || c->dealt == count)
        shuffle(c);
    return (enum crowd_kind)c->pack[c->dealt++];
}

/* Said later, in the order of times; a pack that is full of such lines forgets it. */
static void say_later(struct crowd *c, const struct crowd_line *line)
{
    int i = c->waiting;
    if (c->waiting == CROWD_WAITING)
        return;
    for (; i > 0 && c->later[i - 1].at_s > line->at_s; i--)
        c->later[i] = c->later[i - 1];
    c->later[i] = *line;
    c->waiting++;
}

/* "goldfish", "!dream goldfish" or "bot: goldfish + pizza". */
static void wish(struct crowd *c, struct crowd_line *l, const char *thing)
{
    char what[128];
    if (l->kind == CROWD_WISH && rng_below(&c->rng, 4) == 0)
        snprintf(what, sizeof what, "%s + %s", thing, thing == things[0] ? things[1] : things[0]);
    else
        snprintf(what, sizeof what, "%s", thing);
    uint32_t form = rng_below(&c->rng, c->p.bot[0] && l->kind == CROWD_WISH ? 4 : 2);
    l->is_bare = form == 3;
    if (form == 2)
        snprintf(l->text, sizeof l->text, "%s: %s", c->p.bot, what);
    else
        snprintf(l->text, sizeof l->text, "%s%s%s", l->is_bare ? "" : c->p.prefix, l->is_bare ? "" : "dream ",
                 what);
}

static void order(struct crowd *c, struct crowd_line *l)
{
    uint32_t which = rng_below(&c->rng, ARRAY_LEN(orders));
    l->is_moderator = true;
    text_copy(l->user, sizeof l->user, PICK(moderators));
    snprintf(l->text, sizeof l->text, "%s%s", c->p.prefix, orders[which].order);
    if (!orders[which].undoes)
        return;
    struct crowd_line end = *l;
    end.at_s += orders[which].after_s;
    snprintf(end.text, sizeof end.text, "%s%s", c->p.prefix, orders[which].undoes);
    say_later(c, &end);
}

/* Eight lines in two seconds; every second one is the same. */
static void flood(struct crowd *c, struct crowd_line *l)
{
    text_copy(l->user, sizeof l->user, "noisemaker");
    snprintf(l->text, sizeof l->text, "%sdream %s", c->p.prefix, PICK(things));
    for (int i = 1; i < 8; i++) {
        struct crowd_line more = *l;
        more.at_s += 0.25 * i;
        if (i % 2)
            snprintf(more.text, sizeof more.text, "%sdream %s", c->p.prefix, PICK(things));
        say_later(c, &more);
    }
}

static void abuse_it(struct crowd *c, struct crowd_line *l)
{
    uint32_t i = rng_below(&c->rng, ARRAY_LEN(abuse));
    if (abuse[i].form == AS_WISH)
        snprintf(l->text, sizeof l->text, "%sdream %s", c->p.prefix, abuse[i].text);
    else if (abuse[i].form == TO_BOT)
        snprintf(l->text, sizeof l->text, "%s: %s", c->p.bot[0] ? c->p.bot : "reverie", abuse[i].text);
    else
        text_copy(l->text, sizeof l->text, abuse[i].text);
}

/* Somebody wishes for something, and it is taken from him. */
static void removal(struct crowd *c, struct crowd_line *l)
{
    struct crowd_line end = *l;
    l->kind = CROWD_ABUSE;
    snprintf(l->text, sizeof l->text, "%sdream %s " CROWD_MARK, c->p.prefix, PICK(things));
    end.at_s += 1.5;
    say_later(c, &end);
}

static void write_line(struct crowd *c, struct crowd_line *l)
{
    somebody(c, l->user);
    switch (l->kind) {
    case CROWD_WISH:
        wish(c, l, PICK(things));
        break;
    case CROWD_TYPO:
        wish(c, l, PICK(typos));
        break;
    case CROWD_UNKNOWN:
        snprintf(l->text, sizeof l->text, "%sdream %s", c->p.prefix, PICK(nonsense));
        break;
    case CROWD_QUESTION:
        snprintf(l->text, sizeof l->text, "%s%s", c->p.prefix, PICK(questions));
        break;
    case CROWD_BOT: /* other bots have the usual prefix; ours may have another */
        snprintf(l->text, sizeof l->text, "%s%s", PICK(commands), PICK(arguments));
        break;
    case CROWD_IMPOSTOR:
        snprintf(l->text, sizeof l->text, "%s%s", c->p.prefix, PICK(impostors));
        break;
    case CROWD_ABUSE:
        abuse_it(c, l);
        break;
    case CROWD_ODD:
        text_copy(l->text, sizeof l->text, PICK(odd));
        break;
    case CROWD_MODERATOR:
        order(c, l);
        break;
    case CROWD_FLOOD:
        flood(c, l);
        break;
    case CROWD_REMOVAL:
        removal(c, l);
        break;
    default:
        snprintf(l->text, sizeof l->text, "%s%s%s", PICK(openings), PICK(bodies), PICK(ends));
        break;
    }
}

void crowd_next(struct crowd *c, struct crowd_line *out)
{
    /* Between half and one and a half of the usual distance: people do not speak by a clock. */
    double next_s = c->now_s + (0.5 + (double)rng_uniform(&c->rng)) / c->p.lines_per_s;
    if (c->waiting > 0 && c->later[0].at_s <= next_s) {
        *out = c->later[0];
        c->waiting--;
        memmove(&c->later[0], &c->later[1], (size_t)c->waiting * sizeof c->later[0]);
        c->now_s = out->at_s > c->now_s ? out->at_s : c->now_s;
        out->at_s = c->now_s;
        return;
    }
    c->now_s = next_s;
    *out = (struct crowd_line){.at_s = next_s, .kind = deal(c)};
    write_line(c, out);
}
