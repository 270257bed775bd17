/*
 * metrics - figures for Prometheus: one prefix, base units, counters end in _total. Never names or subjects as
 * labels: there are too many of them, and they are people's.
 */
#include <stdio.h>
#include <dirent.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "web/site.h"

/* Text that grows. */
struct sheet {
    char *text;
    size_t bytes, room;
};

static void __attribute__((format(printf, 2, 3))) print(struct sheet *s, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof line)
        return;
    if (s->bytes + (size_t)n + 1 > s->room) {
        s->room = 2 * (s->bytes + (size_t)n + 1);
        s->text = xrealloc(s->text, s->room);
    }
    memcpy(s->text + s->bytes, line, (size_t)n + 1);
    s->bytes += (size_t)n;
}

static void head(struct sheet *s, const char *name, const char *type, const char *text)
{
    print(s, "# HELP %s %s\n# TYPE %s %s\n", name, text, name, type);
}

static void one(struct sheet *s, const char *name, const char *type, const char *text, double value)
{
    head(s, name, type, text);
    print(s, "%s %.15g\n", name, value);
}

/* The show's own counters, in seconds where they count parts of them. */
static void print_stats(struct sheet *s, const struct stats *stats)
{
    static const struct {
        const char *ending, *instead;
        double scale;
    } units[] = {{"_us_total", "_seconds_total", 1e-6}, {"_ms", "_seconds", 1e-3}, {"", "", 1}};
    for (int i = 0; i < STAT_COUNT; i++) {
        if (i == STAT_REQUESTS || i == STAT_REQUESTS_REFUSED) /* print_requests tells more */
            continue;
        const struct stat_info *info = &stat_infos[i];
        char name[128];
        size_t n = strlen(info->name), u = 0;
        while (n < strlen(units[u].ending) ||
               strcmp(info->name + n - strlen(units[u].ending), units[u].ending) != 0)
            u++;
        snprintf(name, sizeof name, "reverie_%.*s%s", (int)(n - strlen(units[u].ending)), info->name,
                 units[u].instead);
        one(s, name, info->is_counter ? "counter" : "gauge", info->text,
            (double)stats_get(stats, (enum stat_id)i) * units[u].scale);
    }
}

static void print_show(struct sheet *s, const struct web *w)
{
    const struct web_status *t = &w->status;
    head(s, "reverie_build_info", "gauge", "what runs");
    print(s, "reverie_build_info{version=\"%s\",model=\"%s\",backend=\"%s\"} 1\n", w->p.version,
          w->p.model ? w->p.model : "", t->backend ? t->backend : "");
    one(s, "reverie_uptime_seconds", "gauge", "seconds of show", t->uptime_s);
    one(s, "reverie_requests_waiting", "gauge", "wishes that wait", t->waiting);
    if (t->seen >= 0)
        one(s, "reverie_dream_seen_ratio", "gauge", "share that the network gives the subjects", t->seen);
    if (t->sees_count > 0)
        head(s, "reverie_dream_sees_ratio", "gauge", "what the network sees most in all of the picture");
    for (int i = 0; i < t->sees_count; i++)
        print(s, "reverie_dream_sees_ratio{rank=\"%d\",wnid=\"%s\"} %.4f\n", i + 1, t->sees[i].wnid,
              t->sees[i].probability);
    one(s, "reverie_chat_up", "gauge", "1 while the chat's channel is joined",
        t->chat_state && strcmp(t->chat_state, "online") == 0);
}

static void print_requests(struct sheet *s, const struct stats *stats)
{
    head(s, "reverie_requests_total", "counter",
         "lines of people, by where they came from and what became of them");
    for (int i = 0; i < STATS_SOURCES; i++)
        for (int k = 0; k < STATS_RESULTS; k++)
            print(s, "reverie_requests_total{source=\"%s\",result=\"%s\"} %lld\n", stats_sources[i],
                  stats_results[k], (long long)atomic_load(&stats->requests[i][k]));
}

static void print_sinks(struct sheet *s, const struct stats *stats)
{
    static const char *const names[][3] = {
        {"reverie_sink_up", "gauge", "1 while the output works"},
        {"reverie_sink_bytes_total", "counter", "bytes that the output has written"},
        {"reverie_sink_connects_total", "counter", "times that it began to work"},
        {"reverie_sink_dropped_total", "counter", "packets that it was too slow for"},
        {"reverie_sink_queue_seconds", "gauge", "how much of the stream waits for the output"},
    };
    for (size_t k = 0; k < ARRAY_LEN(names); k++) {
        head(s, names[k][0], names[k][1], names[k][2]);
        for (int i = 0; i < STATS_SINKS && atomic_load(&stats->sinks[i].name); i++) {
            const struct stats_sink *row = &stats->sinks[i];
            const double values[] = {atomic_load(&row->state) == STATS_SINK_OK,
                                     (double)atomic_load(&row->bytes), (double)atomic_load(&row->connects),
                                     (double)atomic_load(&row->dropped),
                                     (double)atomic_load(&row->queued_us) / 1e6};
            print(s, "%s{sink=\"%s\"} %.15g\n", names[k][0], atomic_load(&row->name), values[k]);
        }
    }
}

static void print_keyframes(struct sheet *s, const struct stats *stats)
{
    long long sum = 0;
    head(s, "reverie_dream_keyframe_interval_seconds", "histogram", "from one keyframe to the next");
    for (int i = 0; i < STATS_GAPS; i++) {
        char bound[32] = "+Inf";
        if (i < STATS_GAPS - 1)
            snprintf(bound, sizeof bound, "%.15g", stats_gap_bounds_ms[i] / 1e3);
        sum += atomic_load(&stats->keyframe_gaps[i]);
        print(s, "reverie_dream_keyframe_interval_seconds_bucket{le=\"%s\"} %lld\n", bound, sum);
    }
    print(
        s,
        "reverie_dream_keyframe_interval_seconds_sum %.15g\nreverie_dream_keyframe_interval_seconds_count %lld\n",
        (double)atomic_load(&stats->keyframe_gaps_ms) / 1e3, sum);
}

static void print_page(struct sheet *s, struct web *w)
{
    struct live_state live;
    live_look(w->live, &live);
    head(s, "reverie_page_viewers", "gauge", "who watches the preview");
    print(s, "reverie_page_viewers{kind=\"mp4\"} %d\nreverie_page_viewers{kind=\"mjpeg\"} %d\n", live.viewers,
          w->mjpg_readers);
    one(s, "reverie_page_sent_bytes_total", "counter", "bytes of preview sent", (double)live.sent_bytes);
    one(s, "reverie_page_skips_total", "counter", "times that a slow viewer skipped ahead",
        (double)live.skips);
}

/* Several routes share a name: their counts are one. */
static int64_t requests_of(const struct counts *c, const char *name, int hundreds)
{
    int64_t sum = 0;
    for (int i = 0; i < SITE_ROUTES_MAX; i++)
        if (site_route_name(i) && strcmp(site_route_name(i), name) == 0)
            sum += c->requests[i][hundreds];
    return sum;
}

static bool is_first_of_name(int route)
{
    for (int i = 0; i < route; i++)
        if (site_route_name(i) && strcmp(site_route_name(i), site_route_name(route)) == 0)
            return false;
    return true;
}

static void print_http(struct sheet *s, const struct web *w)
{
    static const char *const bounds[] = {"0.001", "0.005", "0.025", "0.1", "0.5", "2.5", "+Inf"};
    const struct counts *c = &w->counts;
    int64_t sum = 0;
    head(s, "reverie_http_requests_total", "counter",
         "requests answered, by what was asked and the class of code");
    for (int i = 0; i < SITE_ROUTES_MAX; i++)
        for (int k = 1; site_route_name(i) && is_first_of_name(i) && k < 6; k++) {
            int64_t n = requests_of(c, site_route_name(i), k);
            if (n > 0)
                print(s, "reverie_http_requests_total{handler=\"%s\",code=\"%dxx\"} %lld\n",
                      site_route_name(i), k, (long long)n);
        }
    head(s, "reverie_http_request_duration_seconds", "histogram",
         "from the whole request to the answer's first byte");
    for (int i = 0; i <= SITE_DURATIONS; i++) {
        sum += c->slow[i];
        print(s, "reverie_http_request_duration_seconds_bucket{le=\"%s\"} %lld\n", bounds[i], (long long)sum);
    }
    print(
        s,
        "reverie_http_request_duration_seconds_sum %.9g\nreverie_http_request_duration_seconds_count %lld\n",
        c->seconds, (long long)sum);
    one(s, "reverie_http_connections", "gauge", "connections now", w->http ? http_connections(w->http) : 0);
}

static int open_files(void)
{
    int count = 0;
    DIR *d = opendir("/proc/self/fd");
    while (d && readdir(d))
        count++;
    if (d)
        closedir(d);
    return count > 3 ? count - 3 : 0; /* ".", ".." and the folder itself */
}

static void print_process(struct sheet *s, const struct web *w)
{
    struct rusage u;
    struct rlimit files;
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f && fscanf(f, "%*s %ld", &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    getrusage(RUSAGE_SELF, &u);
    one(s, "process_cpu_seconds_total", "counter", "processor time",
        (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
            (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
    one(s, "process_resident_memory_bytes", "gauge", "memory in use",
        (double)pages * (double)sysconf(_SC_PAGESIZE));
    one(s, "process_open_fds", "gauge", "open files", open_files());
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        one(s, "process_max_fds", "gauge", "how many may be open", (double)files.rlim_cur);
    one(s, "process_start_time_seconds", "gauge", "when the show began, since 1970",
        (double)time(NULL) - w->status.uptime_s);
}

bool site_get_metrics(struct call *c)
{
    struct sheet s = {0};
    print_show(&s, c->web);
    print_stats(&s, c->web->p.stats);
    print_requests(&s, c->web->p.stats);
    print_keyframes(&s, c->web->p.stats);
    print_sinks(&s, c->web->p.stats);
    print_page(&s, c->web);
    print_http(&s, c->web);
    print_process(&s, c->web);
    c->answer->status = 200;
    c->answer->type = "text/plain; version=0.0.4; charset=utf-8";
    c->answer->owned = s.text;
    c->answer->body_bytes = s.bytes;
    return true;
}

bool site_get_health(struct call *c)
{
    const char *trouble = c->web->status.trouble;
    c->answer->status = trouble ? 503 : 200;
    c->answer->type = "text/plain; charset=utf-8";
    c->answer->owned = xasprintf("%s\n", trouble ? trouble : "ok");
    c->answer->body_bytes = strlen(c->answer->owned);
    return true;
}
