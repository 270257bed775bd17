/*
 * labels - see labels.h.
 */
#include "engine/model/labels.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"

enum { FILE_MAX_BYTES = 1 << 20, LABEL_BYTES = 128, NUMBER_NONE = -1 };

/* ---- classes ---- */

static bool is_wnid(const char *s)
{
    return s[0] == 'n' && strspn(s + 1, "0123456789") == 8 && (!s[9] || isspace((unsigned char)s[9]));
}

/* Lines of a text, without the empty ones at its end; each is terminated in place. */
static int split_lines(char *text, char **lines, int most)
{
    int count = 0;
    for (char *line = text, *end; line && *line; line = end) {
        end = strchr(line, '\n');
        if (end)
            *end++ = '\0';
        line[strcspn(line, "\r")] = '\0';
        if (count < most)
            lines[count] = line;
        count++;
    }
    while (count > 0 && count <= most && !lines[count - 1][0])
        count--;
    return count;
}

static void take_lines(struct model *m, char **lines)
{
    bool are_ids = true;
    for (int i = 0; i < m->classes; i++)
        are_ids = are_ids && is_wnid(lines[i]);
    free(m->wnids);
    free(m->labels);
    m->wnids = NULL;
    m->labels = NULL;
    if (are_ids)
        m->wnids = xcalloc((size_t)m->classes, sizeof *m->wnids);
    else
        m->labels = xcalloc((size_t)m->classes, sizeof *m->labels);
    for (int i = 0; i < m->classes; i++) {
        if (are_ids)
            memcpy(m->wnids[i], lines[i], sizeof m->wnids[i] - 1);
        else
            text_clean(m->labels[i], sizeof m->labels[i], lines[i], strlen(lines[i]));
    }
}

int model_read_labels(struct model *m, const char *path, struct error *e)
{
    char *text;
    int rc = file_read_all(path, FILE_MAX_BYTES, &text, NULL, e);
    if (rc < 0)
        return error_prefix(e, rc, "--labels");
    char **lines = xcalloc((size_t)m->classes + 1, sizeof *lines);
    int count = split_lines(text, lines, m->classes);
    if (count == m->classes)
        take_lines(m, lines);
    else
        rc = error_set(e, EINVAL,
                       "--labels %s: %d lines; the model has %d classes, a line for each is expected", path,
                       count, m->classes);
    free(lines);
    free(text);
    return rc;
}

int model_named_class(const struct model *m, const char *name)
{
    if (name[0] == '#' && isdigit((unsigned char)name[1])) {
        char *end;
        long index = strtol(name + 1, &end, 10);
        if (!*end)
            return index < m->classes ? (int)index : -ERANGE;
    }
    int index = model_class(m, name);
    for (int i = 0; index < 0 && m->labels && i < m->classes; i++)
        index = strcasecmp(m->labels[i], name) == 0 ? i : index;
    return index;
}

/* ---- layers ---- */

/* Its number in torchvision's `features` when the file has it so, else NUMBER_NONE. */
static int layer_number(const struct model_layer *l)
{
    const char *dot = strrchr(l->tensor, '.');
    const char *digits = dot ? dot + 1 : l->tensor;
    return digits[0] && strspn(digits, "0123456789") == strlen(digits) && l->kernel == 3
               ? (int)strtol(digits, NULL, 10)
               : NUMBER_NONE;
}

/* "features.20", "features[20]" or "20" -> 20; -1: something else. */
static int read_number(const char *name)
{
    const char *s = strncasecmp(name, "features", 8) == 0 ? name + 8 : name;
    s += s > name && (*s == '.' || *s == '[');
    size_t digits = strspn(s, "0123456789");
    bool is_whole = digits > 0 && digits < 5 && (!s[digits] || strcmp(s + digits, "]") == 0);
    return is_whole ? (int)strtol(s, NULL, 10) : NUMBER_NONE;
}

/* The convolution of that number, or the one whose batch norm or ReLU has it. */
static int layer_of_number(const struct model *m, int number)
{
    int best = -1;
    for (int i = 0; i < m->layer_count && number != NUMBER_NONE; i++) {
        int own = layer_number(&m->layers[i]),
            next = i + 1 < m->layer_count ? layer_number(&m->layers[i + 1]) : -1;
        if (own != NUMBER_NONE && own <= number && number < own + 3 && (next < 0 || number < next))
            best = i;
    }
    return best;
}

/* Block and place of "conv4_2", "relu4-2", "block4_conv2", "conv4_2/relu" ...; false: no such spelling. */
static bool read_place(const char *name, int *block, int *place)
{
    char plain[LABEL_BYTES];
    size_t n = 0;
    for (const char *s = name; *s && *s != '/' && n + 1 < sizeof plain; s++)
        plain[n++] = *s == '-' || *s == '.' ? '_' : (char)tolower((unsigned char)*s);
    plain[n] = '\0';
    static const char *const patterns[] = {"conv%2d_%2d%n", "relu%2d_%2d%n", "block%2d_conv%2d%n",
                                           "conv_%2d_%2d%n"};
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
        int used = 0;
        if (sscanf(plain, patterns[i], block, place, &used) == 2 && used > 0 && !plain[used])
            return true;
    }
    return false;
}

int model_named_layer(const struct model *m, const char *name)
{
    char wanted[sizeof m->layers[0].name];
    int block, place;
    for (int i = 0; i < m->layer_count; i++)
        if (strcasecmp(m->layers[i].name, name) == 0 ||
            (m->layers[i].tensor[0] && strcmp(m->layers[i].tensor, name) == 0))
            return i;
    if (read_place(name, &block, &place)) {
        snprintf(wanted, sizeof wanted, "conv%d_%d", block, place);
        for (int i = 0; i < m->layer_count; i++)
            if (strcmp(m->layers[i].name, wanted) == 0)
                return i;
        return -1;
    }
    return layer_of_number(m, read_number(name));
}

/* ---- fingerprint ---- */

/* FNV-1a over words of 64 bits. */
static uint64_t mix(uint64_t hash, const void *data, size_t bytes)
{
    const char *at = data;
    for (; bytes > 0; at += 8) {
        uint64_t word = 0;
        size_t n = bytes < 8 ? bytes : 8;
        memcpy(&word, at, n);
        hash = (hash ^ word) * 0x100000001b3u;
        bytes -= n;
    }
    return hash;
}

static uint64_t mix_weights(uint64_t hash, const struct model_layer *l)
{
    enum { AT_ONCE = 1 << 20 };
    size_t count = (size_t)l->in * (size_t)l->out * (size_t)l->kernel * (size_t)l->kernel;
    for (size_t first = 0; l->weight && first < count; first += AT_ONCE) {
        size_t part = count - first < AT_ONCE ? count - first : AT_ONCE;
        hash = mix(hash, l->weight + first, part * sizeof *l->weight);
        model_read_behind(l, first, part);
    }
    return hash;
}

uint64_t model_fingerprint(const struct model *m)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (int i = 0; i < m->layer_count; i++) {
        const struct model_layer *l = &m->layers[i];
        const int shape[] = {l->in, l->out, l->kernel, l->pool_after};
        hash = mix(hash, shape, sizeof shape);
        hash = mix_weights(hash, l);
        hash = mix(hash, l->bias, (size_t)l->out * sizeof *l->bias);
    }
    hash = mix(hash, m->mean, sizeof m->mean);
    return mix(hash, m->std, sizeof m->std);
}
