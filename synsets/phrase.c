/*
 * phrase - words that stand around the names in a wish and between them: "show me a", "please", "on top of".
 *
 * A table by hand. What is here falls away or joins two names; a name that holds such words (hot dog, big cat,
 * black widow) is longer and was found before. Where a word both joins and names something ("top") the caller
 * decides.
 */
#include <stdbool.h>
#include <string.h>

#include "synsets/phrase.h"
#include "common/mem.h"

struct phrase {
    const char *text;
    enum phrase_role role;
    int talk;
};

/* clang-format off */
static const struct phrase phrases[] = {
    {"a", PHRASE_FILLER, 0}, {"a bag of", PHRASE_FILLER, 2}, {"a bottle of", PHRASE_FILLER, 2},
    {"a bowl of", PHRASE_FILLER, 2}, {"a box of", PHRASE_FILLER, 2}, {"a bunch of", PHRASE_FILLER, 2},
    {"a can of", PHRASE_FILLER, 2}, {"a couple of", PHRASE_FILLER, 2}, {"a cup of", PHRASE_FILLER, 2},
    {"a dozen", PHRASE_FILLER, 2}, {"a drawing of", PHRASE_FILLER, 1}, {"a few", PHRASE_FILLER, 2},
    {"a field of", PHRASE_FILLER, 2}, {"a flock of", PHRASE_FILLER, 2}, {"a glass of", PHRASE_FILLER, 2},
    {"a group of", PHRASE_FILLER, 2}, {"a herd of", PHRASE_FILLER, 2}, {"a hundred", PHRASE_FILLER, 2},
    {"a kind of", PHRASE_FILLER, 2}, {"a lot of", PHRASE_FILLER, 2}, {"a million", PHRASE_FILLER, 2},
    {"a pack of", PHRASE_FILLER, 2}, {"a painting of", PHRASE_FILLER, 1}, {"a pair of", PHRASE_FILLER, 2},
    {"a photo of", PHRASE_FILLER, 1}, {"a pic of", PHRASE_FILLER, 1}, {"a picture of", PHRASE_FILLER, 1},
    {"a piece of", PHRASE_FILLER, 2}, {"a pile of", PHRASE_FILLER, 2}, {"a plate of", PHRASE_FILLER, 2},
    {"a slice of", PHRASE_FILLER, 2}, {"a thousand", PHRASE_FILLER, 2}, {"a vision of", PHRASE_FILLER, 1},
    {"above", PHRASE_OVER, 2}, {"again", PHRASE_FILLER, 2}, {"also", PHRASE_FILLER, 2},
    {"amazing", PHRASE_FILLER, 2}, {"an", PHRASE_FILLER, 0}, {"an image of", PHRASE_FILLER, 1},
    {"and", PHRASE_JOIN, 0}, {"and also", PHRASE_JOIN, 1}, {"and then", PHRASE_JOIN, 1},
    {"angry", PHRASE_FILLER, 2}, {"another", PHRASE_FILLER, 2}, {"any", PHRASE_FILLER, 0},
    {"at", PHRASE_JOIN, 2}, {"at the bottom", PHRASE_BOTTOM, 1}, {"at the bottom of", PHRASE_UNDER, 2},
    {"at the top", PHRASE_TOP, 1}, {"awesome", PHRASE_FILLER, 2}, {"baby", PHRASE_FILLER, 2},
    {"beautiful", PHRASE_FILLER, 2}, {"become", PHRASE_FILLER, 2}, {"becomes", PHRASE_JOIN, 2},
    {"becoming", PHRASE_JOIN, 2}, {"behind", PHRASE_JOIN, 2}, {"below", PHRASE_UNDER, 2},
    {"beneath", PHRASE_UNDER, 2}, {"beside", PHRASE_JOIN, 2}, {"between", PHRASE_JOIN, 2},
    {"big", PHRASE_FILLER, 2}, {"black", PHRASE_FILLER, 2}, {"black and white", PHRASE_IDIOM, 2},
    {"blue", PHRASE_FILLER, 2}, {"bot", PHRASE_FILLER, 2}, {"both", PHRASE_JOIN, 1},
    {"bottom", PHRASE_BOTTOM, 2}, {"bottom half", PHRASE_BOTTOM, 1}, {"bread and butter", PHRASE_IDIOM, 2},
    {"bright", PHRASE_FILLER, 2}, {"bro", PHRASE_FILLER, 2}, {"brown", PHRASE_FILLER, 2},
    {"buddy", PHRASE_FILLER, 2}, {"bunch of", PHRASE_FILLER, 2}, {"can i get", PHRASE_FILLER, 2},
    {"can i have", PHRASE_FILLER, 2}, {"can i see", PHRASE_FILLER, 2}, {"can we get", PHRASE_FILLER, 2},
    {"can we have", PHRASE_FILLER, 2}, {"can we see", PHRASE_FILLER, 2}, {"can you do", PHRASE_FILLER, 2},
    {"can you draw", PHRASE_FILLER, 2}, {"can you dream", PHRASE_FILLER, 2},
    {"can you dream of", PHRASE_FILLER, 2}, {"can you make", PHRASE_FILLER, 2},
    {"can you please", PHRASE_FILLER, 2}, {"can you show", PHRASE_FILLER, 2},
    {"can you show me", PHRASE_FILLER, 2}, {"cat and mouse game", PHRASE_IDIOM, 2},
    {"cats and dogs raining", PHRASE_IDIOM, 2}, {"change to", PHRASE_FILLER, 2}, {"chasing", PHRASE_JOIN, 2},
    {"chat", PHRASE_FILLER, 2}, {"cmon", PHRASE_FILLER, 2}, {"colorful", PHRASE_FILLER, 2},
    {"colourful", PHRASE_FILLER, 2}, {"combined with", PHRASE_JOIN, 2}, {"come on", PHRASE_FILLER, 2},
    {"cool", PHRASE_FILLER, 2}, {"could i get", PHRASE_FILLER, 2}, {"could i have", PHRASE_FILLER, 2},
    {"could we get", PHRASE_FILLER, 2}, {"could we have", PHRASE_FILLER, 2},
    {"could we see", PHRASE_FILLER, 2}, {"could you", PHRASE_FILLER, 2}, {"could you do", PHRASE_FILLER, 2},
    {"could you draw", PHRASE_FILLER, 2}, {"could you dream", PHRASE_FILLER, 2},
    {"could you dream of", PHRASE_FILLER, 2}, {"could you make", PHRASE_FILLER, 2},
    {"could you show", PHRASE_FILLER, 2}, {"could you show me", PHRASE_FILLER, 2},
    {"couple of", PHRASE_FILLER, 2}, {"crazy", PHRASE_FILLER, 2}, {"creepy", PHRASE_FILLER, 2},
    {"cute", PHRASE_FILLER, 2}, {"cutest", PHRASE_FILLER, 2}, {"dancing", PHRASE_FILLER, 2},
    {"dark", PHRASE_FILLER, 2}, {"dear bot", PHRASE_FILLER, 2}, {"delicious", PHRASE_FILLER, 2},
    {"do", PHRASE_FILLER, 2}, {"do me", PHRASE_FILLER, 2}, {"dog and pony show", PHRASE_IDIOM, 2},
    {"down below", PHRASE_BOTTOM, 1}, {"dozen", PHRASE_FILLER, 2}, {"draw", PHRASE_FILLER, 2},
    {"draw me", PHRASE_FILLER, 2}, {"draw us", PHRASE_FILLER, 2}, {"dream", PHRASE_FILLER, 1},
    {"dream a dream of", PHRASE_FILLER, 1}, {"dream about", PHRASE_FILLER, 1}, {"dream me", PHRASE_FILLER, 1},
    {"dream of", PHRASE_FILLER, 1}, {"dream up", PHRASE_FILLER, 1}, {"drinking", PHRASE_JOIN, 2},
    {"driving", PHRASE_JOIN, 2}, {"dude", PHRASE_FILLER, 2}, {"eating", PHRASE_JOIN, 2},
    {"eight", PHRASE_FILLER, 2}, {"epic", PHRASE_FILLER, 2}, {"evil", PHRASE_FILLER, 2},
    {"fat", PHRASE_FILLER, 2}, {"few", PHRASE_FILLER, 2}, {"fighting", PHRASE_JOIN, 2},
    {"fights", PHRASE_JOIN, 2}, {"five", PHRASE_FILLER, 2}, {"fluffy", PHRASE_FILLER, 2},
    {"flying", PHRASE_FILLER, 2}, {"folks", PHRASE_FILLER, 2}, {"for", PHRASE_FILLER, 2},
    {"for me", PHRASE_FILLER, 1}, {"for us", PHRASE_FILLER, 1}, {"four", PHRASE_FILLER, 2},
    {"fresh", PHRASE_FILLER, 2}, {"friend", PHRASE_FILLER, 2}, {"from", PHRASE_FILLER, 2},
    {"funny", PHRASE_FILLER, 2}, {"furry", PHRASE_FILLER, 2}, {"giant", PHRASE_FILLER, 2},
    {"gib", PHRASE_FILLER, 2}, {"gimme", PHRASE_FILLER, 2}, {"give me", PHRASE_FILLER, 2},
    {"give us", PHRASE_FILLER, 2}, {"glowing", PHRASE_FILLER, 2}, {"go", PHRASE_FILLER, 2},
    {"go for", PHRASE_FILLER, 2}, {"golden", PHRASE_FILLER, 2}, {"gray", PHRASE_FILLER, 2},
    {"green", PHRASE_FILLER, 2}, {"grey", PHRASE_FILLER, 2}, {"guys", PHRASE_FILLER, 2},
    {"haha", PHRASE_FILLER, 2}, {"half", PHRASE_JOIN, 1}, {"hallucinate", PHRASE_FILLER, 1},
    {"happy", PHRASE_FILLER, 2}, {"hello", PHRASE_FILLER, 2}, {"her", PHRASE_FILLER, 2},
    {"here", PHRASE_FILLER, 2}, {"hey", PHRASE_FILLER, 2}, {"hi", PHRASE_FILLER, 2},
    {"his", PHRASE_FILLER, 2}, {"hmm", PHRASE_FILLER, 2}, {"holding", PHRASE_JOIN, 2},
    {"hot and cold", PHRASE_IDIOM, 2}, {"how about", PHRASE_FILLER, 2}, {"huge", PHRASE_FILLER, 2},
    {"hundred", PHRASE_FILLER, 2}, {"hungry", PHRASE_FILLER, 2}, {"i choose", PHRASE_FILLER, 1},
    {"i like", PHRASE_FILLER, 2}, {"i love", PHRASE_FILLER, 2}, {"i need", PHRASE_FILLER, 2},
    {"i pick", PHRASE_FILLER, 1}, {"i request", PHRASE_FILLER, 1}, {"i wanna", PHRASE_FILLER, 2},
    {"i wanna see", PHRASE_FILLER, 2}, {"i want", PHRASE_FILLER, 2}, {"i want to see", PHRASE_FILLER, 2},
    {"i wish for", PHRASE_FILLER, 1}, {"i wish to see", PHRASE_FILLER, 1}, {"i would like", PHRASE_FILLER, 2},
    {"i would like to see", PHRASE_FILLER, 2}, {"i would love to see", PHRASE_FILLER, 2},
    {"id like", PHRASE_FILLER, 2}, {"id like to see", PHRASE_FILLER, 2}, {"id love", PHRASE_FILLER, 2},
    {"id love to see", PHRASE_FILLER, 2}, {"if possible", PHRASE_FILLER, 1}, {"if you can", PHRASE_FILLER, 1},
    {"image of", PHRASE_FILLER, 1}, {"images of", PHRASE_FILLER, 1}, {"imagine", PHRASE_FILLER, 2},
    {"in", PHRASE_JOIN, 2}, {"in front of", PHRASE_JOIN, 2}, {"in the bottom half", PHRASE_BOTTOM, 1},
    {"in the lower half", PHRASE_BOTTOM, 1}, {"in the top half", PHRASE_TOP, 1},
    {"in the upper half", PHRASE_TOP, 1}, {"inside", PHRASE_JOIN, 2}, {"instead", PHRASE_FILLER, 2},
    {"is", PHRASE_FILLER, 2}, {"it is", PHRASE_FILLER, 2}, {"its", PHRASE_FILLER, 2},
    {"just", PHRASE_FILLER, 2}, {"kind of", PHRASE_FILLER, 2}, {"kindly", PHRASE_FILLER, 1},
    {"kissing", PHRASE_JOIN, 2}, {"large", PHRASE_FILLER, 2}, {"lazy", PHRASE_FILLER, 2},
    {"let me see", PHRASE_FILLER, 2}, {"let there be", PHRASE_FILLER, 1}, {"let us see", PHRASE_FILLER, 2},
    {"lets do", PHRASE_FILLER, 2}, {"lets go", PHRASE_FILLER, 2}, {"lets go with", PHRASE_FILLER, 2},
    {"lets have", PHRASE_FILLER, 2}, {"lets see", PHRASE_FILLER, 2}, {"lets try", PHRASE_FILLER, 2},
    {"like", PHRASE_FILLER, 2}, {"little", PHRASE_FILLER, 2}, {"loads of", PHRASE_FILLER, 2},
    {"lol", PHRASE_FILLER, 2}, {"long", PHRASE_FILLER, 2}, {"lot of", PHRASE_FILLER, 2},
    {"lots of", PHRASE_FILLER, 2}, {"love", PHRASE_FILLER, 2}, {"lovely", PHRASE_FILLER, 2},
    {"lower half", PHRASE_BOTTOM, 1}, {"magic", PHRASE_FILLER, 2}, {"magical", PHRASE_FILLER, 2},
    {"make", PHRASE_FILLER, 2}, {"make it", PHRASE_FILLER, 2}, {"make me", PHRASE_FILLER, 2},
    {"make us", PHRASE_FILLER, 2}, {"man", PHRASE_FILLER, 2}, {"many", PHRASE_FILLER, 2},
    {"may i have", PHRASE_FILLER, 2}, {"may we have", PHRASE_FILLER, 2}, {"maybe", PHRASE_FILLER, 2},
    {"meeting", PHRASE_JOIN, 2}, {"meets", PHRASE_JOIN, 2}, {"million", PHRASE_FILLER, 2},
    {"mini", PHRASE_FILLER, 2}, {"mix", PHRASE_JOIN, 1}, {"mixed", PHRASE_JOIN, 2},
    {"mixed with", PHRASE_JOIN, 2}, {"more", PHRASE_FILLER, 2}, {"morph into", PHRASE_FILLER, 1},
    {"mr bot", PHRASE_FILLER, 2}, {"my", PHRASE_FILLER, 2}, {"my friend", PHRASE_FILLER, 2},
    {"my request is", PHRASE_FILLER, 1}, {"my wish is", PHRASE_FILLER, 1}, {"n", PHRASE_JOIN, 2},
    {"near", PHRASE_JOIN, 2}, {"neon", PHRASE_FILLER, 2}, {"new", PHRASE_FILLER, 2},
    {"next", PHRASE_FILLER, 2}, {"next to", PHRASE_JOIN, 2}, {"next up", PHRASE_FILLER, 2},
    {"nice", PHRASE_FILLER, 2}, {"nine", PHRASE_FILLER, 2}, {"now", PHRASE_FILLER, 2},
    {"of", PHRASE_FILLER, 2}, {"oh", PHRASE_FILLER, 2}, {"ok", PHRASE_FILLER, 2}, {"okay", PHRASE_FILLER, 2},
    {"old", PHRASE_FILLER, 2}, {"omg", PHRASE_FILLER, 2}, {"on", PHRASE_OVER, 2},
    {"on bottom", PHRASE_BOTTOM, 1}, {"on the bottom", PHRASE_BOTTOM, 1}, {"on the top", PHRASE_TOP, 1},
    {"on top", PHRASE_TOP, 1}, {"on top of", PHRASE_OVER, 1}, {"one", PHRASE_FILLER, 2},
    {"one more", PHRASE_FILLER, 2}, {"one of those", PHRASE_FILLER, 0}, {"only", PHRASE_FILLER, 2},
    {"or", PHRASE_JOIN, 2}, {"our", PHRASE_FILLER, 2}, {"over", PHRASE_OVER, 2}, {"paint", PHRASE_FILLER, 2},
    {"paint me", PHRASE_FILLER, 2}, {"pair of", PHRASE_FILLER, 2},
    {"peanut butter and jelly", PHRASE_IDIOM, 2}, {"perhaps", PHRASE_FILLER, 2},
    {"photo of", PHRASE_FILLER, 1}, {"photos of", PHRASE_FILLER, 1}, {"pic of", PHRASE_FILLER, 1},
    {"pics of", PHRASE_FILLER, 1}, {"picture", PHRASE_FILLER, 2}, {"picture of", PHRASE_FILLER, 1},
    {"pictures of", PHRASE_FILLER, 1}, {"piece of", PHRASE_FILLER, 2}, {"piece of cake", PHRASE_IDIOM, 2},
    {"pieces of", PHRASE_FILLER, 2}, {"pink", PHRASE_FILLER, 2}, {"playing", PHRASE_JOIN, 2},
    {"please", PHRASE_FILLER, 1}, {"please dream", PHRASE_FILLER, 1}, {"please show", PHRASE_FILLER, 1},
    {"plox", PHRASE_FILLER, 2}, {"pls", PHRASE_FILLER, 1}, {"plse", PHRASE_FILLER, 1},
    {"plus", PHRASE_JOIN, 0}, {"plz", PHRASE_FILLER, 1}, {"pretty", PHRASE_FILLER, 2},
    {"psychedelic", PHRASE_FILLER, 2}, {"purple", PHRASE_FILLER, 2}, {"realistic", PHRASE_FILLER, 2},
    {"really", PHRASE_FILLER, 2}, {"red", PHRASE_FILLER, 2}, {"render", PHRASE_FILLER, 2},
    {"request", PHRASE_FILLER, 2}, {"requesting", PHRASE_FILLER, 2}, {"riding", PHRASE_OVER, 2},
    {"riding on", PHRASE_OVER, 2}, {"right now", PHRASE_FILLER, 2}, {"rock and roll", PHRASE_IDIOM, 2},
    {"rock n roll", PHRASE_IDIOM, 2}, {"running", PHRASE_FILLER, 2}, {"sad", PHRASE_FILLER, 2},
    {"salt and pepper", PHRASE_IDIOM, 2}, {"scary", PHRASE_FILLER, 2}, {"see", PHRASE_FILLER, 2},
    {"seven", PHRASE_FILLER, 2}, {"several", PHRASE_FILLER, 2}, {"shiny", PHRASE_FILLER, 2},
    {"short", PHRASE_FILLER, 2}, {"show", PHRASE_FILLER, 1}, {"show me", PHRASE_FILLER, 1},
    {"show us", PHRASE_FILLER, 1}, {"silly", PHRASE_FILLER, 2}, {"silver", PHRASE_FILLER, 2},
    {"sits on", PHRASE_OVER, 2}, {"sitting on", PHRASE_OVER, 2}, {"six", PHRASE_FILLER, 2},
    {"sleeping", PHRASE_FILLER, 2}, {"sleepy", PHRASE_FILLER, 2}, {"slice of", PHRASE_FILLER, 2},
    {"small", PHRASE_FILLER, 2}, {"so", PHRASE_FILLER, 2}, {"some", PHRASE_FILLER, 0},
    {"spooky", PHRASE_FILLER, 2}, {"standing on", PHRASE_OVER, 2}, {"surreal", PHRASE_FILLER, 2},
    {"sweet", PHRASE_FILLER, 2}, {"swimming", PHRASE_FILLER, 2}, {"switch to", PHRASE_FILLER, 2},
    {"tall", PHRASE_FILLER, 2}, {"tasty", PHRASE_FILLER, 2}, {"ten", PHRASE_FILLER, 2},
    {"thank u", PHRASE_FILLER, 2}, {"thank you", PHRASE_FILLER, 2}, {"thanks", PHRASE_FILLER, 2},
    {"that", PHRASE_FILLER, 0}, {"the", PHRASE_FILLER, 0}, {"their", PHRASE_FILLER, 2},
    {"then", PHRASE_FILLER, 2}, {"there", PHRASE_FILLER, 2}, {"these", PHRASE_FILLER, 0},
    {"this", PHRASE_FILLER, 0}, {"those", PHRASE_FILLER, 0}, {"thousand", PHRASE_FILLER, 2},
    {"three", PHRASE_FILLER, 2}, {"thx", PHRASE_FILLER, 2}, {"tiny", PHRASE_FILLER, 2},
    {"to", PHRASE_FILLER, 2}, {"today", PHRASE_FILLER, 2}, {"together with", PHRASE_JOIN, 1},
    {"tonight", PHRASE_FILLER, 2}, {"tons of", PHRASE_FILLER, 2}, {"top", PHRASE_TOP, 2},
    {"top half", PHRASE_TOP, 1}, {"top half of", PHRASE_JOIN, 1}, {"trippy", PHRASE_FILLER, 2},
    {"try", PHRASE_FILLER, 2}, {"turn into", PHRASE_FILLER, 1}, {"turning into", PHRASE_JOIN, 2},
    {"turquoise", PHRASE_FILLER, 2}, {"two", PHRASE_FILLER, 2}, {"ty", PHRASE_FILLER, 2},
    {"type of", PHRASE_FILLER, 2}, {"uh", PHRASE_FILLER, 2}, {"um", PHRASE_FILLER, 2},
    {"under", PHRASE_UNDER, 2}, {"underneath", PHRASE_UNDER, 2}, {"up top", PHRASE_TOP, 1},
    {"upon", PHRASE_OVER, 2}, {"upper half", PHRASE_TOP, 1}, {"versus", PHRASE_JOIN, 2},
    {"very", PHRASE_FILLER, 2}, {"violet", PHRASE_FILLER, 2}, {"visualize", PHRASE_FILLER, 2},
    {"vs", PHRASE_JOIN, 2}, {"we love", PHRASE_FILLER, 2}, {"we need", PHRASE_FILLER, 2},
    {"we want", PHRASE_FILLER, 2}, {"we want to see", PHRASE_FILLER, 2}, {"wearing", PHRASE_JOIN, 2},
    {"weird", PHRASE_FILLER, 2}, {"well", PHRASE_FILLER, 2}, {"what about", PHRASE_FILLER, 2},
    {"white", PHRASE_FILLER, 2}, {"wild", PHRASE_FILLER, 2}, {"wish", PHRASE_FILLER, 2},
    {"wish for", PHRASE_FILLER, 2}, {"with", PHRASE_JOIN, 2}, {"with a", PHRASE_JOIN, 2},
    {"would you dream of", PHRASE_FILLER, 2}, {"would you show", PHRASE_FILLER, 2}, {"wow", PHRASE_FILLER, 2},
    {"yeah", PHRASE_FILLER, 2}, {"yellow", PHRASE_FILLER, 2}, {"yes", PHRASE_FILLER, 2},
    {"yes please", PHRASE_FILLER, 2}, {"yo", PHRASE_FILLER, 2}, {"young", PHRASE_FILLER, 2},
    {"your", PHRASE_FILLER, 2}, {"yummy", PHRASE_FILLER, 2},
};
/* clang-format on */

/* The phrase that the first `bytes` of `text` are, or NULL; *begins: a phrase begins so. */
static const struct phrase *find(const char *text, size_t bytes, bool *begins)
{
    size_t low = 0, high = ARRAY_LEN(phrases);
    while (low < high) { /* the first that is not before it */
        size_t middle = (low + high) / 2;
        if (strncmp(phrases[middle].text, text, bytes) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *begins = low < ARRAY_LEN(phrases) && strncmp(phrases[low].text, text, bytes) == 0;
    return *begins && !phrases[low].text[bytes] ? &phrases[low] : NULL;
}

int phrase_match(const char *text, enum phrase_role *role, int *talk)
{
    size_t ends[PHRASE_WORDS_MAX];
    int words = 0;
    for (size_t end = 0; words < PHRASE_WORDS_MAX; end++) {
        end += strcspn(text + end, " ");
        ends[words++] = end;
        if (!text[end])
            break;
    }
    bool begins;
    const struct phrase *alone = find(text, ends[0], &begins);
    for (; begins && words > 1; words--) {
        bool longer;
        const struct phrase *p = find(text, ends[words - 1], &longer);
        if (p) {
            *role = p->role;
            *talk = p->talk;
            return words;
        }
    }
    if (alone) {
        *role = alone->role;
        *talk = alone->talk;
    }
    return alone != NULL;
}
