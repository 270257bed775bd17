/*
 * libFuzzer over rtmp.url: parts, faults, and the address with the key, which nobody may see.
 */
#include "stream/rtmp_place.h"
#include "tests/fuzz/fuzz.h"

#define KEY "live_0123456789abcdef"

static bool is_hidden;

void __wrap_log_add_secret(const char *secret);
void __wrap_log_add_secret(const char *secret)
{
    is_hidden |= strcmp(secret, KEY) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rtmp_config c = {.stream_key = KEY};
    const struct sink_setup o = {.name = "rtmp", .section = &rtmp_section, .config = &c};
    struct rtmp_place p;
    struct error e = {""};
    const char *who;
    char *text = fuzz_text(data, size);
    const struct option *url = &rtmp_section.options[1];
    if (option_parse(url, &c, text, &e) == 0) {
        bool is_valid = rtmp_place_valid(&o, &e) == 0;
        must(is_valid || e.text[0], "what is refused is told");
        must(!strstr(e.text, KEY), "no fault names the key");
        must(rtmp_place_most_kbps(&o, &who) >= 0, "a limit is a number");
        is_hidden = false;
        if (is_valid && rtmp_place_split(&o, RTMP_FIRST, &p, &e) == 0) {
            char *address = rtmp_place_address(&c, &p);
            must(strncmp(address, p.scheme, strlen(p.scheme)) == 0 && p.host[0], "an address has its parts");
            must(strstr(address, KEY) != NULL && is_hidden, "the key is in it and hidden");
            free(address);
        }
    }
    free(text);
    return 0;
}
