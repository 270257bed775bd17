/*
 * libFuzzer over settings: a YAML file (first byte even), or lines as they follow --set. Over the sections of the show
 * and of the chat, which have rows of every type, and the list of outputs.
 */
#include "chatbot/irc/irc.h"
#include "config/config.h"
#include "show/requests.h"
#include "stream/stream.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct show_config show;
    struct irc_config irc;
    const struct config_entry entries[] = {{&show_section, &show}, {&irc_section, &irc}};
    struct stream_config *stream = NULL;
    struct error e = {""};
    if (size < 1)
        return 0;
    stream = stream_config_new();
    const struct config c = {.entries = entries, .count = 2, .list = stream_config_outputs(stream)};
    config_defaults(&c);
    char *text = fuzz_text(data + 1, size - 1);
    if (data[0] % 2 == 0) {
        struct fuzz_file f = fuzz_file_open(data + 1, size - 1);
        must(config_load(&c, f.path, &e) == 0 || e.text[0], "what is refused is told");
        fuzz_file_close(&f);
    } else {
        char *rest = text;
        for (char *line; (line = strsep(&rest, "\n"));)
            must(config_set(&c, line, &e) == 0 || e.text[0], "what is refused is told");
    }
    must(irc.token[0] == '\0', "no secret comes from a file or an argument");
    must(show.hold_s >= 0 && show.queue_max >= 1 && irc.port >= 1 && irc.port <= 65535,
         "values are in range");
    must(memchr(show.state_dir, '\0', sizeof show.state_dir) != NULL, "texts end");
    free(text);
    stream_config_free(stream);
    return 0;
}
