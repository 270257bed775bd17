/*
 * address - whom a line speaks to, and which names may be spoken.
 *
 * In a channel people talk to one another and to other bots. Ours are: a line with our name in front ("mybot: x",
 * "@mybot x") or behind ("lion @mybot"), a reply to a line of ours, a command; "mybot lion" only when the rest
 * is plainly a wish. A line that begins with somebody else's name is theirs. Mentions inside a line say for
 * whom it is and name nothing that could be dreamed, so they are cut.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "chatbot/bot.h"
#include "common/mem.h"
#include "common/text.h"

enum { TALK_WORDS_MAX = 4 };

#define OUR_NAME "reverie"

/* Behind "name:", "name," or "@name", and where `loosely`, behind "name "; NULL when the line does not begin
 * with that. */
static const char *behind(const char *line, const char *name, bool loosely)
{
    bool at = line[0] == '@';
    size_t n = strlen(name);
    line += at;
    if (n == 0 || strncasecmp(line, name, n) != 0)
        return NULL;
    line += n;
    if (*line != ':' && *line != ',' && !(at && !*line) && !((at || loosely) && *line == ' '))
        return NULL;
    return line + strspn(line, ":, ");
}

static const char *behind_us(const struct chatbot *b, const char *line, bool loosely)
{
    const char *rest = behind(line, b->name, loosely);
    return rest ? rest : behind(line, OUR_NAME, loosely);
}

static bool is_our_name(const struct chatbot *b, const char *word, size_t bytes)
{
    while (bytes > 0 && strchr(",:!?.", word[bytes - 1]))
        bytes--;
    return (strlen(b->name) == bytes && strncasecmp(word, b->name, bytes) == 0) ||
           (sizeof OUR_NAME - 1 == bytes && strncasecmp(word, OUR_NAME, bytes) == 0);
}

/* The words that are no mentions. *of_us: one was of us. */
static void cut_mentions(const struct chatbot *b, const char *line, char out[SYNSETS_LINE_BYTES], bool *of_us)
{
    size_t n = 0;
    for (const char *at = line; *at;) {
        size_t bytes = strcspn(at, " ");
        if (at[0] == '@' && bytes > 1) {
            *of_us = *of_us || is_our_name(b, at + 1, bytes - 1);
        } else {
            if (n > 0)
                out[n++] = ' ';
            memcpy(out + n, at, bytes);
            n += bytes;
        }
        at += bytes;
        at += *at == ' ';
    }
    out[n] = '\0';
}

const char *chat_behind_prefix(const struct chat_call *c, const char *line)
{
    const char *prefix = c->bot->prefix;
    size_t n = strlen(prefix);
    if (strncasecmp(line, prefix, n) == 0)
        return line + n;
    bool alone = c->origin != CHAT_IRC || c->addressed; /* no other bot hears it */
    return alone && line[0] == '!' ? line + 1 : NULL;
}

/* "$dream x", "?quote": somebody else's command, whatever the sign. */
static bool is_others_command(const char *line)
{
    return line[0] && strchr("!$%&?~.;/\\<>^*=+-_", line[0]) && isalpha((unsigned char)line[1]);
}

const char *chat_address(struct chat_call *c, const char *line, char out[SYNSETS_LINE_BYTES])
{
    const struct chatbot *b = c->bot;
    const char *rest = behind_us(b, line, false), *to = c->line->reply_to;
    if (c->origin != CHAT_IRC) {
        c->addressed = true;
        return rest ? rest : line;
    }
    c->addressed = rest || (to && to[0] && is_our_name(b, to, strlen(to)));
    rest = rest ? rest : line;
    if (chat_behind_prefix(c, rest)) /* "!ban @ann" */
        return rest;
    if (!c->addressed && (rest[0] == '@' || is_others_command(rest)))
        return NULL;
    bool of_us = c->addressed;
    cut_mentions(b, rest, out, &of_us);
    c->addressed = c->by_name = of_us;
    rest = of_us ? NULL : behind_us(b, out, true);
    return rest && *rest ? rest : out;
}

bool chat_is_ignored(const struct chatbot *b, const char *name, size_t bytes)
{
    static const char between[] = " ,;";
    for (const char *at = b->ignore; *at;) {
        at += strspn(at, between);
        size_t n = strcspn(at, between), prefix = strlen(b->prefix);
        bool has_prefix = n > prefix && strncasecmp(at, b->prefix, prefix) == 0;
        const char *word = at + (has_prefix ? prefix : at[0] == '!');
        size_t word_bytes = n - (size_t)(word - at);
        if (n > 0 && word_bytes == bytes && strncasecmp(word, name, bytes) == 0)
            return true;
        at += n;
    }
    return false;
}

bool chat_is_talk(const char *line)
{
    static const char *const words[] = {"thanks", "thank", "thx",   "ty",    "hi",   "hello", "hey",   "good",
                                        "bad",    "nice",  "cool",  "great", "love", "lol",   "lmao",  "how",
                                        "are",    "you",   "your",  "ur",    "u",    "who",   "what",  "why",
                                        "when",   "where", "is",    "stop",  "bot",  "best",  "wow",   "ok",
                                        "okay",   "no",    "sorry", "bye",   "gg",   "hate",  "stupid"};
    int count = 0;
    for (const char *at = line; *at; count++) {
        size_t bytes = strcspn(at, " "), letters = bytes;
        while (letters > 0 && ispunct((unsigned char)at[letters - 1]))
            letters--;
        for (size_t i = 0; i < ARRAY_LEN(words); i++)
            if (strlen(words[i]) == letters && strncasecmp(at, words[i], letters) == 0)
                return true;
        at += bytes;
        at += *at == ' ';
    }
    return count > TALK_WORDS_MAX || strchr(line, '?');
}

void chat_name_typed(const char *text, char out[REQUEST_USER_BYTES])
{
    text_clean(out, REQUEST_USER_BYTES, text + (text[0] == '@'), strlen(text) - (text[0] == '@'));
    char *blank = strpbrk(out, " ,");
    if (blank)
        *blank = '\0';
}

bool chat_name_is_fit(const struct chatbot *b, const char *name)
{
    for (const char *at = name; *at; at++)
        if ((unsigned char)*at < 0x80 && !isalnum((unsigned char)*at) && !strchr(" _-[]\\`^{}|", *at))
            return false;
    return name[0] && !(b->rules && rules_forbids_name(b->rules, name));
}

const char *chat_at(const struct chatbot *b, const char *name, char out[CHAT_AT_BYTES])
{
    if (chat_name_is_fit(b, name)) {
        out[0] = '@';
        text_copy(out + 1, REQUEST_USER_BYTES, name);
    } else {
        text_copy(out, CHAT_AT_BYTES, REQUEST_SOMEBODY);
    }
    return out;
}
