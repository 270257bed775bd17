/*
 * rehearse - see rehearse.h: the folder, the settings, the way in and the report. What is seen and done while the show is on
 * is in rehearse_watch.c.
 */
#include "app/rehearse_parts.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chatbot/chatbot.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"

enum { CROWD_FULL_S = 36 }; /* a rehearsal that is shorter has a faster crowd, up to three lines a second */

/* rehearsals/20261128-201500, where the recordings would go from here, too. */
static int make_folder(struct rehearsal *r, struct error *e)
{
    char name[64];
    struct tm t;
    time_t now = time(NULL);
    localtime_r(&now, &t);
    strftime(name, sizeof name, "rehearsals/%Y%m%d-%H%M%S", &t);
    snprintf(r->folder, sizeof r->folder, "%s", name);
    int rc = file_make_folders(r->folder, 0700, e);
    return rc < 0 ? error_prefix(e, rc, "a rehearsal keeps what it makes in a folder of its own") : 0;
}

/* What would reach real people, or the real show's store, is taken out of the settings. */
static int change_settings(struct rehearsal *r, struct error *e)
{
    struct settings *s = r->settings;
    struct irc_config *chat = &s->irc;
    char record[sizeof r->folder + 64];
    snprintf(record, sizeof record, "record.dir=%s/recordings", r->folder);
    text_copy(s->show.state_dir, sizeof s->show.state_dir, r->folder);
    s->gallery.enabled = false; /* its wishes are nobody's */
    chat->enabled = true;
    chat->tls = false;
    chat->token[0] = '\0';
    text_copy(chat->server, sizeof chat->server, "rehearsal.invalid");
    text_copy(chat->channel, sizeof chat->channel, "rehearsal");
    if (!chat->nick[0])
        text_copy(chat->nick, sizeof chat->nick, "reverie");
    stream_config_rehearse(s->stream, &r->scene.stand_in, r->p.with_outputs);
    int rc = config_set(&s->config, "caption.enabled=true", e);
    if (rc == 0)
        rc = config_set(&s->config, "tape.enabled=false", e);
    if (rc == 0 && !r->p.with_outputs) {
        s->fbdev.enabled = false;
        rc = config_set(&s->config, record, e);
    }
    return rc;
}

static struct town *build_town(const struct rehearsal *r)
{
    const struct irc_config *chat = &r->settings->irc;
    double faster = CROWD_FULL_S / r->p.length_s;
    struct town_params p = {.crowd = {.seed = (uint64_t)r->p.seed,
                                      .lines_per_s = faster < 1   ? 1
                                                     : faster > 3 ? 3
                                                                  : faster},
                            .length_s = r->p.length_s - 1,
                            .answers_bare = chat->replies != CHAT_REPLIES_ADDRESSED,
                            .answers_people = chat->replies != CHAT_REPLIES_MODERATORS,
                            .answers_none = chat->replies == CHAT_REPLIES_NONE};
    text_copy(p.crowd.prefix, sizeof p.crowd.prefix, chat->prefix);
    text_copy(p.crowd.bot, sizeof p.crowd.bot, chat->nick);
    return town_open(&p);
}

/* Until the page listens and hands on what it hears, and where there is none. */
static void hear_alarm(void *context, enum log_level level, const char *part, const char *text)
{
    (void)level;
    rehearsal_alarm(context, part, text);
}

int rehearsal_open(struct rehearsal **out, const struct rehearsal_params *p, struct settings *s,
                   struct error *e)
{
    struct rehearsal *r = *out = xcalloc(1, sizeof *r);
    r->p = *p;
    r->settings = s;
    pthread_mutex_init(&r->lock, NULL);
    int rc = make_folder(r, e);
    if (rc == 0)
        rc = change_settings(r, e);
    if (rc < 0) {
        rehearsal_close(out);
        return rc;
    }
    r->town = build_town(r);
    r->scene.town = r->town;
    r->tuning = irc_tuning_default;
    r->tuning.transport = &transport_rehearsal;
    r->tuning.town = r->town;
    log_listen(hear_alarm, r);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error to be told, not the end of the show */
    log_info("rehearsal", "%.1f minutes before a crowd that is not there%s; all of it goes to %s",
             p->length_s / 60, p->with_outputs ? ", WITH THE REAL OUTPUTS" : "", r->folder);
    return 0;
}

void rehearsal_close(struct rehearsal **out)
{
    struct rehearsal *r = *out;
    if (!r)
        return;
    log_listen(NULL, NULL);
    town_close(&r->town);
    pthread_mutex_destroy(&r->lock);
    free(r);
    *out = NULL;
}

const struct irc_tuning *rehearsal_tuning(const struct rehearsal *r)
{
    return r ? &r->tuning : NULL;
}

void rehearsal_taken(struct rehearsal *r, const char *user, const char *text, double in_s)
{
    if (r)
        town_taken(r->town, user, text, in_s);
}

void rehearsal_shown(struct rehearsal *r, const char *user)
{
    if (r)
        town_shown(r->town, user);
}

void rehearsal_chat(struct rehearsal *r, enum irc_state state)
{
    if (!r)
        return;
    atomic_store(&r->scene.chat_state, (int)state);
    if (state == IRC_ONLINE)
        atomic_fetch_add(&r->scene.chat_logins, 1);
}

/* ---- the report ---- */

int rehearsal_report(struct rehearsal *r)
{
    if (!r)
        return 0;
    rehearsal_stop(r);
    char path[sizeof r->folder + 32];
    struct verdict_seen *seen = &r->seen;
    snprintf(path, sizeof path, "%s/report.txt", r->folder);
    int broken = verdict_print(seen, stdout);
    printf("\nrecording, store and this report: %s\n", r->folder);
    FILE *f = fopen(path, "we");
    if (!f) {
        log_error("rehearsal", "%s: %s", path, strerror(errno));
        return -errno;
    }
    verdict_print(seen, f);
    bool failed = ferror(f) != 0;
    failed = fclose(f) != 0 || failed;
    return failed || fflush(stdout) != 0 ? -EIO : broken;
}
