/*
 * libFuzzer over what makes foreign text fit to be shown: on a terminal, in the log and on the picture.
 */
#include "common/log.h"
#include "common/text.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    char *text = fuzz_text(data + 1, size - 1), out[600], again[600];
    size_t room = 8 + data[0] * 2u, n = text_escape(out, room, text);
    must(n < room && strlen(out) == n, "it ends in its room");
    must(text_line_bytes(out, n) == n, "what is escaped is one proper line");
    text_escape(again, sizeof again, out);
    must(strcmp(again, out) == 0, "what is visible stays as it is");
    n = text_clean(out, room, text, size - 1);
    must(n < room && strlen(out) == n && text_line_bytes(out, n) == n, "what is clean is one proper line");
    must(text_clean(again, sizeof again, out, n) == n && strcmp(again, out) == 0, "cleaning is done once");
    log_redact(text);
    free(text);
    return 0;
}
