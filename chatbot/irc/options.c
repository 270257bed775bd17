/*
 * options - section "chat" of the settings.
 */
#include "chatbot/irc/irc.h"

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
};

const struct option_section irc_section = OPTION_SECTION(
    "chat", struct irc_config, rows,
    "Chat on IRC. A lost connection is made again for as long as the show lasts; nothing else notices.");
