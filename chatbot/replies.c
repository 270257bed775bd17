/*
 * replies - see replies.h. The tone: a machine that enjoys its work and is slightly too honest about it.
 * Whatever the joke, each reply keeps the facts: what, which half, when, or what to type instead.
 */
#include "chatbot/replies.h"

#include <string.h>

#include "common/text.h"

enum { FORMS_MAX = 6, REPLY_TEXT_BYTES = 2048 };

static const char *const forms[REPLY_COUNT][FORMS_MAX] = {
    [REPLY_ONE] =
        {"{Noted|Deal|Say no more|Order up|Very well}: $s, $w. {No refunds.|Mind the edges.|My neurons are "
         "stretching already.|I was hoping that somebody would ask.|Do not blink.}",
         "$s it {is|shall be}, $w. {You asked for it.|Layer five is delighted.|I hope you like eyes.|Sweet "
         "dreams "
         "to me.|Blame yourself.}",
         "{Squinting|Staring|Gazing} at the noise until it {turns into|admits to being|becomes} $s: $w.",
         "{Ooh|Aha|Hm, yes|Lovely}, $s. {I can nearly see it.|It was in the clouds all along.|Consider it "
         "hallucinated.} It will be $w."},
    [REPLY_TWO] =
        {"{Noted|Deal|Bold choice|Order up}: $t in the top half, $b in the bottom half, $w. {What could go "
         "wrong?|They will have to get along.|No refunds.}",
         "$t {above|on top}, $b {below|underneath}, $w. {The border is going to be interesting.|May the "
         "better "
         "pixels win.|Nature never thought of that.}",
         "{Splitting|Halving|Sharing} my attention: $t {up top|on top}, $b {at the bottom|below}. They will "
         "be $w."},
    [REPLY_INSTEAD_ONE] =
        {"{Changed your mind? Mine changes all the time.|Second thoughts are fine.|Scratch the "
         "old wish.} $s instead, same place in the line, $w.",
         "{Swapped|Traded|Rewritten}: $s takes the place of your last wish, $w."},
    [REPLY_INSTEAD_TWO] =
        {"{Changed your mind? Mine changes all the time.|Second thoughts are fine.} $t on top and "
         "$b below instead, same place in the line, $w.",
         "{Swapped|Traded|Rewritten}: $t on top, $b below, in the place of your last wish, $w."},
    [REPLY_ON_NOW] =
        {"{Look closer|Lean in|Look again}: $s is what I am dreaming {right now|this very moment}.",
         "$s is on {already|as we speak}. {More of it would not fit.|I cannot dream harder.}"},
    [REPLY_HAVE_IT] = {"{Patience|Easy|I heard you}: your $s is {in the line|on my list} already, $w.",
                       "{Still|Yes, yes,} $s, {I have not forgotten|it is written down}. It will be $w."},
    [REPLY_FULL] =
        {"{My head is full|The line is round the block}: $n wishes wait. {Come back|Try again} in a minute.",
         "$n wishes wait and {there is no room for more|that is all I can remember}. Try again {soon|in a "
         "minute}."},
    [REPLY_UNKNOWN] =
        {"{Hm|Alas}, $p {rings no bell|is beyond me|does not light up a single neuron}. !words shows "
         "what I can dream.",
         "{I went through all my neurons|I looked everywhere}, but nobody {has heard "
         "of|answers to} $p. Try "
         "!words, or !words dog.",
         "{Hm|Oh}, $p? {I only ever saw a thousand kinds of things|My education had gaps}. !words "
         "tells which things I know."},
    [REPLY_DID_YOU_MEAN] =
        {"{Hm|Alas}, $p {rings no bell|is beyond me}. Did you mean $l?",
         "{Hm|Almost|So close}, $p {is not a word of mine|is new to me}. Did you mean $l?"},
    [REPLY_LACKING] =
        {"I know what $p means, but {this network never saw one|I skipped that lesson}. {Nearest to "
         "it|What I have instead}: $l.",
         "{Yes|Well}, $p {exists, they say|is a fine idea}, only this network was never shown one. It can do "
         "$l."},
    [REPLY_TOO_MANY] =
        {"{I have one picture, no more|One mind, eight things}: wish for up to eight things, like "
         "\"goldfish + pizza\".",
         "{Too many cooks|That is a crowd}. Eight things fit, two look best: \"goldfish + pizza\"."},
    [REPLY_FORBIDDEN] =
        {"{Not in this house|Not here|That one stays outside}. {Wish for something else|Name another "
         "thing}; !words shows what there is.",
         "{I was asked not to dream that|My keepers said no to that one}. {Anything "
         "else|Something else}? !words has ideas."},
    [REPLY_PAUSED] =
        {"{The wishing well is closed|I take no wishes} {for the moment|right now}. {Watch what is "
         "on|Enjoy the view} and try later.",
         "{A moderator|Somebody with a badge} {told me to|made me} {close my ears|stop listening}. "
         "{Later|Another time}."},
    [REPLY_COOLDOWN] =
        {"{One wish at a time|Easy|Slowly}: {ask again|your next one is welcome} in $n s.",
         "{You just had one|You were heard a moment ago}. {I take your next wish|Come back} in $n "
         "s."},
    [REPLY_UNPAID] =
        {"{Dreams cost something here|I dream for a fee}: {redeem the reward for it|take the "
         "channel's reward} and name a thing.",
         "{Wishes come with the channel's reward here|No reward, no dream}. {Redeem it and name a "
         "thing|Spend it and I am yours}."},
    [REPLY_RESTS] =
        {"{Not again so soon|Let others dream too|One thing at a time}: $s may come back $w. {Name "
         "something else|Anything else}?",
         "$s {has had its turn|needs a rest}; {ask again|it may come back} $w."},
    [REPLY_LOTTERY] =
        {"$s is in the {hat|draw|drum}, one of $n; the next one is drawn for what is $w. {Cross "
         "whatever you have|Good luck|I am not bribable}.",
         "{A ticket|One ticket} for $s, among $n. {The lucky one|The winner} is $w. {Fingers "
         "crossed.|May the noise be with you.|No promises.}"},
    [REPLY_HELP] =
        {"{Name|Tell me} a thing and I dream it: \"goldfish\". Two share the screen, one above the other: "
         "\"goldfish + pizza\". Commands: $l."},
};

/* Appends as much of `in` as there is room for. */
static size_t append(char *out, size_t size, size_t n, const char *in, size_t bytes)
{
    if (bytes > size - n)
        bytes = size - n;
    memcpy(out + n, in, bytes);
    return n + bytes;
}

static const char *word(const struct reply_words *w, char letter)
{
    const char *text = letter == 's'   ? w->subject
                       : letter == 't' ? w->top
                       : letter == 'b' ? w->bottom
                       : letter == 'w' ? w->when
                       : letter == 'p' ? w->part
                       : letter == 'l' ? w->list
                                       : w->number;
    return text ? text : "";
}

/* The text between two borders, with words filled in; no braces inside. */
static size_t fill(char *out, size_t size, size_t n, const char *from, const char *to,
                   const struct reply_words *words)
{
    while (from < to) {
        if (*from == '$') {
            const char *text = word(words, from[1]);
            n = append(out, size, n, text, strlen(text));
            from += 2;
        } else {
            n = append(out, size, n, from++, 1);
        }
    }
    return n;
}

/* One of the alternatives between from and to. */
static void pick(const char **from, const char **to, struct rng *rng)
{
    int count = 1;
    for (const char *c = *from; c < *to; c++)
        count += *c == '|';
    int chosen = (int)rng_below(rng, (uint32_t)count);
    const char *start = *from;
    for (; chosen > 0; chosen--)
        start = strchr(start, '|') + 1;
    const char *end = memchr(start, '|', (size_t)(*to - start));
    *from = start;
    *to = end ? end : *to;
}

void reply_write(enum reply reply, const struct reply_words *words, struct rng *rng, char *out, size_t size)
{
    uint32_t count = 0;
    while (count < FORMS_MAX && forms[reply][count])
        count++;
    char text[REPLY_TEXT_BYTES];
    size_t n = 0;
    for (const char *c = forms[reply][rng_below(rng, count)]; *c;) {
        const char *open = strchrnul(c, '{');
        n = fill(text, sizeof text, n, c, open, words);
        if (!*open)
            break;
        const char *close = strchr(open, '}');
        const char *from = open + 1, *to = close;
        pick(&from, &to, rng);
        n = fill(text, sizeof text, n, from, to, words);
        c = close + 1;
    }
    text_clean(out, size, text, n);
}
