/*
 * commands - everything that begins with "!", in one table: name, how many words it takes, who may use it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "chatbot/bot.h"
#include "common/mem.h"
#include "common/text.h"

enum { ANY_WORDS = 1000, NAME_BYTES = 16, QUEUE_SHOWN = 5, WORDS_DRAWN = 12, WORDS_BYTES = 380 };

enum who { ANYONE, OPERATOR };

struct command {
    const char *name;
    const char *usage; /* what follows the name; "" for nothing */
    int words_min, words_max;
    enum who who;
    void (*run)(struct chat_call *c);
    const char *text;
};

static void run_help(struct chat_call *c);

static void run_now(struct chat_call *c)
{
    struct request now;
    char label[256];
    requests_list(c->bot->requests, &now, NULL, 0);
    request_label(&now, label, sizeof label);
    if (now.count == 0)
        chat_print(c, "I have only just closed my eyes. Ask again in a second.");
    else if (now.id == 0)
        chat_print(c, "%s, and nobody told me to. Name a thing and I drop it.", label);
    else
        chat_print(c, "%s, because %s wished for it.", label, now.user);
}

static void run_queue(struct chat_call *c)
{
    struct request next[QUEUE_SHOWN];
    char text[CHAT_REPLY_BYTES], caption[256];
    int waiting = requests_list(c->bot->requests, NULL, next, QUEUE_SHOWN);
    if (waiting == 0) {
        chat_print(c, "Nobody waits. Whatever you name is next.");
        return;
    }
    int shown = waiting < QUEUE_SHOWN ? waiting : QUEUE_SHOWN;
    size_t n = (size_t)snprintf(text, sizeof text, "%d waiting:", waiting);
    for (int i = 0; i < shown && n < sizeof text; i++) {
        request_label(&next[i], caption, sizeof caption);
        n += (size_t)snprintf(text + n, sizeof text - n, "%s %d. %s (%s)", i ? "," : "", i + 1, caption,
                              next[i].user);
    }
    chat_print(c, waiting > shown ? "%s and %d more." : "%s.", text, waiting - shown);
}

static void run_where(struct chat_call *c)
{
    struct request now;
    double eta_s;
    char when[CHAT_WHEN_BYTES];
    int place = requests_where(c->bot->requests, c->user, c->now_s, &eta_s);
    requests_list(c->bot->requests, &now, NULL, 0);
    if (place > 0)
        chat_print(c, "You are number %d in the line: %s.", place, chat_when(c, eta_s, when));
    else if (now.id && strcasecmp(now.user, c->user) == 0)
        chat_print(c, "Yours is the one that I am dreaming right now.");
    else
        chat_print(c, "Nothing of yours is waiting. Name a thing and it will.");
}

static void run_cancel(struct chat_call *c)
{
    if (requests_cancel(c->bot->requests, c->user) == 0)
        chat_print(c, "Forgotten. Your place in the line goes to somebody with fewer doubts.");
    else
        chat_print(c, "There is nothing of yours in the line to take back.");
}

/* `count` names of `synsets`, as many as fit, and how many of `total` are left out. */
static void print_words(struct chat_call *c, const char *before, const int *synsets, int count, int total)
{
    char text[CHAT_REPLY_BYTES];
    size_t n = 0;
    int shown = 0;
    text[0] = '\0';
    for (; shown < count; shown++) {
        const char *name = synset_table[synsets[shown]].names[0];
        if (n + strlen(name) + 2 > WORDS_BYTES)
            break;
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", shown ? ", " : "", name);
    }
    chat_print(c, total > shown ? "%s %s and %d more." : "%s %s.", before, text, total - shown);
}

static void run_words(struct chat_call *c)
{
    int found[SYNSET_COUNT];
    int total = synsets_browse(c->rest, &c->bot->known, found, SYNSET_COUNT);
    if (c->rest[0] && total > 0) {
        print_words(c, "Of that kind I can dream", found, total, total);
    } else if (c->rest[0]) {
        struct synsets_result r;
        char list[256];
        synsets_resolve(c->rest, strlen(c->rest), &c->bot->known, &r);
        if (r.suggestion_count > 0)
            chat_print(c, "I know no such word. The nearest that I have: %s.",
                       chat_list(r.suggestion_name, r.suggestion_count, list, sizeof list));
        else
            chat_print(c, "I know no such word. !words alone shows some that I know.");
    } else {
        int count = total < WORDS_DRAWN ? total : WORDS_DRAWN;
        for (int i = 0; i < count; i++) {
            int other = i + (int)rng_below(&c->rng, (uint32_t)(total - i)), t = found[i];
            found[i] = found[other];
            found[other] = t;
        }
        print_words(c, "For example", found, count, total);
    }
}

static void run_dream(struct chat_call *c)
{
    chat_request(c);
}

static void run_skip(struct chat_call *c)
{
    requests_skip(c->bot->requests);
    chat_print(c, "Next, please. I was getting bored of it too.");
}

static const struct command commands[] = {
    {"help", "[COMMAND]", 0, 1, ANYONE, run_help, "what you can say"},
    {"dream", "THING [+ THING]", 1, ANY_WORDS, ANYONE, run_dream,
     "wish for a thing, or two: the first on top"},
    {"now", "", 0, 0, ANYONE, run_now, "what I am dreaming, and whose wish that is"},
    {"queue", "", 0, 0, ANYONE, run_queue, "who waits for what"},
    {"where", "", 0, 0, ANYONE, run_where, "your place in the line"},
    {"cancel", "", 0, 0, ANYONE, run_cancel, "takes your waiting wish back"},
    {"words", "[WORD]", 0, ANY_WORDS, ANYONE, run_words, "some things that I know, or those of a kind"},
    {"skip", "", 0, 0, OPERATOR, run_skip, "on to the next wish"},
};

static bool may(const struct chat_call *c, const struct command *command)
{
    return command->who == ANYONE || chat_is_operator(c);
}

const char *chat_command_names(const struct chat_call *c, char *out, size_t size)
{
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (!may(c, &commands[i]) || n + NAME_BYTES >= size)
            continue;
        n += (size_t)snprintf(out + n, size - n, "%s!%s", n ? ", " : "", commands[i].name);
    }
    return out;
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcasecmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static void run_help(struct chat_call *c)
{
    const struct command *command = find(c->rest[0] == '!' ? c->rest + 1 : c->rest);
    char list[256];
    if (command) {
        const char *blank = command->usage[0] ? " " : "";
        chat_print(c, "!%s%s%s: %s%s.", command->name, blank, command->usage, command->text,
                   command->who == OPERATOR ? " (for the operator)" : "");
        return;
    }
    struct reply_words words = {.list = chat_command_names(c, list, sizeof list)};
    chat_say(c, REPLY_HELP, &words);
}

/* The command that was most likely meant, or NULL. */
static const struct command *nearest(const struct chat_call *c, const char *name)
{
    const struct command *best = NULL;
    int limit = 2;
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        int distance = text_distance(name, commands[i].name, limit);
        if (distance <= limit && may(c, &commands[i])) {
            best = &commands[i];
            limit = distance - 1;
        }
    }
    return best;
}

static int count_words(const char *text)
{
    int count = *text != '\0';
    for (; *text; text++)
        count += *text == ' '; /* cleaned: single blanks, none at the ends */
    return count;
}

void chat_command(struct chat_call *c, const char *line)
{
    char name[NAME_BYTES], list[256];
    while (*line == ' ')
        line++;
    size_t length = strcspn(line, " ");
    snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name - 1), line);
    c->rest = line + length + (line[length] == ' ');
    const struct command *command = length < sizeof name ? find(name) : NULL;
    if (!command) {
        const struct command *near = nearest(c, name);
        if (near)
            chat_print(c, "I take no such order. Did you mean !%s?", near->name);
        else
            chat_print(c, "I take no such order. These I do: %s.", chat_command_names(c, list, sizeof list));
        return;
    }
    int words = count_words(c->rest);
    if (!may(c, command))
        chat_print(c, "!%s is for the operator. Flattery may help, asking me does not.", command->name);
    else if (words < command->words_min || words > command->words_max)
        chat_print(c, "Say it like this: !%s%s%s.", command->name, command->usage[0] ? " " : "",
                   command->usage);
    else
        command->run(c);
}
