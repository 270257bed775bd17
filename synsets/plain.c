/*
 * plain - which results are wishes even when nobody spoke to the bot.
 *
 * In 2015 viewers typed a bare word and the picture followed; that must go on working. But a chat is also a
 * conversation, and WordNet has a class or a kind for many a remark: "sub" is a submarine, "top" a garment,
 * "cap" a hat, "works" a factory, "sweet" a dessert. The list holds the names, kinds and everyday words that
 * people send alone without wishing for the thing. They still work with the command or the bot's name in front.
 * What is not on it and is all of the line, but for the words of a wish, counts.
 */
#include <string.h>

#include "common/mem.h"
#include "synsets/index.h"

enum { PLAIN_ONE_SLIP_BYTES = 6, PLAIN_TWO_SLIPS_BYTES = 10 };

/* Folded, singular, sorted. */
/* clang-format off */
static const char *const remarks[] = {
    "abstract entity", "abstraction", "accessory", "admiral", "adornment", "adventurer", "africana", "ai",
    "alp", "area", "arm", "armchair", "article", "associate", "atm", "attachment", "attribute", "auto",
    "automatic", "bag", "ball", "band", "band aid", "bandit", "bank", "bar", "barrier", "bath", "beam",
    "beast", "beauty", "bed", "beer", "belt", "bench", "bernard", "bib", "big cat", "bin", "binder",
    "blind", "blower", "boa", "board", "bob", "bomb", "bond", "book", "boot", "bow", "bowl", "box", "boxer",
    "bra", "brace", "brake", "brass", "bread", "bridge", "brush", "brute", "bullet", "bulwark", "bun",
    "bureau", "burger", "bus", "camera", "cap", "cappuccino", "carrier", "case", "catcher", "causal agency",
    "causal agent", "cause", "cell", "center", "chain", "chair", "chapel", "chest", "chime", "chopper",
    "chow", "chute", "circle", "claw", "cleaner", "cliff", "clip", "cloak", "clog", "cloth", "coach",
    "coat", "cock", "coffee", "coil", "cola", "collector", "column", "comfort", "comforter", "comic",
    "commodity", "communication", "complex", "component", "component part", "computer", "concealment",
    "concolor", "condiment", "connection", "connective", "constituent", "constraint", "construction",
    "contestant", "control", "controller", "cooker", "cookie", "copier", "course", "cover", "covering",
    "craft", "crate", "cream", "creation", "creature", "cro", "curtain", "cycle", "daddy longlegs", "dam",
    "dane", "decoration", "defence", "defense", "depression", "design", "desk", "desktop", "device", "dike",
    "dip", "disc", "disguise", "dish", "disk", "dispenser", "display", "dock", "doctor", "door", "dough",
    "dragon", "dress", "drill", "drink", "drop", "drop off", "drug", "drum", "dyke", "ear", "eater",
    "elevation", "engine", "entanglement", "entree", "envelope", "equal", "equipment", "essence",
    "establishment", "exerciser", "explorer", "fabric", "facility", "fan", "fare", "farm", "feather boa",
    "feed", "feeder", "fiddle", "fig", "figure", "file", "filter", "fixing", "flat", "fluid", "fly", "food",
    "football", "form", "formation", "framework", "game", "gamepad", "gar", "garb", "garbage", "gate",
    "gear", "glass", "globe", "go cart", "goat", "goblet", "grand", "grate", "gray", "grey", "groin",
    "groom", "ground", "gun", "hack", "half track", "hammer", "handgun", "hay", "head", "heater", "helper",
    "hip", "home", "hook", "hooter", "hot", "house", "impediment", "implement", "individual", "institution",
    "instrument", "iphone", "iron", "jack", "jail", "jar", "java", "jersey", "jet", "jock", "jug", "key",
    "killer", "kit", "kitty", "knot", "lamp", "latte", "leo", "level", "lever", "lid", "light", "lighter",
    "liner", "litter", "loaf", "loafer", "location", "lock", "lodging", "lounge", "machine", "mag",
    "magazine", "mail", "make up", "maker", "makeup", "manga", "maria", "mask", "mat", "match", "material",
    "matter", "maximus", "measure", "mechanism", "medicine", "medium", "menu", "merry", "meter", "mike",
    "mini", "mink", "mixture", "mobile", "model", "mole", "monitor", "monster", "mop", "mortal", "mortar",
    "motor", "mount", "mouse", "mug", "muzzle", "nail", "nana", "natural object", "net", "newt", "nipple",
    "obstruction", "off", "opener", "orb", "organ", "ounce", "outfit", "outlet", "outpouring", "oven",
    "pack", "package", "packet", "pad", "pall", "pan", "panties", "part", "participant", "patch", "pattern",
    "pc", "peer", "pepper", "person", "phone", "pick", "pickup", "pie", "piece", "piece of work", "pier",
    "pig", "piggy", "pin", "pint", "pipe", "pistol", "place", "plane", "plant", "plate", "platform",
    "player", "point", "pole", "pool", "pop", "portion", "post", "poster", "pot", "press", "produce",
    "product", "production", "projectile", "protection", "prototherian", "pud", "puff", "pump", "pumpkin",
    "punch", "pup", "puppy", "pussy", "puzzle", "quilt", "racer", "rack", "racket", "radio", "rail", "ram",
    "raptor", "ray", "reaper", "red hot", "reed", "reef", "reel", "reinforcement", "relation", "remote",
    "reservoir", "residence", "restraint", "ridge", "rig", "ring", "roach", "robin", "rock", "rocker",
    "rod", "roll", "roof", "rope", "rouge", "round", "rubber", "rug", "rule", "ruler", "runner", "safe",
    "sauce", "saw", "scale", "scooter", "scope", "screen", "screw", "seal", "seat", "seed", "semi",
    "setter", "setup", "shade", "shaker", "shape", "shed", "sheet", "shell", "shelter", "shield", "ship",
    "shooter", "shop", "shore", "shroom", "shuttle", "sign", "signal", "silky", "site", "slide", "slot",
    "slug", "smartphone", "smith", "snipe", "soccer", "sock", "soda", "solid", "somebody", "someone",
    "soul", "span", "speaker", "spike", "spindle", "spiral", "spitz", "spot", "spray", "spring", "squash",
    "squealer", "staff", "staff of life", "stage", "stand", "star", "station", "stew", "stick", "stole",
    "stool", "store", "stove", "strainer", "street drug", "string", "structure", "stuff", "sub",
    "substance", "suit", "support", "surface", "sustenance", "sweet", "swine", "swing", "switch", "system",
    "table", "tablet", "tam", "tandem", "tank", "tape", "taper", "teller", "temple", "tent", "thatch",
    "throne", "thrush", "tick", "ticker", "tie", "tile", "timer", "tin", "tire", "tissue", "tit", "toilet",
    "tool", "top", "tope", "torch", "tow", "tower", "toy", "track", "trailer", "train", "transport", "trap",
    "trash", "tray", "trifle", "true cat", "trump", "trunk", "tub", "tup", "turner", "tv", "two piece",
    "tyre", "undies", "uniform", "unit", "unmentionable", "upright", "vacuum", "vale", "van", "vault",
    "vertical", "vessel", "vest", "viper", "wall", "ware", "warmer", "watch", "weapon", "wear", "web",
    "website", "weight", "whistle", "widow", "wind", "window", "wine", "wing", "wood", "wool", "workplace",
    "works", "worm", "wrap", "wrapper", "wreck", "wrecker",
};
/* clang-format on */

/* The word itself or its plain plural. */
static bool is_form(const char *text, const char *word)
{
    size_t n = strlen(word);
    if (strncmp(text, word, n) != 0)
        return false;
    return !text[n] || strcmp(text + n, "s") == 0 || strcmp(text + n, "es") == 0;
}

static bool is_remark(const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(remarks); i++)
        if (is_form(key, remarks[i]))
            return true;
    return false;
}

static bool is_plain(const struct synsets_subject *s)
{
    if (s->emoji)
        return !s->casual;
    if (is_remark(s->key) || (s->how == SYNSETS_EVERYDAY && s->head_count == 0))
        return false;
    return s->slips == 0 || strlen(s->key) >= (s->slips == 1 ? PLAIN_ONE_SLIP_BYTES : PLAIN_TWO_SLIPS_BYTES);
}

bool synsets_is_plain(const struct synsets_result *result)
{
    if (result->talk > 1 || result->verdict == SYNSETS_HALF)
        return false;
    int count = result->verdict == SYNSETS_LACKING    ? 1
                : result->verdict == SYNSETS_TOO_MANY ? SYNSETS_SUBJECTS_MAX
                                                      : result->count;
    for (int i = 0; i < count; i++)
        if (!is_plain(&result->subject[i]))
            return false;
    return count > 0;
}
