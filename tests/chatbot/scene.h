/*
 * scene - a bot with its rules and its queue, for tests that talk to it as a channel does. One at a time.
 */
#ifndef TESTS_CHATBOT_SCENE_H
#define TESTS_CHATBOT_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "chatbot/chatbot.h"
#include "chatbot/irc/irc.h"
#include "show/rules.h"

struct scene {
    struct show_config config; /* may be changed between set-up and open_scene */
    struct synsets_known known;
    struct rules *rules;
    struct requests *requests;
    struct chatbot *bot;
    struct chat_outcome outcome;
    char reply[CHAT_REPLY_BYTES];
};

static struct scene s;

/* Defaults, and a model that knows all. */
static inline int set_up_scene(void **state)
{
    (void)state;
    memset(&s, 0, sizeof s);
    option_defaults(&show_section, &s.config);
    for (int i = 0; i < SYNSET_COUNT; i++)
        s.known.known[i] = true;
    return 0;
}

static inline void open_scene(const char *name, const struct chatbot_manners *manners)
{
    struct error e = {""};
    assert_int_equal(rules_open(&s.rules, &s.config, &e), 0);
    assert_int_equal(requests_open(&s.requests, &s.config, &s.known, 1, NULL), 0);
    assert_int_equal(chatbot_open(&s.bot, s.requests, &s.known, 1, 3), 0);
    chatbot_set_rules(s.bot, s.rules);
    chatbot_set_name(s.bot, name);
    chatbot_set_manners(s.bot, manners);
}

/* With the manners of the default settings, and room for as many wishes as come. */
static inline int open_busy_scene(void **state)
{
    struct irc_config irc;
    set_up_scene(state);
    option_defaults(&irc_section, &irc);
    s.config.queue_max = 10000;
    const struct chatbot_manners manners = {
        .prefix = irc.prefix, .ignore = irc.ignore, .words_link = "", .reward = ""};
    open_scene("dreambot", &manners);
    return 0;
}

static inline int close_scene(void **state)
{
    (void)state;
    chatbot_close(&s.bot);
    requests_close(&s.requests);
    rules_close(&s.rules);
    return 0;
}

#endif
