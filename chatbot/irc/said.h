/*
 * said - what a person said, without what the chat put into the line: emotes, cheers, and the name that
 * Twitch writes in front of a reply.
 *
 * The emotes tag tells which characters are pictures ("25:0-4,12-16/1902:6-10": id, then ranges of code points
 * from 0, both ends included; in a "/me" they are counted behind the ACTION). A cheer is a word of letters and
 * digits ("cheer100") in a line that has bits. Pure; any bytes.
 */
#ifndef CHATBOT_IRC_SAID_H
#define CHATBOT_IRC_SAID_H

#include "chatbot/irc/line.h"

/* Writes what is left of `text`, cleaned as irc_text cleans; "" when all of it was pictures. Returns its
 * length. */
size_t irc_said(const struct irc_parsed *p, struct irc_span text, char *out, size_t size);

#endif
