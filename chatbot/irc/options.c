/*
 * options - section "chat" of the settings.
 */
#include "chatbot/irc/irc.h"

static const char *const replies[] = {"all", "addressed", "moderators", "none", NULL};

static const struct option rows[] = {
    OPTION_BOOL(struct irc_config, enabled, "false",
                "Listen to a channel on an IRC server and answer there."),
    OPTION_STRING(struct irc_config, server, "irc.chat.twitch.tv", 0,
                  "The IRC server. Twitch's is the default; any other will do."),
    OPTION_INT(struct irc_config, port, "6697", 1, 65535, NULL, "Its port: 6697 with TLS, 6667 without."),
    OPTION_BOOL(
        struct irc_config, tls, "true",
        "Encrypt the connection and verify the server's certificate and name. Without it no token is sent, "
        "except to this machine itself."),
    OPTION_STRING(struct irc_config, channel, "", 0,
                  "The channel to join; on Twitch the streamer's login. The # in front may be left out."),
    OPTION_STRING(struct irc_config, nick, "", 0,
                  "The bot's name; on Twitch the login that the token belongs to. Empty: listen to Twitch "
                  "anonymously and say nothing."),
    OPTION_STRING(
        struct irc_config, token, "", OPTION_SECRET,
        "The password of the login; on Twitch an OAuth token with the scopes chat:read and chat:edit. Read "
        "again before each login, so a file that another program renews is enough."),
    OPTION_STRING(
        struct irc_config, ca_file, "", 0,
        "Certificates (PEM) to trust instead of the system's, for a server with its own authority."),
    OPTION_BOOL(
        struct irc_config, anonymous_fallback, "true",
        "When the server refuses the token, go on listening anonymously until there is a better one."),
    OPTION_STRING(
        struct irc_config, prefix, "!", 0,
        "What commands begin with in the channel. With another one than \"!\" all that begins with \"!\" is left "
        "to other bots."),
    OPTION_STRING(
        struct irc_config, ignore,
        "sr songrequest song points watchtime uptime followage so shoutout clip discord "
        "lurk title game slots roulette gamble duel raffle giveaway join sub subs drop "
        "drops watch pc specs keyboard mouse monitor screen desk chair lamp camera webcam "
        "mic microphone headset phone laptop printer guitar piano drum cup mug bottle "
        "shirt hoodie mask hat bow wheel clock car bike cat dog fish bird hamster snake "
        "coffee beer wine safe vault bank sword shield gun cannon arrow boss",
        0,
        "Commands of other bots, which are not answered whatever they mean: the first words behind the "
        "prefix, with blanks between. This bot's own can be switched off here, too."),
    OPTION_CHOICE(struct irc_config, replies, "all", replies,
                  "What is answered: all; addressed: commands and lines with the bot's name, so a thing that "
                  "somebody only names is dreamed without a word; moderators: only theirs; none."),
    OPTION_BOOL(struct irc_config, tell_when_on, "false",
                "Tell viewers in the channel when their wish is on the screen."),
    OPTION_STRING(struct irc_config, words_link, "", 0,
                  "An address where all words are listed, for !words. Empty: none is told."),
    OPTION_STRING(
        struct irc_config, reward, "", 0,
        "Id of a reward for channel points: wishes are taken only with it (or bits_min). Empty: wishes "
        "are free. Moderators need none."),
    OPTION_INT(struct irc_config, bits_min, "0", 0, 1000000, "bits",
               "Wishes are taken only with at least so many bits (or the reward). 0: bits buy nothing."),
};

const struct option_section irc_section = OPTION_SECTION(
    "chat", struct irc_config, rows,
    "Chat on IRC. A lost connection is made again for as long as the show lasts; nothing else notices.");
