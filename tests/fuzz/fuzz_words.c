/*
 * libFuzzer over what people type: each line of the input goes through resolution and through a whole chat,
 * by the user, role and origin that its first byte chooses; the log's reader of JSON lines gets it too.
 */
#include "chatbot/chatbot.h"
#include "common/json.h"
#include "common/text.h"
#include "show/rules.h"
#include "tests/fuzz/fuzz.h"

static void check_result(const struct synsets_result *r)
{
    char label[256];
    must(r->count >= 0 && r->count <= SYNSETS_SUBJECTS_MAX, "count");
    must(synsets_granted(r) == (r->count > 0), "what is granted has subjects, nothing else has");
    must(r->suggestion_count >= 0 && r->suggestion_count <= SYNSETS_SUGGESTIONS_MAX, "suggestions");
    for (int i = 0; i < r->count; i++)
        must(r->synset[i] >= 0 && r->synset[i] < SYNSET_COUNT, "synset");
    for (int i = 0; i < r->suggestion_count; i++)
        must(r->suggestion[i] >= 0 && r->suggestion[i] < SYNSET_COUNT && r->suggestion_name[i][0],
             "suggestion");
    synsets_label(r, label, sizeof label);
    synsets_is_plain(r);
}

static void check_reply(const char *reply)
{
    char clean[CHAT_REPLY_BYTES];
    size_t length = strnlen(reply, CHAT_REPLY_BYTES);
    must(length < CHAT_REPLY_BYTES, "the reply ends");
    text_clean(clean, sizeof clean, reply, length);
    must(strcmp(clean, reply) == 0, "the reply is clean");
}

static void say(struct chatbot *b, const struct synsets_known *known, const char *line, size_t bytes,
                double now_s)
{
    static const char *const users[] = {
        "ann", "Bob", "\xff\xfe", "", "eve", "mod", "a name that is long, and longer", "ann"};
    uint8_t choice = (uint8_t)line[0];
    struct synsets_result r;
    synsets_resolve(line + 1, bytes - 1, known, &r);
    check_result(&r);
    char reply[CHAT_REPLY_BYTES];
    struct chat_line said = {.origin = (enum chat_origin)(choice >> 3 & 3) % 3,
                             .user = users[choice & 7],
                             .display_name = choice & 32 ? "Ann \xf0\x9f\x8d\x95" : NULL,
                             .message_id = choice & 64 ? "id" : NULL,
                             .roles = choice >> 5,
                             .text = line + 1,
                             .bytes = bytes - 1};
    chatbot_line(b, &said, now_s, reply);
    check_reply(reply);
    if (choice == 255)
        chatbot_clear_user(b, users[line[1] & 7]);
    if (choice == 254)
        chatbot_delete(b, "id");
    struct json *j;
    if (json_parse(&j, line + 1, bytes - 1, NULL) == 0)
        must(json_count(json_member(j, "wish")) >= 0, "members");
    json_close(&j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct show_config config;
    static struct synsets_known known;
    struct rules *rules;
    struct requests *requests;
    struct chatbot *bot;
    struct error e;
    option_defaults(&show_section, &config);
    config.queue_max = 3;
    config.order = size > 0 && data[0] & 1 ? SHOW_LOTTERY : SHOW_FAIR;
    for (int i = 0; i < SYNSET_COUNT; i++)
        known.known[i] = size == 0 || (i * 7 + data[0]) % 5 != 0 || data[0] < 64;
    if (rules_open(&rules, &config, &e) || requests_open(&requests, &config, &known, 1, NULL) ||
        chatbot_open(&bot, requests, &known, 1, 2))
        abort();
    chatbot_set_rules(bot, rules);
    const char *line = (const char *)data, *end = line + size;
    for (double now_s = 0; line < end; now_s += 20) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        size_t bytes = (size_t)((stop ? stop : end) - line);
        struct request now;
        if (bytes > 1)
            say(bot, &known, line, bytes, now_s);
        requests_turn(requests, now_s, &now);
        line += bytes + 1;
    }
    chatbot_close(&bot);
    requests_close(&requests);
    rules_close(&rules);
    return 0;
}
