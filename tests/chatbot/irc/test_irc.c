/*
 * The whole bot over the transport that replays a log: bridge, library, login, replies, removals, end.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "chatbot/irc/irc.h"
#include "chatbot/irc/tuning.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/thread.h"

enum { SEEN_BYTES = 65536, PATIENCE_US = 10000000 };

/* What the callbacks said, a line each. */
struct seen {
    pthread_mutex_t lock; /* guards text */
    char text[SEEN_BYTES];
};

static struct seen seen;

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    pthread_mutex_lock(&seen.lock);
    size_t n = strlen(seen.text);
    vsnprintf(seen.text + n, sizeof seen.text - n, format, args);
    pthread_mutex_unlock(&seen.lock);
    va_end(args);
}

static bool wait_for(const char *text)
{
    for (int64_t end_us = clock_real_us() + PATIENCE_US; clock_real_us() < end_us; usleep(2000)) {
        pthread_mutex_lock(&seen.lock);
        bool found = strstr(seen.text, text) != NULL;
        pthread_mutex_unlock(&seen.lock);
        if (found)
            return true;
    }
    fprintf(stderr, "# waited for '%s', saw:\n%s\n", text, seen.text);
    return false;
}

static void on_line(void *context, const struct irc_message *m, struct irc_reply *reply)
{
    (void)context;
    note("line %s (%s) %s%s%s\n", m->user, m->display_name, m->is_action ? "* " : "", m->text,
         m->roles & IRC_MODERATOR ? " [mod]" : "");
    if (strncmp(m->text, "say ", 4) == 0)
        snprintf(reply->text, sizeof reply->text, "%s", m->text + 4);
}

static void on_clear_user(void *context, const char *user)
{
    (void)context;
    note("clear %s\n", user ? user : "all");
}

static void on_delete(void *context, const char *id, const char *user)
{
    (void)context;
    note("delete %s of %s\n", id, user);
}

static void on_state(void *context, enum irc_state state, const char *text)
{
    (void)context;
    static const char *const names[] = {"connecting", "joining", "online", "waiting", "alarm"};
    note("%s: %s\n", names[state], text);
}

static const struct irc_events events = {
    .on_line = on_line, .on_clear_user = on_clear_user, .on_delete = on_delete, .on_state = on_state};

struct scene {
    struct irc *irc;
    struct irc_config config;
    struct irc_tuning tuning;
    char path[64];
};

static int setup(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    *state = s;
    pthread_mutex_lock(&seen.lock);
    seen.text[0] = '\0';
    pthread_mutex_unlock(&seen.lock);
    option_defaults(&irc_section, &s->config);
    snprintf(s->config.channel, sizeof s->config.channel, "Chan");
    snprintf(s->config.nick, sizeof s->config.nick, "bot");
    s->tuning = irc_tuning_default;
    s->tuning.transport = &transport_fake;
    s->tuning.limits.gap_us = 20000;
    s->tuning.retry_min_us = 50000;
    s->tuning.retry_max_us = 100000;
    s->tuning.join_us = 100000;
    s->tuning.join_slow_us = 200000;
    s->tuning.login_retry_us = 300000;
    s->tuning.stable_us = 1000000;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;
    int64_t before = clock_real_us();
    irc_close(&s->irc);
    int slow = clock_real_us() - before > 2000000;
    if (s->path[0])
        unlink(s->path);
    free(s);
    return slow;
}

static void play(struct scene *s, const char *log)
{
    struct error e = {""};
    snprintf(s->path, sizeof s->path, "/tmp/reverie-irc-XXXXXX");
    int fd = mkstemp(s->path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, log, strlen(log)), strlen(log));
    close(fd);
    assert_int_equal(chdir("/tmp"), 0); /* a path with a slash is no host name, and refused */
    snprintf(s->config.server, sizeof s->config.server, "%s", strrchr(s->path, '/') + 1);
    if (irc_open(&s->irc, &s->config, &events, &s->tuning, &e) < 0)
        fail_msg("%s", e.text);
}

#define LOGIN                                                                                                \
    "> CAP REQ :twitch.tv/tags twitch.tv/commands\n> NICK bot\n> USER \n> CAP END\n"                         \
    "< :tmi.twitch.tv CAP * ACK :twitch.tv/tags twitch.tv/commands\n< :tmi.twitch.tv 001 bot :Welcome, "     \
    "GLHF!\n"                                                                                                \
    "> JOIN #chan\n< :bot!bot@bot.tmi.twitch.tv JOIN #chan\n"

static void hears_and_answers(void **state)
{
    struct scene *s = *state;
    play(s, LOGIN "< @badges=moderator/1;display-name=Ann\\\\sA;id=1;room-id=7;user-id=2 :ann!a@h PRIVMSG "
                  "#chan :say hello\n"
                  "> @reply-parent-msg-id=1 PRIVMSG #chan :hello\n"
                  "< @display-name= :bob!b@h PRIVMSG #chan :\\x01ACTION waves\\x01\n"
                  "< :bot!bot@h PRIVMSG #chan :say an echo of our own\n"
                  "< :ann!a@h PRIVMSG #other :say elsewhere\n"
                  "< PING :tmi.twitch.tv\n> PONG :tmi.twitch.tv\n"
                  "< PING\n> PONG\n"
                  "< :ann!a@h PRIVMSG #chan :last\n=\n");
    assert_true(wait_for("line ann (ann) last\n"));
    assert_non_null(
        strstr(seen.text, "line ann (Ann A) say hello [mod]\nline bob (bob) * waves\nline ann (ann) last"));
    struct irc_counters c;
    irc_counters(s->irc, &c);
    assert_int_equal(c.sent, 1);
    assert_int_equal(c.lost, 0);
}

static void tells_removals(void **state)
{
    struct scene *s = *state;
    play(s, LOGIN "< @ban-duration=5 :tmi.twitch.tv CLEARCHAT #chan :ann\n< :tmi.twitch.tv CLEARCHAT #chan\n"
                  "< @login=bob;target-msg-id=x-1 :tmi.twitch.tv CLEARMSG #chan :words\n"
                  "< :tmi.twitch.tv CLEARCHAT #other :zoe\n< :tmi.twitch.tv RECONNECT\n=\n");
    assert_true(wait_for("waiting: the server asked to reconnect"));
    assert_non_null(strstr(seen.text, "clear ann\nclear all\ndelete x-1 of bob\n"));
    assert_null(strstr(seen.text, "zoe"));
}

static void long_and_empty_lines_do_not_make_it_deaf(void **state)
{
    struct scene *s = *state;
    static char log[65536];
    size_t n = (size_t)sprintf(log, "%s", LOGIN);
    static const int sizes[] = {1, 509, 510, 511, 1022, 1023, 1024, 1025, 1500, 2000};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        n += (size_t)sprintf(log + n, "! \\r\\n\n! \\n\n< :ann!a@h PRIVMSG #chan :");
        memset(log + n, 'x', (size_t)sizes[i]);
        n += (size_t)sizes[i];
        n += (size_t)sprintf(log + n, "\n");
    }
    sprintf(log + n, "< :ann!a@h PRIVMSG #chan :last\n=\n");
    play(s, log);
    assert_true(wait_for("line ann (ann) last\n"));
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        char *line = malloc((size_t)sizes[i] + 32);
        size_t head = (size_t)sprintf(line, "line ann (ann) ");
        memset(line + head, 'x', (size_t)sizes[i]);
        strcpy(line + head + sizes[i], "\n");
        assert_non_null(strstr(seen.text, line));
        free(line);
    }
}

static void a_refused_login_is_an_alarm_and_listens_meanwhile(void **state)
{
    struct scene *s = *state;
    snprintf(s->config.token, sizeof s->config.token, "verysecret");
    play(s,
         "> PASS verysecret\n> NICK bot\n> USER\n< :tmi.twitch.tv NOTICE * :Login authentication failed\n");
    assert_true(wait_for("alarm: "));
    assert_true(wait_for("(Login authentication failed): listening only"));
    assert_null(strstr(seen.text, "verysecret"));
}

static bool is_far_away(void *priv)
{
    (void)priv;
    return false;
}

static void expect_no_token_on(struct scene *s, bool (*is_local)(void *priv))
{
    struct transport_ops far = transport_fake;
    far.is_local = is_local;
    s->tuning.transport = &far;
    s->config.anonymous_fallback = false;
    snprintf(s->config.token, sizeof s->config.token, "verysecret");
    play(s, "> PASS verysecret\n> USER\n< :tmi.twitch.tv 001 bot :hi\n=\n");
    assert_true(wait_for("alarm: the token is not sent without encryption"));
    assert_null(strstr(seen.text, "logged in"));
    irc_close(&s->irc);
}

static void a_token_does_not_travel_in_plain_text(void **state)
{
    expect_no_token_on(*state, is_far_away);
}

static void a_transport_that_does_not_know_its_other_end_gets_no_token(void **state)
{
    expect_no_token_on(*state, NULL);
}

static void without_fallback_it_waits(void **state)
{
    struct scene *s = *state;
    s->config.anonymous_fallback = false;
    play(s, "> USER\n< :tmi.twitch.tv NOTICE * :Improperly formatted auth\n=\n");
    assert_true(wait_for("alarm: Improperly formatted auth; next attempt in 0.3 s"));
}

static void a_silent_join_is_said_again_and_then_alarms(void **state)
{
    struct scene *s = *state;
    play(s, "> USER\n< :tmi.twitch.tv 001 bot :hi\n> JOIN #chan\n> JOIN #chan\n> JOIN #chan\n> JOIN #chan\n"
            "> JOIN #chan\n< :bot!b@h JOIN #chan\n=\n");
    assert_true(wait_for("alarm: #chan does not answer to JOIN"));
    assert_true(wait_for("online: in #chan\n"));
}

static void a_taken_nick_gets_a_tail(void **state)
{
    struct scene *s = *state;
    play(s,
         "> USER\n< :srv 433 * bot :Nickname is already in use\n> NICK bot_\n< :srv 001 bot_ :hi\n> JOIN "
         "#chan\n"
         "< :bot_!b@h JOIN #chan\n< :bot_!b@h PRIVMSG #chan :say own\n< :ann!b@h PRIVMSG #chan :last\n=\n");
    assert_true(wait_for("line ann (ann) last\n"));
    assert_null(strstr(seen.text, "own"));
}

static void kicked_out_it_comes_back(void **state)
{
    struct scene *s = *state;
    play(s, LOGIN "< :op!o@h KICK #chan bot :out\n> JOIN #chan\n< :srv 366 bot #chan :End of names\n"
                  "< :ann!b@h PRIVMSG #chan :last\n=\n");
    assert_true(wait_for("line ann (ann) last\n"));
}

static void a_silent_server_is_left(void **state)
{
    struct scene *s = *state;
    s->tuning.ping_us = 100000;
    s->tuning.pong_us = 100000;
    play(s, LOGIN "> PING :reverie\n< :srv PONG srv :reverie\n> PING :reverie\n< :srv PONG srv :reverie\n> "
                  "PING :reverie\n=\n");
    assert_true(wait_for("waiting: the server has been silent for 0 s"));
}

static void an_anonymous_bot_says_nothing(void **state)
{
    struct scene *s = *state;
    s->config.nick[0] = '\0';
    play(s, "> NICK justinfan\n> USER\n< :tmi.twitch.tv 001 justinfan1 :hi\n> JOIN #chan\n"
            "< :justinfan1!j@h JOIN #chan\n< :ann!b@h PRIVMSG #chan :say something\n=\n");
    assert_true(wait_for("online: in #chan, listening only\n"));
    assert_true(wait_for("line ann (ann) say something\n"));
    usleep(100000);
    struct irc_counters c;
    irc_counters(s->irc, &c);
    assert_int_equal(c.sent, 0);
}

static void many_attempts_leave_nothing_behind(void **state)
{
    struct scene *s = *state;
    s->tuning.retry_min_us = s->tuning.retry_max_us = 1000;
    play(s, LOGIN "< :ann!b@h PRIVMSG #chan :hi\n"); /* and hangs up */
    struct irc_counters c;
    do {
        usleep(20000);
        irc_counters(s->irc, &c);
    } while (c.messages < 15);
    assert_int_equal(c.lost, 0);
}

/* The library waits in select(), which aborts on descriptors from FD_SETSIZE on. */
static void too_many_open_files_are_no_crash(void **state)
{
    struct scene *s = *state;
    struct rlimit limit;
    enum { MANY = 1200 };
    static int fds[MANY];
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max < MANY + 100)
        skip();
    struct rlimit before = limit;
    limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
    setrlimit(RLIMIT_NOFILE, &limit);
    play(s, LOGIN "< :ann!b@h PRIVMSG #chan :hi\n"); /* and hangs up */
    assert_true(wait_for("line ann (ann) hi\n"));
    for (int i = 0; i < MANY; i++)
        fds[i] = dup(STDERR_FILENO);
    assert_true(wait_for("Too many open files"));
    struct irc *late;
    assert_int_equal(irc_open(&late, &s->config, &events, &s->tuning, NULL), -EMFILE);
    assert_null(late);
    for (int i = 0; i < MANY; i++)
        close(fds[i]);
    pthread_mutex_lock(&seen.lock);
    seen.text[0] = '\0';
    pthread_mutex_unlock(&seen.lock);
    assert_true(wait_for("line ann (ann) hi\n"));
    setrlimit(RLIMIT_NOFILE, &before);
}

static void settings_that_cannot_work_are_refused(void **state)
{
    struct scene *s = *state;
    struct error e;
    static const struct {
        const char *channel, *nick, *server, *text;
    } cases[] = {{"", "", "x", "chat.channel is empty"}, {"a b", "", "x", "chat.channel"},
                 {"a,b", "", "x", "chat.channel"},       {"a", "b\r\nQUIT", "x", "chat.nick"},
                 {"a", "%n%n", "x", "chat.nick"},        {"a", "", "", "chat.server"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        snprintf(s->config.channel, sizeof s->config.channel, "%s", cases[i].channel);
        snprintf(s->config.nick, sizeof s->config.nick, "%s", cases[i].nick);
        snprintf(s->config.server, sizeof s->config.server, "%s", cases[i].server);
        assert_int_equal(irc_open(&s->irc, &s->config, &events, &s->tuning, &e), -EINVAL);
        assert_null(s->irc);
        assert_non_null(strstr(e.text, cases[i].text));
    }
}

int main(void)
{
    pthread_mutex_init(&seen.lock, NULL);
    log_set_level(LOG_ERROR);
#define SCENE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        SCENE(hears_and_answers),
        SCENE(tells_removals),
        SCENE(long_and_empty_lines_do_not_make_it_deaf),
        SCENE(a_refused_login_is_an_alarm_and_listens_meanwhile),
        SCENE(a_token_does_not_travel_in_plain_text),
        SCENE(a_transport_that_does_not_know_its_other_end_gets_no_token),
        SCENE(without_fallback_it_waits),
        SCENE(a_silent_join_is_said_again_and_then_alarms),
        SCENE(a_taken_nick_gets_a_tail),
        SCENE(kicked_out_it_comes_back),
        SCENE(a_silent_server_is_left),
        SCENE(an_anonymous_bot_says_nothing),
        SCENE(many_attempts_leave_nothing_behind),
        SCENE(too_many_open_files_are_no_crash),
        SCENE(settings_that_cannot_work_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
