/*
 * The database: private, for one show at a time, bounded, begun anew when it is damaged, without the names that were
 * removed.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "common/file.h"
#include "common/mem.h"
#include "show/state_folder.h"
#include "show/store_schema.h"
#include "tests/show/store_fixture.h"

/* ---- files ---- */

static mode_t mode_of(const char *name)
{
    struct stat st;
    return stat(path_of(name), &st) < 0 ? 0 : st.st_mode & 07777;
}

static void test_private(void **state)
{
    (void)state;
    mode_t umask_before = umask(0);
    struct store *s, *second;
    struct error e = {""};
    size_t n = strlen(folder);
    strcat(folder, "/deep/er");
    s = open_store(0, 0);
    put_asked(s, 1, "ann", now_ms());
    assert_int_equal(mode_of("."), 0700);
    assert_int_equal(mode_of("reverie.db"), 0600);
    assert_int_equal(mode_of("reverie.db-wal"), 0600);
    assert_int_equal(mode_of("reverie.db-shm"), 0600);
    struct store_params p = {.folder = folder};
    assert_int_equal(store_open(&second, &p, &e), -EBUSY);
    assert_null(second);
    assert_non_null(strstr(e.text, "another show"));
    assert_int_equal(store_open_to_read(&second, folder, &e), 0); /* looking is free */
    assert_int_equal(count(second, NULL).rows, 1);
    assert_true(store_begin(second, &e) < 0);
    store_close(&second);
    store_close(&s);
    chmod(path_of("reverie.db"), 0644);
    s = open_store(0, 0);
    assert_int_equal(mode_of("reverie.db"), 0600);
    store_close(&s);
    umask(umask_before);
    folder[n] = '\0';
}

static void test_links(void **state)
{
    (void)state;
    struct store *s;
    struct error e = {""};
    struct store_params p = {.folder = folder};
    char victim[256];
    snprintf(victim, sizeof victim, "%s", path_of("victim"));
    FILE *f = fopen(victim, "w");
    fputs("mine", f);
    fclose(f);
    assert_int_equal(symlink(victim, path_of("reverie.db")), 0);
    assert_int_equal(store_open(&s, &p, &e), -ELOOP);
    assert_non_null(strstr(e.text, "link"));
    unlink(path_of("reverie.db"));
    assert_int_equal(mkfifo(path_of("reverie.db"), 0600), 0);
    assert_int_equal(store_open(&s, &p, &e), -EINVAL);
    unlink(path_of("reverie.db"));
    unlink(path_of("lock"));
    assert_int_equal(symlink(victim, path_of("lock")), 0);
    assert_int_equal(store_open(&s, &p, &e), -ELOOP);
    char *text;
    assert_int_equal(file_read_all(victim, 100, &text, NULL, &e), 0);
    assert_string_equal(text, "mine");
    free(text);
}

/* ---- layout ---- */

static void run_sql(const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path_of("reverie.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void test_newer(void **state)
{
    (void)state;
    struct error e = {""};
    struct store *s = open_store(0, 0);
    struct store_params p = {.folder = folder};
    store_close(&s);
    run_sql("PRAGMA user_version = 99");
    assert_int_equal(store_open(&s, &p, &e), -EPROTO);
    assert_non_null(strstr(e.text, "newer"));
    assert_int_equal(access(path_of("reverie.db"), F_OK), 0); /* and it is still there */
}

/* One of the first layout keeps what it has and learns the rest. */
static void test_older(void **state)
{
    (void)state;
    struct error e = {""};
    struct store_state st;
    run_sql(store_migrations[0]);
    run_sql("PRAGMA user_version = 1; INSERT INTO ban VALUES ('troll')");
    struct store *s = open_store(0, 0);
    assert_int_equal(store_load_state(s, &st, &e), 0);
    assert_int_equal(st.ban_count, 1);
    assert_string_equal(st.bans[0], "troll");
    assert_int_equal(st.word_count, 0);
    struct store_word words[] = {{"spider", true}, {"damn", false}};
    struct store_state next = {.words = words, .word_count = 2};
    if (store_begin(s, &e) < 0 || store_put_state(s, &next, &e) < 0 || store_commit(s, &e) < 0)
        fail_msg("%s", e.text);
    store_close(&s);
    assert_int_equal(count_aside(), 0);
    s = open_store(0, 0);
    store_state_free(&st);
    assert_int_equal(store_load_state(s, &st, &e), 0);
    assert_int_equal(st.word_count, 2);
    assert_int_equal(st.ban_count, 0);
    assert_string_equal(st.words[1].entry, "spider");
    assert_true(st.words[1].forbidden && !st.words[0].forbidden);
    store_state_free(&st);
    store_close(&s);
}

/* Overwrites the file from `offset` on. */
static void damage(long offset, size_t bytes)
{
    int fd = open(path_of("reverie.db"), O_RDWR | O_CREAT, 0600);
    for (size_t i = 0; i < bytes; i++)
        assert_int_equal(pwrite(fd, "#", 1, offset + (long)i), 1);
    close(fd);
}

static void test_damaged(void **state)
{
    static const struct {
        long offset;
        size_t bytes;
        const char *sql;
    } rows[] = {{0, 4096, NULL}, {4096, 3000, NULL}, {20, 70, NULL}, {0, 0, "DROP TABLE shown"}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct store *s = open_store(0, 0);
        put_asked(s, 1, "ann", now_ms());
        store_close(&s);
        if (rows[i].sql)
            run_sql(rows[i].sql);
        else
            damage(rows[i].offset, rows[i].bytes);
        s = open_store(0, 0);
        assert_int_equal(count(s, NULL).rows, 0); /* begun anew, and it works */
        put_asked(s, 2, "bob", now_ms());
        assert_int_equal(count(s, NULL).rows, 1);
        store_close(&s);
        assert_int_equal(count_aside(), 1);
        remove_folder(NULL);
        mkdir(folder, 0700);
    }
}

/* ---- bounds ---- */

static void test_bounds(void **state)
{
    (void)state;
    struct store *s = open_store(2, 50);
    for (int i = 1; i <= 120; i++)
        put_asked(s, i, "ann", now_ms() + i);
    struct tally t = count(s, NULL);
    assert_int_equal(t.rows, 50);
    assert_int_equal(t.first, 71);
    assert_int_equal(t.last, 120);
    put_asked(s, 121, "old", now_ms() - 3 * 86400000LL);
    assert_int_equal(count(s, "old").rows, 0);
    assert_int_equal(store_last_request(s), 120);
    store_close(&s);
}

static void count_picture(void *context, const struct store_row *row)
{
    struct tally *t = context;
    assert_int_equal(row->jpeg_bytes, 1000);
    assert_int_equal(row->jpeg[0], row->request.id & 0xff);
    assert_int_equal(row->on_ms, 500);
    assert_true(row->seen > 0.24 && row->seen < 0.26);
    add_row(t, row);
}

static void test_pictures(void **state)
{
    (void)state;
    uint8_t jpeg[1000];
    struct error e = {""};
    struct tally t = {0};
    struct store *s = open_store(0, 0);
    assert_int_equal(store_begin(s, &e), 0);
    for (int i = 1; i <= STORE_PICTURES_MAX + 30; i++) {
        memset(jpeg, i & 0xff, sizeof jpeg);
        struct store_event v = {.kind = STORE_SHOWN, .at_ms = i, .run_ms = 7, .request = wish(i, "ann")};
        v.request.turn = i;
        assert_int_equal(store_put(s, &v, &e), 0);
        v.kind = STORE_ENDED;
        v.on_ms = 500;
        assert_int_equal(store_put(s, &v, &e), 0);
        v.kind = STORE_PICTURE;
        v.seen = 0.25;
        v.jpeg = jpeg;
        v.jpeg_bytes = sizeof jpeg;
        assert_int_equal(store_put(s, &v, &e), 0);
    }
    assert_int_equal(store_commit(s, &e), 0);
    assert_int_equal(store_each_shown(s, 10000, count_picture, &t, &e), 0);
    assert_int_equal(t.rows, STORE_PICTURES_MAX);
    assert_int_equal(t.last, STORE_PICTURES_MAX + 30);
    t.rows = 0;
    assert_int_equal(store_each_shown(s, 3, count_picture, &t, &e), 0);
    assert_int_equal(t.rows, 3);
    assert_int_equal(t.first, STORE_PICTURES_MAX + 28);
    store_close(&s);
}

/* ---- removals ---- */

static bool is_on_disk(const char *text)
{
    static const char *const names[] = {"reverie.db", "reverie.db-wal"};
    bool found = false;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char *bytes;
        size_t n;
        if (file_read_all(path_of(names[i]), 16 << 20, &bytes, &n, NULL) < 0)
            continue;
        found |= memmem(bytes, n, text, strlen(text)) != NULL;
        free(bytes);
    }
    return found;
}

static void tell(void *context, int64_t request)
{
    *(int64_t *)context += request;
}

static void test_removed(void **state)
{
    (void)state;
    struct error e = {""};
    int64_t sum = 0;
    struct store *s = open_store(0, 0);
    put_asked(s, 1, "Rudeperson", now_ms());
    put_asked(s, 2, "ann", now_ms());
    struct store_event v = {.kind = STORE_SHOWN, .run_ms = 1, .request = wish(1, "Rudeperson")};
    v.request.turn = 1;
    snprintf(v.request.message_id, sizeof v.request.message_id, "m-1");
    put(s, v);
    assert_true(is_on_disk("Rudeperson"));
    v = (struct store_event){.kind = STORE_REMOVED, .at_ms = now_ms()};
    snprintf(v.request.login, sizeof v.request.login, "rudePERSON");
    assert_int_equal(store_each_withdrawn(s, &v, tell, &sum, &e), 0);
    assert_int_equal(sum, 1);
    put(s, v);
    assert_int_equal(count(s, "rudeperson").rows, 0);
    assert_int_equal(count(s, "ann").rows, 1);
    assert_int_equal(count(s, NULL).rows, 4);
    assert_false(is_on_disk("Rudeperson"));
    assert_false(is_on_disk("rudePERSON"));
    assert_true(is_on_disk("text of ann"));
    v = (struct store_event){.kind = STORE_REMOVED, .at_ms = now_ms()}; /* everybody's */
    put(s, v);
    assert_false(is_on_disk("text of ann"));
    store_close(&s);
}

/* ---- where ---- */

static void test_find(void **state)
{
    (void)state;
    char out[STATE_PATH_BYTES];
    setenv("HOME", "/home/ann", 1);
    unsetenv("STATE_DIRECTORY");
    unsetenv("XDG_STATE_HOME");
    assert_false(state_folder_find("", out));
    assert_true(state_folder_find("here", out));
    assert_string_equal(out, "here");
    assert_true(state_folder_find("auto", out));
    assert_string_equal(out, "/home/ann/.local/state/reverie");
    setenv("XDG_STATE_HOME", "relative", 1); /* does not count */
    assert_true(state_folder_find("auto", out));
    assert_string_equal(out, "/home/ann/.local/state/reverie");
    setenv("XDG_STATE_HOME", "/xdg", 1);
    assert_true(state_folder_find("auto", out));
    assert_string_equal(out, "/xdg/reverie");
    setenv("STATE_DIRECTORY", "/var/lib/reverie:/var/lib/other", 1);
    assert_true(state_folder_find("auto", out));
    assert_string_equal(out, "/var/lib/reverie");
    unsetenv("STATE_DIRECTORY");
    unsetenv("XDG_STATE_HOME");
    unsetenv("HOME");
    assert_false(state_folder_find("auto", out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_private),  IN_FOLDER(test_links),   IN_FOLDER(test_newer),
        IN_FOLDER(test_older),    IN_FOLDER(test_damaged), IN_FOLDER(test_bounds),
        IN_FOLDER(test_pictures), IN_FOLDER(test_removed), cmocka_unit_test(test_find),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
