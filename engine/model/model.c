/*
 * model - see model.h. What a file's shapes cannot say stands in its metadata, under keys that begin with
 * "reverie."; files from elsewhere have none of it, and are known by their names and numbers.
 */
#include "engine/model/model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "engine/model/layers.h"
#include "engine/model/preprocess.h"
#include "engine/model/wnids.h"
#include "models/embedded.h"

enum { WINDOW_MAX = 4096 };

static int read_window(struct model *m, const struct weights *w, struct error *e)
{
    const char *text = weights_metadata(w, "reverie.window_px");
    m->window_px = model_min_px(m);
    if (!text)
        return 0;
    char *end;
    errno = 0;
    long v = strtol(text, &end, 10);
    if (errno || end == text || *end || v < m->window_px || v > WINDOW_MAX)
        return error_set(e, EINVAL, "metadata reverie.window_px: \"%.40s\"; %d to %d is expected", text,
                         m->window_px, WINDOW_MAX);
    m->window_px = (int)v;
    return 0;
}

static bool is_wnid(const char *s)
{
    return s[0] == 'n' && strspn(s + 1, "0123456789") == 8;
}

static int read_wnids(struct model *m, const struct weights *w, struct error *e)
{
    const char *text = weights_metadata(w, "reverie.wnids");
    if (!text && m->classes != ILSVRC_CLASSES)
        return 0;
    m->wnids = xcalloc((size_t)m->classes, sizeof *m->wnids);
    if (!text) {
        memcpy(m->wnids, ilsvrc_wnids, sizeof ilsvrc_wnids);
        return 0;
    }
    const char *s = text;
    int count = text[0] != '\0';
    for (const char *c = text; *c; c++)
        count += *c == ',';
    if (count != m->classes)
        return error_set(
            e, EINVAL, "metadata reverie.wnids: %d ids; the model has %d classes, an id for each is expected",
            count, m->classes);
    for (int i = 0; i < m->classes; i++) {
        char id[MODEL_WNID_BYTES];
        snprintf(id, sizeof id, "%s", s);
        char behind = is_wnid(id) ? s[9] : '?';
        if (behind != (i + 1 < m->classes ? ',' : '\0'))
            return error_set(
                e, EINVAL,
                "metadata reverie.wnids: entry %d is \"%.*s\"; ids such as n01443537 with commas are "
                "expected",
                i, (int)strcspn(s, ",") < 12 ? (int)strcspn(s, ",") : 12, s);
        if (model_class(m, id) >= 0)
            return error_set(e, EINVAL, "metadata reverie.wnids: %s is there twice", id);
        memcpy(m->wnids[i], id, sizeof id);
        s += 10;
    }
    return 0;
}

static void set_name(struct model *m, const struct weights *w)
{
    const char *slash = strrchr(weights_path(w), '/');
    int convs = m->layer_count - 3;
    snprintf(m->name, sizeof m->name, "%.80s (VGG-%d, %d classes)", slash ? slash + 1 : weights_path(w),
             convs + 3, m->classes);
}

/* `file` is `w` where weights may stay in it, or NULL. */
static int open_from(struct model **out, const struct weights *w, struct weights *file, struct error *e)
{
    struct model *m = *out = xcalloc(1, sizeof *m);
    struct model_names names;
    m->file = file;
    int rc = model_find_names(&names, w, e);
    if (rc == 0)
        rc = model_build_layers(m, w, &names, e);
    if (rc == 0)
        rc = model_read_preprocessing(m, w, &names, e);
    if (rc == 0)
        rc = read_window(m, w, e);
    if (rc == 0)
        rc = read_wnids(m, w, e);
    if (rc < 0) {
        m->file = NULL; /* the caller's again */
        model_close(out);
        return error_prefix(e, rc, "%s", weights_path(w));
    }
    set_name(m, w);
    return 0;
}

int model_open(struct model **out, const struct weights *w, struct error *e)
{
    return open_from(out, w, NULL, e);
}

int model_weights(struct weights **w, const char *path, struct error *e)
{
    if (path && *path) {
        int rc = weights_open(w, path, e);
        return rc == -ENOENT
                   ? error_set(e, ENOENT, "%s: no such file; scripts/get-weights fetches VGG-16", path)
                   : rc;
    }
    return weights_open_memory(w, embedded_model, (size_t)(embedded_model_end - embedded_model),
                               "reverie-mini", e);
}

int model_load(struct model **out, const char *path, struct error *e)
{
    *out = NULL;
    struct weights *w;
    int rc = model_weights(&w, path, e);
    if (rc == 0)
        rc = open_from(out, w, w, e);
    bool stays = false;
    for (int i = 0; rc == 0 && i < (*out)->layer_count; i++)
        stays = stays || (*out)->layers[i].is_in_file;
    if (stays)
        return 0;
    if (rc == 0)
        (*out)->file = NULL;
    weights_close(&w);
    return rc;
}

void model_drop_layer(struct model_layer *l)
{
    if (!l->is_in_file)
        free(l->weight);
    l->weight = NULL;
    l->is_in_file = false;
}

void model_drop_weights(struct model *m)
{
    for (int i = 0; i < m->layer_count; i++) {
        struct model_layer *l = &m->layers[i];
        model_drop_layer(l);
        free(l->bias);
        free(l->stat_mean);
        free(l->stat_std);
        l->bias = l->stat_mean = l->stat_std = NULL;
    }
    weights_close(&m->file);
}

void model_close(struct model **out)
{
    struct model *m = *out;
    if (!m)
        return;
    model_drop_weights(m);
    free(m->wnids);
    free(m->labels);
    free(m);
    *out = NULL;
}

int model_class(const struct model *m, const char *wnid)
{
    for (int i = 0; m->wnids && i < m->classes; i++)
        if (strcmp(m->wnids[i], wnid) == 0)
            return i;
    return -1;
}

int model_min_px(const struct model *m)
{
    return m->layers[m->layer_count - 3].kernel * m->stride_px;
}

int model_map_size(const struct model *m, int image_px)
{
    int cells = image_px / m->stride_px - m->layers[m->layer_count - 3].kernel + 1;
    return cells > 0 ? cells : 0;
}
