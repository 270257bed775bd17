/*
 * libFuzzer over the text files of a show, by the first byte: a script, a list of what is forbidden, and what versions
 * before the database have kept (lines of JSON).
 */
#include <ftw.h>

#include "chatbot/chatbot.h"
#include "common/file.h"
#include "common/log.h"
#include "show/rules.h"
#include "show/takeover.h"
#include "tests/fuzz/fuzz.h"

static void read_script(const char *path)
{
    struct script *s;
    struct error e = {""};
    int rc = script_open(&s, path, &e);
    must(rc == 0 ? s != NULL : e.text[0] && !s, "what is refused is told");
    script_close(&s);
}

static void read_banned(const char *path)
{
    static struct show_config config;
    struct rules *r;
    struct error e = {""};
    option_defaults(&show_section, &config);
    snprintf(config.banned_file, sizeof config.banned_file, "%s", path);
    int rc = rules_open(&r, &config, &e);
    must(rc == 0 || e.text[0], "what is refused is told");
    if (rc == 0)
        rules_close(&r);
}

static char folder[] = "/dev/shm/reverie-fuzz-XXXXXX";

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
    (void)st, (void)type, (void)walk;
    return remove(path);
}

static struct store *store;

static void clean_up(void)
{
    store_close(&store);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void take_over(const uint8_t *data, size_t size)
{
    struct error e = {""};
    struct store_state state = {.wish_count = 0};
    char path[64];
    if (!store) {
        const struct store_params p = {.folder = folder, .keep_days = 30, .keep_rows = 100};
        must(mkdtemp(folder) != NULL && store_open(&store, &p, &e) == 0, "there is a store");
        atexit(clean_up);
    }
    snprintf(path, sizeof path, "%s/%s", folder, data[0] & 1 ? "state.jsonl" : "requests.jsonl");
    must(file_write_whole(path, data + 1, size - 1, 0600, &e) == 0, "the machine has room for an input");
    must(takeover(store, folder, &e) == 0 || e.text[0], "what is refused is told");
    remove(path);
    must(store_load_state(store, &state, &e) == 0, "what was taken over can be read");
    for (int i = 0; i < state.wish_count; i++)
        must(state.wishes[i].count >= 0 && state.wishes[i].count <= REQUESTS_SUBJECTS_MAX,
             "wishes are wishes");
    store_state_free(&state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    log_set_level(LOG_ERROR);
    if (data[0] % 4 >= 2) {
        take_over(data, size);
        return 0;
    }
    struct fuzz_file f = fuzz_file_open(data + 1, size - 1);
    if (data[0] % 4 == 0)
        read_script(f.path);
    else
        read_banned(f.path);
    fuzz_file_close(&f);
    return 0;
}
