/*
 * libFuzzer over everything between the network and the IRC library: splitter, parser, tags, text, rebuilt
 * line. The first byte chooses how the stream is cut into packets.
 */
#include "tests/chatbot/irc/irc_invariants.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct irc_splitter splitter;
    if (size < 2)
        return 0;
    irc_splitter_init(&splitter);
    irc_check_stream(&splitter, (const char *)data + 1, size - 1, (size_t)data[0] * 8 + 1);
    irc_check_stream(&splitter, "\n", 1, 1); /* what was left over becomes a line too */
    return 0;
}
