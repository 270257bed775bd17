/*
 * options - section "show": whose turn it is, for how long, and what its rules are.
 */
#include "show/requests.h"

static const char *const orders[] = {"fair", "lottery", NULL};

static const struct option show_rows[] = {
    OPTION_FLOAT(struct show_config, hold_s, "60", 1, 3600, "s",
                 "How long a requested subject keeps the screen before the next one has its turn."),
    OPTION_FLOAT(
        struct show_config, idle_s, "30", 1, 3600, "s",
        "How long the dream waits for somebody before it moves on by itself, and how long each of its "
        "own ideas lasts."),
    OPTION_BOOL(
        struct show_config, adaptive_hold, "false",
        "When somebody waits, a subject that the network has seen surely for a while, or that has made no headway "
        "for long, gives way before hold_s is over. Live shows only."),
    OPTION_INT(struct show_config, queue_max, "100", 1, 10000, NULL,
               "How many requests may wait; one for each viewer."),
    OPTION_CHOICE(
        struct show_config, order, "fair", orders,
        "fair: first come first served, but nobody has a second turn while somebody waits for a first. "
        "lottery: as in 2015, one of those that wait is drawn, and all others are forgotten."),
    OPTION_FLOAT(
        struct show_config, cooldown_s, "0", 0, 86400, "s",
        "How long a viewer must wait after a wish before the next one is taken; moderators are exempt."),
    OPTION_SPAN(struct show_config, repeat_s, "0", 0, 86400,
                "How long a thing that was on is not taken again; moderators are exempt. 0 turns that off."),
    OPTION_BOOL(struct show_config, favour_subscribers, "false",
                "Wishes of subscribers and VIPs get their place in the line one ahead."),
    OPTION_BOOL(
        struct show_config, daydream, "true",
        "When nobody asks, wander from class to class that are alike, more often to those that the model dreams well; false "
        "stays with the last subject."),
    OPTION_FLOAT(struct show_config, mixtures, "0.1", 0, 1, NULL,
                 "Share of the dream's own ideas that are two things at once, one above the other."),
    OPTION_FLOAT(
        struct show_config, vote_share, "0.5", 0, 1, NULL,
        "Viewers skip what is on when this share of those who wrote in the last ten minutes says !skip; "
        "0 turns voting off."),
    OPTION_INT(struct show_config, vote_min, "3", 1, 10000, NULL,
               "Fewest votes that skip, or win a tug of war."),
    OPTION_BOOL(
        struct show_config, tug, "true",
        "When two things share the picture viewers pull at the front between them: !1 for the upper one, !2 for the "
        "lower, or their names. Moderators end it with !tug off."),
    OPTION_FLOAT(
        struct show_config, tug_share, "0.7", 0.5, 1, NULL,
        "Share of the last minute's votes that wins the tug of war, and all of the picture for ten seconds."),
    OPTION_FLOAT(struct show_config, tug_hold_s, "15", 1, 600, "s",
                 "How long that share must be held to win."),
    OPTION_FLOAT(
        struct show_config, platform_delay_s, "0", 0, 60, "s",
        "From the drawn picture to the eyes of whoever watches the stream: encoder, network, platform and player. It "
        "is part of what the chat is promised. Viewers who say !seen when a new picture comes to them measure it."),
    OPTION_STRING(
        struct show_config, moderators, "", 0,
        "Users who may do what moderators may, besides those whom the chat itself marks: ann, bob."),
    OPTION_STRING(struct show_config, banned_file, "", 0,
                  "What nobody may wish for, one on a line: a class or kind, or a word that a wish or a name "
                  "may not hold, however it is spelled; word* for all that begins with it, *word* for all "
                  "that holds it; @ann for a user. Lines that begin with # are comments."),
    OPTION_STRING(
        struct show_config, state_dir, "auto", 0,
        "The folder in which a live show keeps waiting wishes, bans, forbidden words and the log of what was asked and shown; "
        "`reverie log` prints it. auto: ~/.local/state/reverie ($XDG_STATE_HOME/reverie; under systemd "
        "its state folder). Empty: nothing is kept."),
    OPTION_INT(struct show_config, keep_days, "30", 0, 36500, "days",
               "How long what was asked and shown is kept; 0 is for ever."),
    OPTION_INT(struct show_config, keep_rows, "20000", 100, 10000000, NULL,
               "How many of the newest wishes, and of the newest dreams, are kept at most."),
};
const struct option_section show_section =
    OPTION_SECTION("show", struct show_config, show_rows, "Whose turn it is, for how long, and the rules.");
