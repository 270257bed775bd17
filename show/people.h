/*
 * people - who was heard lately: login, name as it is written for people, and the id that stays when these change.
 * What others need of it is in rules.h.
 *
 * PEOPLE_MAX places, each for whoever came last of those whose logins fall into it: enough to find by name whom a
 * moderator sees in the chat, and a line costs the same however many talk. Not thread-safe: rules.c guards it.
 */
#ifndef SHOW_PEOPLE_H
#define SHOW_PEOPLE_H

#include <stdbool.h>

#include "show/requests.h"

enum { PEOPLE_MAX = 4096 };

struct person {
    char login[REQUEST_USER_BYTES];
    char name[REQUEST_USER_BYTES];
    char id[REQUEST_ID_BYTES]; /* "": the chat has none */
};

struct people;
struct people *people_open(void);
void people_close(struct people **p); /* NULL is fine */

void people_heard(struct people *p, const struct person *who);
/* By login or else by name, ASCII case aside. False: nobody. */
bool people_find(const struct people *p, const char *name, struct person *out);

#endif
