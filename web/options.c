/*
 * options - section "web": where the page is, and who may come.
 */
#include "web/web.h"

static const struct option rows[] = {
    OPTION_BOOL(struct web_config, enabled, "true",
                "Show the dream on a page for browsers, with a box for wishes."),
    OPTION_INT(struct web_config, port, "8080", 1, 65535, NULL,
               "Its port. When another program has it, the show goes on without the page."),
    OPTION_STRING(
        struct web_config, bind, "127.0.0.1", 0,
        "The address to listen on: 127.0.0.1 is this machine alone, 0.0.0.0 everybody who can reach it, "
        "which wants a token of your own."),
    OPTION_STRING(
        struct web_config, hosts, "", 0,
        "Further names that the page may be asked for by, as behind a proxy: dream.example.org. Browsers "
        "that ask for any other are refused."),
    OPTION_STRING(
        struct web_config, token, "", OPTION_SECRET,
        "What makes an operator of a browser, and of a program that sends it as Authorization: Bearer. "
        "Without one, a new one is made at each start and shown on the terminal."),
    OPTION_INT(struct web_config, viewers_max, "64", 1, 100, NULL,
               "How many may watch the live preview at once."),
};

const struct option_section web_section = OPTION_SECTION(
    "web", struct web_config, rows, "The page: live preview, wishes, and the operator's desk.");
