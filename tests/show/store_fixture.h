/*
 * store_fixture - what the tests of the store begin with: a folder of their own, an open store, rows put and counted.
 */
#ifndef TESTS_SHOW_STORE_FIXTURE_H
#define TESTS_SHOW_STORE_FIXTURE_H

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "common/log.h"
#include "show/store.h"

static char folder[64];

static inline char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static inline int make_folder(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    snprintf(folder, sizeof folder, "/tmp/reverie-test-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st;
    (void)type;
    (void)walk;
    return remove(path);
}

static inline int remove_folder(void **state)
{
    (void)state;
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline struct store *open_store(int64_t keep_days, int64_t keep_rows)
{
    struct store *s;
    struct error e = {""};
    struct store_params p = {.folder = folder, .keep_days = keep_days, .keep_rows = keep_rows};
    if (store_open(&s, &p, &e) < 0)
        fail_msg("%s", e.text);
    return s;
}

static inline int64_t now_ms(void)
{
    return (int64_t)time(NULL) * 1000;
}

static inline struct request wish(int64_t id, const char *user)
{
    struct request q = {.id = id, .count = 1, .synset = {1}};
    snprintf(q.user, sizeof q.user, "%s", user);
    return q;
}

static inline void put(struct store *s, struct store_event v)
{
    struct error e = {""};
    if (store_begin(s, &e) < 0 || store_put(s, &v, &e) < 0 || store_commit(s, &e) < 0)
        fail_msg("%s", e.text);
}

static inline void put_asked(struct store *s, int64_t id, const char *user, int64_t at_ms)
{
    struct store_event v = {.kind = STORE_ASKED, .at_ms = at_ms, .request = wish(id, user)};
    snprintf(v.text, sizeof v.text, "text of %s", user);
    put(s, v);
}

struct tally {
    int rows;
    int64_t first, last;
};

static inline void add_row(void *context, const struct store_row *row)
{
    struct tally *t = context;
    if (t->rows++ == 0)
        t->first = row->request.id;
    t->last = row->request.id;
}

static inline struct tally count(struct store *s, const char *user)
{
    struct tally t = {0};
    assert_int_equal(store_each_event(s, 0, INT64_MIN, user, add_row, &t, NULL), 0);
    return t;
}

/* Damaged databases that were set aside. */
static inline int count_aside(void)
{
    int n = 0;
    char command[128], line[300];
    snprintf(command, sizeof command, "ls %s", folder);
    FILE *f = popen(command, "r");
    while (fgets(line, sizeof line, f))
        n += strncmp(line, "reverie.db.damaged-", 19) == 0;
    pclose(f);
    return n;
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

#endif
