/*
 * Resolution: lines with the answers that a person would expect. An answer is the label of the subjects, or
 * the verdict with the part that failed and what is offered: "unsure: volcano".
 */
#include <stdio.h>

#include "common/mem.h"
#include "synsets/index.h"
#include "tests/synsets/classes.h"

struct expected {
    const char *line, *answer;
};

/* clang-format off */
static const struct expected all_known[] = {
    {"goldfish", "goldfish"},
    {"Goldfish", "goldfish"},
    {"GOLDFISH", "goldfish"},
    {"  goldfish  ", "goldfish"},
    {"gold fish", "goldfish"},
    {"gold-fish", "goldfish"},
    {"goldfish!", "goldfish"},
    {"goldfishes", "goldfish"},
    {"a goldfish", "goldfish"},
    {"the goldfish", "goldfish"},
    {"some goldfish", "goldfish"},
    {"Carassius auratus", "goldfish"},
    {"carassius  AURATUS", "goldfish"},
    {"volcano", "volcano"},
    {"volcanoes", "volcano"},
    {"volcanos", "volcano"},
    {"a volcano", "volcano"},
    {"an abacus", "abacus"},
    {"abaci", "abacus"},
    {"abacuses", "abacus"},
    {"pizza", "pizza"},
    {"pizzas", "pizza"},
    {"pizza pie", "pizza"},
    {"pizza pies", "pizza"},
    {"great white shark", "great white shark"},
    {"great-white-shark", "great white shark"},
    {"greatwhiteshark", "great white shark"},
    {"man-eater", "great white shark"},
    {"man eater", "great white shark"},
    {"maneater", "great white shark"},
    {"maneaters", "great white shark"},
    {"jack-o'-lantern", "jack-o'-lantern"},
    {"jack-o’-lantern", "jack-o'-lantern"},
    {"jack o lantern", "jack-o'-lantern"},
    {"jack olantern", "jack-o'-lantern"},
    {"jackolantern", "jack-o'-lantern"},
    {"jack-o-lanterns", "jack-o'-lantern"},
    {"ice cream", "ice cream"},
    {"icecream", "ice cream"},
    {"ice-creams", "ice cream"},
    {"icecreams", "ice cream"},
    {"spider web", "spider web"},
    {"spider's web", "spider web"},
    {"spiders web", "spider web"},
    {"spiderweb", "spider web"},
    {"judge's robe", "academic gown"},
    {"rv", "recreational vehicle"},
    {"R.V.", "recreational vehicle"},
    {"RV's", "unknown"},
    {"pj's", "pajama"},
    {"espresso", "espresso"},
    {"expresso", "espresso"},
    {"café", "nearest: restaurant for cafe"},
    {"espressó", "espresso"},
    {"ＧＯＬＤＦＩＳＨ", "goldfish"},
    {"volcano 🌋", "volcano"},
    {"🌋", "volcano"},
    {"🐸🐸🐸", "bullfrog"},
    {"😂", "unknown"},
    {"🍕🐸", "pizza + bullfrog"},
    {"🍕 😂", "half: pizza"},
    {"🐕‍🦺", "Chihuahua"},
    {"🐻‍❄️", "ice bear"},
    {"🌶🏽", "bell pepper"},
    {"ﬁg", "fig"},
    {"𝓰𝓸𝓵𝓭𝓯𝓲𝓼𝓱", "goldfish"},
    {"straße", "unknown"},
    {"goldfish ＋ volcano", "goldfish + volcano"},
    {"black & gold garden spider", "black and gold garden spider"},
    {"black and gold gardn spider", "black and gold garden spider"},
    {"money", "nearest: piggy bank for money"},
    {"red win", "unknown"},
    {"hot rod", "unsure: rod"},
    {"вулкан", "unknown"},
    {"火山", "unknown"},
    {"mouse", "mouse"},
    {"mice", "mouse"},
    {"wolves", "timber wolf"},
    {"white wolf", "white wolf"},
    {"white wolves", "white wolf"},
    {"timber wolf", "timber wolf"},
    {"gray wolf", "timber wolf"},
    {"grey wolf", "timber wolf"},
    {"geese", "goose"},
    {"goose", "goose"},
    {"oxen", "ox"},
    {"ox", "ox"},
    {"daisies", "daisy"},
    {"daisy", "daisy"},
    {"strawberries", "strawberry"},
    {"broccoli", "broccoli"},
    {"sunglasses", "sunglasses"},
    {"sunglass", "sunglass"},
    {"shades", "sunglasses"},
    {"jeans", "jean"},
    {"jean", "jean"},
    {"binoculars", "binoculars"},
    {"binocular", "binoculars"},
    {"dog", "Chihuahua"},
    {"dogs", "Chihuahua"},
    {"a dog", "Chihuahua"},
    {"cat", "tabby"},
    {"cats", "tabby"},
    {"bird", "cock"},
    {"birds", "cock"},
    {"fish", "tench"},
    {"fishes", "tench"},
    {"shark", "great white shark"},
    {"sharks", "great white shark"},
    {"spider", "black and gold garden spider"},
    {"spiders", "black and gold garden spider"},
    {"snake", "thunder snake"},
    {"food", "menu"},
    {"fruit", "Granny Smith"},
    {"vehicle", "aircraft carrier"},
    {"musical instrument", "accordion"},
    {"musical instruments", "accordion"},
    {"animal", "tench"},
    {"entity", "unknown"},
    {"object", "unknown"},
    {"artifact", "unknown"},
    {"hammerhead", "hammerhead"},
    {"hammerheads", "hammerhead"},
    {"eskimo", "unknown"},
    {"canis", "unknown"},
    {"crane", "crane"},
    {"cranes", "crane"},
    {"panda", "giant panda"},
    {"pandas", "giant panda"},
    {"cardigan", "cardigan"},
    {"cardigans", "cardigan"},
    {"wagon", "police van"},
    {"tub", "bathtub"},
    {"horn", "cornet"},
    {"harp", "harp"},
    {"gong", "gong"},
    {"missile", "missile"},
    {"maillot", "maillot"},
    {"polecat", "skunk"},
    {"panther", "jaguar"},
    {"panthers", "jaguar"},
    {"catamount", "lynx"},
    {"partridge", "partridge"},
    {"crawfish", "crayfish"},
    {"crayfish", "crayfish"},
    {"sand viper", "horned viper"},
    {"grass snake", "garter snake"},
    {"sus scrofa", "wild boar"},
    {"lesser panda", "lesser panda"},
    {"giant panda", "giant panda"},
    {"goldfish + volcano", "goldfish + volcano"},
    {"goldfish+volcano", "goldfish + volcano"},
    {"goldfish & volcano", "goldfish + volcano"},
    {"goldfish and volcano", "goldfish + volcano"},
    {"goldfish, volcano", "goldfish + volcano"},
    {"goldfish,volcano", "goldfish + volcano"},
    {"volcano + goldfish", "volcano + goldfish"},
    {"the goldfish and a volcano", "goldfish + volcano"},
    {"goldfish +", "goldfish"},
    {"+ goldfish", "goldfish"},
    {"goldfish ++ volcano", "goldfish + volcano"},
    {"goldfish + goldfish", "goldfish"},
    {"goldfish + carassius auratus", "goldfish"},
    {"tench, Tinca tinca", "tench"},
    {"great white shark, white shark, man-eater, man-eating shark, Carcharodon carcharias", "great white shark"},
    {"goldfish + volcano + pizza", "goldfish + volcano + pizza"},
    {"goldfish, volcano and pizza", "goldfish + volcano + pizza"},
    {"goldfish + volcano + pizza + lion + tiger + zebra + banana + castle", "goldfish + volcano + pizza + lion + tiger + zebra + banana + castle"},
    {"goldfish + volcano + pizza + lion + tiger + zebra + banana + castle + lemon", "too many"},
    {"black and gold garden spider", "black and gold garden spider"},
    {"black and gold garden spider and volcano", "black and gold garden spider + volcano"},
    {"volcano and black and gold garden spider", "volcano + black and gold garden spider"},
    {"dog + Chihuahua", "Japanese spaniel + Chihuahua"},
    {"Chihuahua + dog", "Chihuahua + Japanese spaniel"},
    {"dog + dog", "Chihuahua + Japanese spaniel"},
    {"dog + dogs + cat", "Chihuahua + Japanese spaniel + tabby"},
    {"dog + Chihuahua + dog", "Japanese spaniel + Chihuahua + Maltese dog"},
    {"crane + crane", "crane"},
    {"panda, lesser panda", "giant panda + lesser panda"},
    {"giant panda, panda, panda bear, coon bear, Ailuropoda melanoleuca", "giant panda"},
    {"black-and-tan coonhound", "black-and-tan coonhound"},
    {"black and tan coonhound and black and gold garden spider", "black-and-tan coonhound + black and gold garden spider"},
    {"goldfish and unicorn", "nearest: goldfish + sorrel for unicorn"},
    {"unicorn + goldfish", "nearest: sorrel for unicorn + goldfish"},
    {"volcno", "volcano"},
    {"volacno", "volcano"},
    {"vulcano", "volcano"},
    {"volcanoo", "volcano"},
    {"goldfsh", "goldfish"},
    {"golfish", "goldfish"},
    {"pizaa", "pizza"},
    {"piza", "unknown"},
    {"brid", "unknown"},
    {"tigr", "unknown"},
    {"elefant", "Indian elephant"},
    {"elephant", "Indian elephant"},
    {"hello", "unknown"},
    {"hi", "unknown"},
    {"lol", "unknown"},
    {"what is this", "unknown"},
    {"volcano please", "volcano"},
    {"please volcano", "volcano"},
    {"I like my goldfish very much", "unsure: goldfish"},
    {"show me a volcano", "volcano"},
    {"a", "unknown"},
    {"the", "unknown"},
    {"t", "unknown"},
    {"and", "unknown"},
    {"of", "unknown"},
    {"one", "unknown"},
    {"I", "unknown"},
    {"x", "unknown"},
    {"", "empty"},
    {"   ", "empty"},
    {"...", "empty"},
    {"!!!", "empty"},
    {"+", "empty"},
    {"+ + +", "empty"},
    {",", "empty"},
    {"&", "empty"},
    {"0", "unknown"},
    {"123", "unknown"},
    {"t-shirt", "jersey"},
    {"t shirt", "jersey"},
    {"tee shirt", "jersey"},
    {"cock", "cock"},
    {"hen", "hen"},
    {"computer mouse", "mouse"},
    {"computer", "desktop computer"},
    {"laptop", "laptop"},
    {"notebook", "notebook"},
    {"television", "television"},
    {"tv", "television"},
    {"screen", "screen"},
    {"bus", "minibus"},
    {"car", "ambulance"},
    {"cars", "ambulance"},
    {"sports car", "sports car"},
    {"boat", "canoe"},
    {"ship", "aircraft carrier"},
    {"plane", "airliner"},
    {"airplane", "airliner"},
    {"train", "bullet train"},
    {"church", "church"},
    {"castle", "castle"},
    {"house", "nearest: barn for house"},
    {"mushroom", "mushroom"},
    {"flower", "daisy"},
    {"tree", "nearest: buckeye for tree"},
    {"king", "nearest: throne for king"},
    {"sr lion", "unsure: lion"},
    {"queen snake", "unsure: snake"},
    {"king of beasts", "lion"},
    {"lion", "lion"},
    {"tiger", "tiger"},
    {"tiger cat", "tiger cat"},
    {"bear", "brown bear"},
    {"polar bear", "ice bear"},
    {"ice bear", "ice bear"},
    {"teddy", "teddy"},
    {"teddy bear", "teddy"},
    {"zebra", "zebra"},
    {"zebras", "zebra"},
    {"monkey", "guenon"},
    {"apes", "orangutan"},
    {"frog", "bullfrog"},
    {"frogs", "bullfrog"},
    {"tree frog", "tree frog"},
    {"toad", "bullfrog"},
    {"butterfly", "admiral"},
    {"butterflies", "admiral"},
    {"ant", "ant"},
    {"ants", "ant"},
    {"balloon", "balloon"},
    {"corn", "corn"},
    {"dalmatian", "dalmatian"},
    {"dalmation", "dalmatian"},
    {"gorilla", "gorilla"},
    {"gorrila", "gorilla"},
    {"mosque", "mosque"},
    {"pineapple", "pineapple"},
    {"tarantula", "tarantula"},
    {"coffee", "espresso"},
    {"coffee mug", "coffee mug"},
    {"toilet paper", "toilet tissue"},
    {"toilet tissue", "toilet tissue"},
    {"guillotine", "guillotine"},
    {"horses", "sorrel"},
    {"“goldfish”", "goldfish"},
    {"gold\u200bfish", "goldfish"},
    {"goldfish\U000e0000", "goldfish"},
    {"volcano\u034f", "volcano"},
    {"Gold\tFish", "goldfish"},
    {"#goldfish", "goldfish"},
    {"goldfish???", "goldfish"},
    {"@volcano", "volcano"},
    {"gold_fish", "goldfish"},
};
/* clang-format on */

static void answer(const struct synsets_result *r, char *out, size_t size)
{
    static const char *const verdicts[] = {"",        "nearest", "half",     "unsure",
                                           "lacking", "unknown", "too many", "empty"};
    if (r->verdict == SYNSETS_OK) {
        synsets_label(r, out, size);
        return;
    }
    int n = snprintf(out, size, "%s", verdicts[r->verdict]);
    for (int i = 0; i < r->count; i++) {
        const char *name = r->subject[i].meant_name;
        n += snprintf(out + n, size - (size_t)n, "%s %s%s%s", i ? " +" : ":",
                      synset_table[r->synset[i]].names[0], name ? " for " : "", name ? name : "");
    }
    if (r->missing_name)
        n += snprintf(out + n, size - (size_t)n, " [%s]", r->missing_name);
    for (int i = 0; i < r->suggestion_count; i++)
        n += snprintf(out + n, size - (size_t)n, "%s %s", i ? " |" : ":", r->suggestion_name[i]);
}

static int wrong_answers(const struct expected *cases, size_t count, const struct synsets_known *known)
{
    int wrong = 0;
    for (size_t i = 0; i < count; i++) {
        struct synsets_result r;
        char got[512];
        synsets_resolve(cases[i].line, strlen(cases[i].line), known, &r);
        answer(&r, got, sizeof got);
        if (strcmp(got, cases[i].answer) != 0) {
            print_message("  \"%s\": got \"%s\", expected \"%s\"\n", cases[i].line, got, cases[i].answer);
            wrong++;
        }
    }
    return wrong;
}

static void test_lines(void **state)
{
    (void)state;
    struct synsets_known known = everything();
    assert_int_equal(wrong_answers(all_known, ARRAY_LEN(all_known), &known), 0);
}

/* A model that knows little: what it lacks is offered in the nearest that it has. */
static void test_lacking(void **state)
{
    (void)state;
    static const char *const names[] = {"goldfish",  "European fire salamander",
                                        "tabby",     "lesser panda",
                                        "lion",      "Chihuahua",
                                        "espresso",  "organ",
                                        "police van"};
    static const struct expected cases[] = {
        {"goldfish", "goldfish"},
        {"tench", "nearest: goldfish for tench"},
        {"great white shark", "lacking [great white shark]: goldfish"},
        {"Great White Shark!", "lacking [great white shark]: goldfish"},
        {"goldfish + tench", "half: goldfish [tench]"},
        {"tench and unicorn", "half: goldfish for tench [unicorn]"},
        {"unicorn and tench", "half: goldfish for tench [unicorn]"},
        {"panda", "lesser panda"}, /* the giant one is the first choice, this one is known */
        {"giant panda", "lacking [giant panda]"},
        {"wagon", "police van"},
        {"beach wagon", "lacking [beach wagon]"},
        {"dog", "Chihuahua"},
        {"husky", "nearest: Chihuahua for husky"},
        {"cat", "tabby"},
        {"cats", "tabby"},
        {"lions", "lion"},
        {"fish", "goldfish"},
        {"tigre", "unknown"}, /* tiger, which it has not */
        {"golfish", "goldfish"},
        {"bird", "lacking [bird]"},
    };
    struct synsets_known known = {{false}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        known.known[index_of(names[i])] = true;
    assert_int_equal(wrong_answers(cases, ARRAY_LEN(cases), &known), 0);
}

/* The documented choice for the names that two classes share: WordNet's first sense, else what is known. */
static void test_shared_names(void **state)
{
    (void)state;
    int shared = 0;
    for (int i = 0; i < synsets_key_count; i++) {
        const struct synsets_key *k = &synsets_keys[i];
        if (k->kind != SYNSETS_NAME || k->heads == 1)
            continue;
        shared++;
        assert_int_equal(k->count, 2);
        for (int keep = 0; keep < 3; keep++) { /* both known, the first, the second */
            struct synsets_known known = everything();
            if (keep > 0)
                known.known[synsets_pool[k->first + (keep == 1)]] = false;
            struct synsets_result r;
            synsets_resolve(k->text, strlen(k->text), &known, &r);
            assert_int_equal(r.verdict, SYNSETS_OK);
            assert_int_equal(r.count, 1);
            assert_int_equal(r.synset[0], synsets_pool[k->first + (keep == 2)]);
            assert_int_equal(r.subject[0].head_count, 2);
        }
    }
    assert_int_equal(shared, 19);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_lacking),
        cmocka_unit_test(test_shared_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
