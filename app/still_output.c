/*
 * still_output - see still_output.h.
 */
#include "app/still_output.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/fence.h"
#include "common/file.h"

int still_output_open(struct still_output *out, const struct still_options *o, struct error *e)
{
    *out = (struct still_output){.path = o->output, .is_stdout = strcmp(o->output, "-") == 0};
    out->style.bits = (int)o->still.bits;
    out->style.quality = (int)o->still.quality;
    if (out->is_stdout && isatty(STDOUT_FILENO))
        return error_set(e, EINVAL, "-o -: stdout is a terminal; write into a file or a pipe");
    int rc =
        out->is_stdout || o->still.animate_s > 0 ? 0 : picture_format_of(o->output, &out->style.format, e);
    if (rc == 0 && !out->is_stdout)
        rc = file_check_target(o->output, &out->is_special, e);
    if (rc == 0 && o->still.bits == 16 && out->style.format != PICTURE_PNG)
        rc = error_set(e, EINVAL, "%s: only PNG keeps 16 bits", o->output);
    if (rc == 0 && o->still.save_every > 0 && (out->is_stdout || out->is_special))
        rc = error_set(e, EINVAL, "--save-every: %s can be written only once; give a file", o->output);
    return rc;
}

/* The file that a link leads to, there or not. */
static bool read_link(const char *path, char target[PATH_MAX])
{
    char text[PATH_MAX];
    ssize_t n = readlink(path, text, sizeof text - 1);
    const char *slash = strrchr(path, '/');
    if (realpath(path, target))
        return true;
    if (n < 0)
        return false;
    text[n] = '\0';
    int folder = slash && text[0] != '/' ? (int)(slash + 1 - path) : 0;
    return snprintf(target, PATH_MAX, "%.*s%s", folder, path, text) < PATH_MAX;
}

void still_output_fence(const struct still_output *out)
{
    char target[PATH_MAX];
    if (out->is_stdout)
        fence_command(NULL);
    else
        fence_command(read_link(out->path, target) ? target : out->path);
}

int still_output_bytes(const struct still_output *out, const void *data, size_t bytes, struct error *e)
{
    if (!out->is_stdout)
        return file_write_place(out->path, data, bytes, 0666, e);
    if (file_write(STDOUT_FILENO, data, bytes) == bytes)
        return 0;
    return error_set(e, errno, "stdout cannot be written: %s", strerror(errno));
}

int still_output_write(const struct still_output *out, const struct picture_image *p, struct error *e)
{
    uint8_t *data;
    size_t bytes;
    int rc = picture_encode(&data, &bytes, p, &out->style, e);
    if (rc < 0)
        return error_prefix(e, rc, "%s", out->path);
    rc = still_output_bytes(out, data, bytes, e);
    free(data);
    return rc;
}
