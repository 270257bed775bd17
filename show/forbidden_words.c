/*
 * forbidden_words - the built-in list: words for which a channel is closed. In plain letters, so that it can
 * be read, judged and corrected.
 *
 * Short on purpose: slurs against people for what they are, those who murdered peoples, and the coarsest words
 * of sex and abuse, in English first. What else a house does not want is a matter of taste and belongs into
 * show.banned_file. forbidden.h tells what the stars mean; what innocent words begin with or contain is here
 * without stars ("coon", "anal"), or has these words in the second list.
 */
#include <stddef.h>

#include "show/forbidden.h"

/* clang-format off */
const char *const forbidden_built_in[] = {
    /* against peoples */
    "*nigger*", "*nigga*", "niglet*", "nignog*", "niger", "nigra", "niga", "reggin*", "negro", "negroes", "coon",
    "darkie", "jigaboo*", "*porchmonkey*", "spic", "spick", "wetback*", "beaner", "chink", "chinky", "gook", "jap",
    "paki", "*towelhead*", "*raghead*", "kike", "kyke", "gyppo", "pikey", "golliwog*", "wog", "*kanake*", "*zigeuner*",
    /* against whom people love and what they are */
    "*faggot*", "faggit*", "fagg", "fag", "fagot", "*tranny*", "trannies", "*shemale*", "*schwuchtel*", "retard",
    "retarded", "*fucktard*", "libtard*", "mongoloid*", "spaz",
    /* murderers of peoples */
    "*hitler*", "*himmler*", "*goebbels*", "*heydrich*", "nazi", "*neonazi*", "*siegheil*", "*holocaust*",
    "*whitepower*", "kkk", "kukluxklan",
    /* sex and abuse */
    "*fuck*", "fuk", "fck", "phuck*", "*cunt*", "*pussy*", "pussies", "*dickhead*", "dick", "*cocksuck*", "*blowjob*",
    "*handjob*", "*rimjob*", "*cumshot*", "cum", "jizz*", "*dildo*", "*penis*", "*vagina*", "vulva", "clit",
    "clitoris", "*titties*", "titty", "tits", "boob", "boobies", "*whore*", "slut*", "*bitch*", "*bastard*", "wank",
    "wanker", "wanking", "twat", "*asshole*", "*arsehole*", "ass", "arse", "*bukkake*", "porn*", "*porno*", "*hentai*", "anal",
    "anus", "rape", "raped", "raping", "rapist*", "pedo", "paedo", "*pedophil*", "lolicon*", "*incest*", "*bestialit*",
    "nude", "orgy", "sex", "sexy", "shit*", "*bullshit*", "*bollocks*", "semen", "boner", "masturbat*",
    "*gangbang*", "milf", "*hurensohn*", "*fotze*", "*arschloch*", "puta", "putain", "*cabron*", "cyka", "*blyat*",
    /* against life */
    "kys", "*killyourself*",
    NULL};

const char *const forbidden_innocent[] = {
    "snigger", "niggard", "scunthorpe", "pussycat", "pussy cat", "pussywillow", "pussy willow", "pussyfoot", "shitake",
    "maine coon", "coon cat", "moby dick", "spic and span", "spick and span",
    /* of WordNet's names of the classes */
    "coon bear", "canis niger", "sciurus niger", "ciconia nigra", "wood pussy",
    NULL};
/* clang-format on */
