/*
 * commands_people - what moderators say about people and words: whose wish goes, who is not listened to, what
 * nobody may wish for. People are named as moderators see them, by login or display name; names and words are
 * never repeated as they were typed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "chatbot/bot.h"
#include "show/record.h"
#include "common/text.h"

enum { MINUTES_MAX = 525600 };

/* Somebody heard lately, or, unknown, whoever will come by that login. True: known. */
static bool find_person(const struct chat_call *c, const char *text, struct person *who)
{
    char typed[REQUEST_USER_BYTES];
    chat_name_typed(text, typed);
    if (c->bot->rules && rules_find(c->bot->rules, typed, who))
        return true;
    *who = (struct person){.id = ""};
    text_copy(who->login, sizeof who->login, typed);
    text_copy(who->name, sizeof who->name, typed);
    return false;
}

/* A number from 1 to `max` and nothing else; 0: it is none. */
static int64_t read_number(const char *text, int64_t max)
{
    char *end;
    long long value = strtoll(text, &end, 10);
    return *text && !*end && value >= 1 && value <= max ? value : 0;
}

/* A login as chats have them: what is written in other letters is a display name. */
static bool is_login(const char *text)
{
    for (const char *at = text; *at; at++)
        if ((unsigned char)*at >= 0x80)
            return false;
    return text[0];
}

static void tell_ban(struct chat_call *c, const struct person *who, bool known, int64_t minutes, int removed)
{
    char at[CHAT_AT_BYTES], span[48] = "";
    if (minutes > 0)
        snprintf(span, sizeof span, " for %lld min", (long long)minutes);
    if (!known)
        chat_print(
            c,
            "I have heard nobody of that name lately. Should somebody with that login come, I do not listen%s.",
            span);
    else
        chat_print(c, "I do not listen to %s any more%s.%s", chat_at(c->bot, who->name, at), span,
                   removed ? " What they wished for is gone too." : "");
}

void run_ban(struct chat_call *c)
{
    struct person who;
    char at[CHAT_AT_BYTES], key[REQUEST_USER_BYTES];
    bool known = find_person(c, c->rest, &who);
    const char *blank = strchr(c->rest, ' ');
    int64_t minutes = blank ? read_number(blank + 1, MINUTES_MAX) : 0;
    if (blank && minutes == 0) {
        chat_print(c, "!ban takes minutes from 1 to %d, like this: !ban USER 10.", MINUTES_MAX);
        return;
    }
    if (!known && !is_login(who.login)) {
        chat_print(c, "I have heard nobody of that name lately. Name the login, which is in plain letters.");
        return;
    }
    int64_t until_s = minutes > 0 ? (int64_t)time(NULL) + 60 * minutes : 0;
    int rc = c->bot->rules ? rules_ban_until(c->bot->rules, who.login, until_s) : -ENOSPC;
    if (rc == 0 && who.id[0])
        rules_ban_until(c->bot->rules, rules_key(&who, key), until_s);
    if (rc == -EEXIST)
        chat_print(c, "I have not listened to %s for a while already.",
                   known ? chat_at(c->bot, who.name, at) : "that one");
    else if (rc)
        chat_print(c, "I cannot remember any more whom not to listen to.");
    if (rc)
        return;
    chat_forget_pull(c->bot, &who);
    record_removed(c->bot->record, who.login, NULL);
    tell_ban(c, &who, known, minutes, requests_withdraw(c->bot->requests, who.login, NULL));
}

void run_unban(struct chat_call *c)
{
    struct person who;
    char at[CHAT_AT_BYTES], key[REQUEST_USER_BYTES];
    bool known = find_person(c, c->rest, &who);
    const char *name = known ? chat_at(c->bot, who.name, at) : "whoever that is";
    int by_login = c->bot->rules ? rules_unban(c->bot->rules, who.login) : -ENOENT;
    int by_key = c->bot->rules ? rules_unban(c->bot->rules, rules_key(&who, key)) : -ENOENT;
    if (by_login == 0 || by_key == 0)
        chat_print(c, "Welcome back, %s. I held it against you only a little.", name);
    else if (known)
        chat_print(c, "%s was never banned here.", name);
    else
        chat_print(c, "Nobody of that name was ever banned here.");
}

/* The waiting wish that USER or N means. */
static bool find_wish(const struct chat_call *c, struct request *out)
{
    struct person who;
    bool found = false;
    int waiting = requests_list(c->bot->requests, NULL, NULL, 0);
    struct request *next = xcalloc((size_t)waiting + 1, sizeof *next);
    int count = requests_list(c->bot->requests, NULL, next, waiting);
    int64_t place = read_number(c->rest, waiting);
    find_person(c, c->rest, &who);
    for (int i = 0; !found && i < count && i < waiting; i++) {
        const char *login = next[i].login[0] ? next[i].login : next[i].user;
        found = place == i + 1 || strcasecmp(login, who.login) == 0;
        if (found)
            *out = next[i];
    }
    free(next);
    return found;
}

void run_remove(struct chat_call *c)
{
    struct request q;
    char label[256], at[CHAT_AT_BYTES];
    if (!find_wish(c, &q) || requests_remove(c->bot->requests, q.id) < 0) {
        chat_print(c, "No such wish waits. !queue tells who waits for what, with numbers.");
        return;
    }
    request_label(&q, label, sizeof label);
    chat_print(c, "Out of the line: %s (%s).", label, chat_at(c->bot, q.user, at));
}

void run_forbid(struct chat_call *c)
{
    int rc = c->bot->rules ? rules_forbid(c->bot->rules, c->rest) : -EINVAL;
    if (rc == 0)
        chat_follow_rules(c->bot);
    if (rc == 0)
        chat_print(c, "Nobody may wish for that any more. !allow takes it back.");
    else if (rc == -EEXIST)
        chat_print(c, "Nobody may wish for that already.");
    else if (rc == -ENOSPC)
        chat_print(
            c, "I cannot remember any more words; take some back with !allow, or put them into the file.");
    else
        chat_print(c, "That is no word that I could look for.");
}

void run_allow(struct chat_call *c)
{
    int rc = c->bot->rules ? rules_allow(c->bot->rules, c->rest) : -EINVAL;
    if (rc == 0)
        chat_follow_rules(c->bot);
    chat_print(c,
               rc == 0 ? "As you wish: that is allowed now." : "That was not forbidden, not in these words.");
}
