/*
 * people - see people.h.
 */
#include "show/people.h"

#include <stdlib.h>
#include <strings.h>

#include "common/mem.h"
#include "common/text.h"

struct people {
    struct person places[PEOPLE_MAX]; /* login "": free */
};

struct people *people_open(void)
{
    return xcalloc(1, sizeof(struct people));
}

void people_close(struct people **p)
{
    free(*p);
    *p = NULL;
}

void people_heard(struct people *p, const struct person *who)
{
    p->places[text_hash_caseless(who->login) % PEOPLE_MAX] = *who;
}

bool people_find(const struct people *p, const char *name, struct person *out)
{
    const struct person *found = &p->places[text_hash_caseless(name) % PEOPLE_MAX];
    bool found_it = found->login[0] && strcasecmp(found->login, name) == 0;
    for (int i = 0; !found_it && i < PEOPLE_MAX; i++) {
        found = &p->places[i];
        found_it = found->login[0] && strcasecmp(found->name, name) == 0;
    }
    if (found_it)
        *out = *found;
    return found_it;
}
