/*
 * libFuzzer over a file with a secret in it. The first byte chooses the file's mode. The log's own list of secrets,
 * which only grows, is left out: see the Makefile.
 */
#include <sys/stat.h>

#include "config/config.h"
#include "tests/fuzz/fuzz.h"

struct secret_config {
    char key[OPTION_STRING_BYTES];
};

static const struct option rows[] = {
    OPTION_STRING(struct secret_config, key, "", OPTION_SECRET, "A secret."),
};
static const struct option_section section =
    OPTION_SECTION("fuzz", struct secret_config, rows, "One secret.");

static char hidden[OPTION_STRING_BYTES];

void __wrap_log_add_secret(const char *secret);
void __wrap_log_add_secret(const char *secret)
{
    snprintf(hidden, sizeof hidden, "%s", secret);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const mode_t modes[] = {0600, 0400, 0640, 0604, 0620, 0666};
    struct secret_config values = {""};
    const struct config_entry entry = {&section, &values};
    const struct config c = {.entries = &entry, .count = 1};
    struct error e = {""};
    if (size < 1)
        return 0;
    mode_t mode = modes[data[0] % 6];
    struct fuzz_file f = fuzz_file_open(data + 1, size - 1);
    fchmod(f.fd, mode);
    setenv("REVERIE_FUZZ_KEY_FILE", f.path, 1);
    hidden[0] = '\0';
    int rc = config_read_secrets(&c, &e);
    must(rc == 0 || (e.text[0] && !values.key[0]), "what is refused is told, and leaves nothing");
    must(rc < 0 || (mode & 027) == 0, "others may not read it");
    must(rc < 0 || strcmp(values.key, hidden) == 0, "the log knows it before anybody else");
    must(strpbrk(values.key, "\r\n") == NULL, "a secret is one line");
    fuzz_file_close(&f);
    return 0;
}
