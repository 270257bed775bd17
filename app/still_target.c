/*
 * still_target - see still_target.h.
 *
 * Layers are written as a sum: "2 conv4_3:5,9 + conv5_1" climbs two channels of one layer with twice the weight of all of
 * another; "conv4_3 - conv5_1:7" descends the second. A guide picture picks channels: those in which its layer's mean
 * activation stands out most, by their share.
 */
#include "app/still_target.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/subjects.h"
#include "common/text.h"
#include "engine/cpu/net.h"
#include "engine/model/labels.h"
#include "stream/picture.h"

enum { NAME_BYTES = 64, GUIDE_CHANNELS = 24, GUIDE_SIDE_PX = 256 };

/* ---- Layers ---- */

static int add_layer(struct still_target *t, int layer, int channel, double weight, struct error *e)
{
    if (t->layer_count == DREAM_LAYERS_MAX)
        return error_set(e, E2BIG, "--layer: more than %d layers and channels", DREAM_LAYERS_MAX);
    t->layers[t->layer_count++] = (struct dream_layer){layer, channel, weight};
    return 0;
}

/* "5,9,12" of a layer. */
static int add_channels(struct still_target *t, const struct model *m, int layer, const char *text,
                        double weight, struct error *e)
{
    const struct model_layer *l = &m->layers[layer];
    for (const char *s = text;; s++) {
        char *end;
        errno = 0;
        long channel = strtol(s, &end, 10);
        if (errno || end == s || (*end && *end != ','))
            return error_set(e, EINVAL,
                             "--layer: channel of %s: \"%.20s\" is no number; channels are 0 to %d", l->name,
                             s, l->out - 1);
        if (channel < 0 || channel >= l->out)
            return error_set(e, EINVAL, "--layer: channel of %s: %ld; channels are 0 to %d", l->name, channel,
                             l->out - 1);
        int rc = add_layer(t, layer, (int)channel, weight, e);
        if (rc < 0 || !*end)
            return rc;
        s = end;
    }
}

/* "2 conv4_3:5" */
static int add_term(struct still_target *t, const struct model *m, char *term, struct error *e)
{
    char *end;
    bool falls = *term == '-';
    term += falls ? 1 + strspn(term + 1, " \t") : 0;
    double weight = strtod(term, &end);
    if (end == term || !isspace((unsigned char)*end)) { /* "20" alone is torchvision's number of a layer */
        weight = 1;
        end = term;
    }
    end += strspn(end, " \t*");
    if (!(weight > 0 && weight <= 1000))
        return error_set(
            e, EINVAL,
            "--layer %.40s: the weight must be above 0, up to 1000; what is not wanted has a minus before it",
            term);
    char *colon = strchr(end, ':');
    if (colon)
        *colon++ = '\0';
    int layer = model_named_layer(m, end);
    if (layer < 0)
        return error_set(e, EINVAL, "--layer %.60s: no such layer; reverie inspect --layers lists them", end);
    if (colon && !*colon)
        return error_set(e, EINVAL, "--layer %.60s: a channel is missing behind the colon; write %.60s:0",
                         end, end);
    weight = falls ? -weight : weight;
    return colon ? add_channels(t, m, layer, colon, weight, e) : add_layer(t, layer, -1, weight, e);
}

/* Cuts `text` at `separator`, blanks around the parts away. */
static int split(char *text, char separator, char **parts, int most)
{
    int count = 0;
    for (char *at = text; at; count++) {
        char *next = strchr(at, separator);
        if (next)
            *next++ = '\0';
        at += strspn(at, " \t");
        size_t n = strlen(at);
        while (n > 0 && isspace((unsigned char)at[n - 1]))
            at[--n] = '\0';
        if (count < most)
            parts[count] = at;
        at = next;
    }
    return count;
}

/* "a - b" as "a +-b". A minus without blanks belongs to a name, as in conv4-3. */
static void differences_to_sums(char *text)
{
    for (char *at = text; (at = strstr(at, " - ")); at += 3)
        memcpy(at, " +-", 3);
}

static int find_layers(struct still_target *t, const struct model *m, const char *text, struct error *e)
{
    char copy[OPTION_STRING_BYTES];
    char *terms[DREAM_LAYERS_MAX];
    snprintf(copy, sizeof copy, "%s", text);
    differences_to_sums(copy);
    int count = split(copy, '+', terms, DREAM_LAYERS_MAX), rc = 0;
    for (int i = 0; i < count && i < DREAM_LAYERS_MAX && rc == 0; i++)
        rc = add_term(t, m, terms[i], e);
    return rc;
}

/* ---- Guide ---- */

/* The picture at a size that shows what the network knows, a multiple of its stride. */
static int read_guide(const char *path, const struct model *m, float **rgb, int *w, int *h, struct error *e)
{
    float *whole;
    int rc = picture_read(path, &whole, w, h, e), whole_w = *w, whole_h = *h;
    if (rc < 0)
        return error_prefix(e, rc, "--guide");
    double scale = fmin(1, (double)GUIDE_SIDE_PX / (whole_w < whole_h ? whole_w : whole_h));
    int least = model_min_px(m);
    *w = (int)fmin(fmax(whole_w * scale, least), 4 * GUIDE_SIDE_PX);
    *h = (int)fmin(fmax(whole_h * scale, least), 4 * GUIDE_SIDE_PX);
    *rgb = buffer_alloc(3 * (size_t)*w * (size_t)*h * sizeof **rgb);
    if (!*rgb || picture_scale(whole, whole_w, whole_h, *rgb, *w, *h) < 0) {
        free(*rgb);
        *rgb = NULL;
        rc = error_set(e, ENOMEM, "--guide %s: no memory for it", path);
    }
    free(whole);
    return rc;
}

/* How strong each channel of the layer is in the picture, [out]. */
static int channel_means(struct model *m, int layer, const float *rgb, int w, int h, float *means,
                         struct error *e)
{
    struct pool *pool;
    struct cpu_net *net = NULL;
    int rc = pool_open(&pool, 1);
    if (rc < 0)
        return error_set(e, -rc, "--guide: cannot start a thread");
    const struct cpu_net_params params = {m, pool, w, h, CPU_TIER_AUTO, 0, false};
    rc = cpu_net_open(&net, &params, e);
    if (rc == 0)
        rc = cpu_net_channel_means(net, &(struct cpu_net_input){rgb, w, h}, layer, means);
    cpu_net_close(&net);
    pool_close(&pool);
    return rc;
}

/* What a plain grey picture has in a channel is the network's own and not the guide's. */
static int guide_strengths(struct model *m, int layer, float *rgb, int w, int h, float *strength,
                           struct error *e)
{
    int channels = m->layers[layer].out;
    float *plain = xcalloc((size_t)channels, sizeof *plain);
    int rc = channel_means(m, layer, rgb, w, h, strength, e);
    for (size_t i = 0; i < 3 * (size_t)w * (size_t)h; i++)
        rgb[i] = 118;
    if (rc == 0)
        rc = channel_means(m, layer, rgb, w, h, plain, e);
    for (int c = 0; c < channels && rc == 0; c++)
        strength[c] -= plain[c];
    free(plain);
    return rc;
}

/* The strongest channels of the guide in the place of the layer. */
static int follow_guide(struct still_target *t, struct model *m, const char *path, struct error *e)
{
    int layer = t->layers[0].layer, channels = m->layers[layer].out, w, h;
    float *rgb = NULL, *strength = xcalloc((size_t)channels, sizeof *strength);
    if (t->layer_count > 1 || t->layers[0].channel >= 0) {
        free(strength);
        return error_set(e, EINVAL, "--guide picks the channels of one layer; give --layer NAME alone");
    }
    int rc = read_guide(path, m, &rgb, &w, &h, e);
    if (rc == 0)
        rc = guide_strengths(m, layer, rgb, w, h, strength, e);
    t->layer_count = 0;
    for (int i = 0; rc == 0 && i < GUIDE_CHANNELS && i < channels; i++) {
        int best = 0;
        for (int c = 1; c < channels; c++)
            best = strength[c] > strength[best] ? c : best;
        if (strength[best] > 0 || i == 0)
            rc = add_layer(t, layer, best, fmax((double)strength[best], 1e-6), e);
        strength[best] = -INFINITY;
    }
    free(rgb);
    free(strength);
    return rc;
}

int still_target_find(struct still_target *t, struct model *m, const struct still_options *o,
                      const char *text, struct error *e)
{
    *t = (struct still_target){.layer_count = 0};
    if (text) {
        struct error note;
        int rc = subjects_find(&t->subjects, m, text, &note, e);
        if (rc == 0 && note.text[0])
            fprintf(stderr, "reverie still: %s\n", text_shown(note.text).text);
        return rc;
    }
    int rc = find_layers(t, m, o->still.layer, e);
    return rc == 0 && o->still.guide[0] ? follow_guide(t, m, o->still.guide, e) : rc;
}

int still_target_texts(char *copy, const char *texts[STILL_TEXTS_MAX])
{
    char *parts[STILL_TEXTS_MAX];
    int count = split(copy, '|', parts, STILL_TEXTS_MAX);
    for (int i = 0; i < count && i < STILL_TEXTS_MAX; i++)
        texts[i] = parts[i];
    return count <= STILL_TEXTS_MAX ? count : 0;
}
