/*
 * banned - is a login banned, for tests that know their viewers by nothing else?
 */
#ifndef TESTS_SHOW_BANNED_H
#define TESTS_SHOW_BANNED_H

#include <stdio.h>

#include "show/rules.h"

static inline bool is_banned(struct rules *rules, const char *login)
{
    struct person who = {.id = ""};
    snprintf(who.login, sizeof who.login, "%s", login);
    return rules_is_banned(rules, &who);
}

#endif
