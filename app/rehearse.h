/*
 * rehearse - `reverie run --rehearse`: the whole show before a crowd that is not there, with things that go wrong, and a report.
 *
 * The settings are the real ones but for what would reach real people: the chat is the town within this program
 * (rehearsal/town.h), the state folder and the recordings are those of the rehearsal (rehearsals/DATE-TIME), and the outputs
 * are replaced by a line to nowhere unless they are asked for. Caption and page say that it is a rehearsal. A thread looks at the show five times a second
 * and does to it what the plan says (rehearse_faults.h); at the end the report goes to stdout and into the folder.
 */
#ifndef APP_REHEARSE_H
#define APP_REHEARSE_H

#include "app/dreaming.h"
#include "app/settings.h"
#include "chatbot/irc/tuning.h"
#include "common/log.h"
#include "dreamer/port.h"

struct rehearsal;

struct rehearsal_params {
    double length_s;
    int64_t seed;
    bool calm;         /* nothing goes wrong on purpose */
    bool with_outputs; /* also the outputs of the settings */
};

/* Makes the folder and changes the settings, which must outlive it. Before anything else is opened. 0 or -errno with a
 * line; *r is NULL then. */
int rehearsal_open(struct rehearsal **r, const struct rehearsal_params *p, struct settings *s,
                   struct error *e);

/* The show is on. All must outlive rehearsal_stop. 0 or -errno with a line. */
struct rehearsal_show {
    struct dreaming *dreaming;
    struct stats *stats;
    struct stop *stop;
    struct port *port;
};
int rehearsal_begin(struct rehearsal *r, const struct rehearsal_show *show, struct error *e);

/* The show ends: nothing more is done to it or seen of it. */
void rehearsal_stop(struct rehearsal *r);

/* The same, and prints the report. Before the parts of the show are closed. Returns how many promises were broken; < 0: it could not be written. */
int rehearsal_report(struct rehearsal *r);
void rehearsal_close(struct rehearsal **r);

/* All calls above and below take NULL: there is no rehearsal. Those below are for any thread. */

/* How the chat connects; NULL: as always. */
const struct irc_tuning *rehearsal_tuning(const struct rehearsal *r);

/* A wish was taken and promised for `in_s` from now; it is on the screen; how it stands with the chat; the log warns. */
void rehearsal_taken(struct rehearsal *r, const char *user, const char *text, double in_s);
void rehearsal_shown(struct rehearsal *r, const char *user);
void rehearsal_chat(struct rehearsal *r, enum irc_state state);
void rehearsal_alarm(struct rehearsal *r, const char *part, const char *text);

#endif
