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
#include "show/record.h"

enum { ANY_WORDS = 1000, NAME_BYTES = 16 };

enum who { ANYONE, MODERATOR, OPERATOR };

struct command {
    const char *name;
    const char *usage; /* what follows the name; "" for nothing */
    int words_min, words_max;
    enum who who;
    void (*run)(struct chat_call *c);
    const char *text;
};

static void run_help(struct chat_call *c);

static void run_dream(struct chat_call *c)
{
    chat_request(c);
}

static const struct command commands[] = {
    {"help", "[COMMAND]", 0, 1, ANYONE, run_help, "what you can say"},
    {"dream", "THING [+ THING]", 1, ANY_WORDS, ANYONE, run_dream,
     "wish for a thing, or two, one above the other; or say more: 3*cat + fish, cat -dog, frog left, "
     "frog > volcano 30s"},
    {"now", "", 0, 0, ANYONE, run_now, "what I am dreaming, and whose wish that is"},
    {"queue", "", 0, 0, ANYONE, run_queue, "who waits for what"},
    {"where", "", 0, 0, ANYONE, run_where, "your place in the line"},
    {"mine", "", 0, 0, ANYONE, run_mine, "the numbers of your wishes, and what I made of them"},
    {"cancel", "", 0, 0, ANYONE, run_cancel, "takes your waiting wish back"},
    {"words", "[WORD]", 0, ANY_WORDS, ANYONE, run_words, "some things that I know, or those of a kind"},
    {"last", "", 0, 0, ANYONE, run_last, "what was on before this"},
    {"random", "", 0, 0, ANYONE, run_random, "wishes for something that I choose"},
    {"yes", "", 0, 0, ANYONE, run_yes, "takes what I offered you"},
    {"skip", "", 0, 0, ANYONE, run_skip, "your vote for the next wish; a moderator's is enough"},
    {"slow", "", 0, 0, ANYONE, run_slow, "the camera falls more slowly for half a minute"},
    {"fast", "", 0, 0, ANYONE, run_fast, "the camera falls faster for half a minute"},
    {"still", "", 0, 0, ANYONE, run_still, "the camera stands still for a moment"},
    {"spin", "", 0, 0, ANYONE, run_spin, "the camera turns for a while"},
    {"dive", "", 0, 0, ANYONE, run_dive, "the camera falls fast into what is dreamed, for a moment"},
    {"left", "", 0, 0, ANYONE, run_left, "the camera falls to the left for a while"},
    {"right", "", 0, 0, ANYONE, run_right, "the camera falls to the right for a while"},
    {"1", "", 0, 0, ANYONE, run_upper, "pulls for the upper one of two things"},
    {"2", "", 0, 0, ANYONE, run_lower, "pulls for the lower one"},
    {"tug", "[on|off]", 0, 1, ANYONE, run_tug,
     "how the tug of war stands; moderators end it, or let it begin again"},
    {"seen", "", 0, 0, ANYONE, run_seen,
     "say it the moment a new dream comes to your screen: so I learn how long that takes"},
    {"hold", "[SECONDS]", 0, 1, MODERATOR, run_hold, "keeps what is on for longer"},
    {"pause", "", 0, 0, MODERATOR, run_pause, "takes no more wishes"},
    {"resume", "", 0, 0, MODERATOR, run_resume, "takes wishes again"},
    {"clear", "", 0, 0, MODERATOR, run_clear, "forgets all wishes that wait"},
    {"remove", "USER|N", 1, 1, MODERATOR, run_remove, "takes one wish out of the line, by user or place"},
    {"ban", "USER [MINUTES]", 1, 2, MODERATOR, run_ban, "no longer listens to a user"},
    {"unban", "USER", 1, 1, MODERATOR, run_unban, "listens to a user again"},
    {"forbid", "WORD", 1, ANY_WORDS, MODERATOR, run_forbid, "a word or thing that nobody may wish for"},
    {"allow", "WORD", 1, ANY_WORDS, MODERATOR, run_allow, "the opposite"},
    {"output", "[NAME on|off]", 0, 2, MODERATOR, run_output, "where the show goes; starts or stops one"},
    {"clip", "", 0, 0, MODERATOR, run_clip, "keeps the last minute as a film"},
    {"quit", "", 0, 0, OPERATOR, run_quit, "ends the show"},
};

static bool may(const struct chat_call *c, const struct command *command)
{
    if (command->who == OPERATOR)
        return chat_is_operator(c) && c->bot->quit;
    return command->who == ANYONE || chat_is_moderator(c);
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
    const struct command *command = find(c->rest + (c->rest[0] == '!'));
    char list[256];
    if (command) {
        const char *blank = command->usage[0] ? " " : "";
        chat_print(c, "!%s%s%s: %s%s.", command->name, blank, command->usage, command->text,
                   command->who == MODERATOR ? " (for moderators)" : "");
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
        if (!commands[i].name[1]) /* nobody mistypes a single letter into another word */
            continue;
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

/* "!goldfish": plainly a name, because there may be other bots in the channel with commands of their own. */
static bool is_wish(const struct chat_call *c, const char *line)
{
    struct synsets_result r;
    synsets_resolve(line, strlen(line), &c->known, &r);
    for (int i = 0; i < r.count; i++)
        if (r.subject[i].slips > 0)
            return false;
    return synsets_is_plain(&r) && r.talk == 0 && r.verdict != SYNSETS_TOO_MANY;
}

static void run(struct chat_call *c, const struct command *command, const char *line)
{
    int words = count_words(c->rest);
    c->outcome->urgent = chat_is_moderator(c);
    if (!may(c, command)) {
        chat_print(c, "!%s is for moderators. Flattery may help, asking me does not.", command->name);
    } else if (words < command->words_min || words > command->words_max) {
        chat_print(c, "Say it like this: !%s%s%s.", command->name, command->usage[0] ? " " : "",
                   command->usage);
    } else {
        if (command->who == MODERATOR || (command->run == run_skip && chat_is_moderator(c)))
            record_command(c->bot->record, &c->who, line);
        command->run(c);
    }
}

static void tell_commands(struct chat_call *c, const char *name)
{
    char list[256];
    const struct command *near = nearest(c, name);
    if (near)
        chat_print(c, "I take no such order. Did you mean !%s?", near->name);
    else
        chat_print(c, "I take no such order. These I do: %s.", chat_command_names(c, list, sizeof list));
}

void chat_command(struct chat_call *c, const char *line)
{
    char name[NAME_BYTES];
    while (*line == ' ')
        line++;
    size_t length = strcspn(line, " :");                  /* "!dream: lion" */
    bool others = c->origin == CHAT_IRC && !c->addressed; /* there may be other bots in the channel */
    snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name - 1), line);
    c->rest = line + length + strspn(line + length, ": ");
    const struct command *command = length < sizeof name ? find(name) : NULL;
    if (command && command->who == OPERATOR && !may(c, command))
        command = NULL; /* nobody else has it */
    if (others && chat_is_ignored(c->bot, line, length)) {
        c->answered = false;
    } else if (command) {
        c->addressed = true;
        run(c, command, line);
    } else if (is_wish(c, line)) {
        c->rest = line;
        c->addressed = true;
        if (!chat_pulls(c, line))
            chat_request(c);
    } else if (others) {
        c->answered = false;
    } else {
        tell_commands(c, name);
    }
}
