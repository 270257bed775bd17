/*
 * gallery - the pictures that are kept of wishes, by name. The show knows which there are; here a name is letters only.
 */
#include <errno.h>
#include <string.h>

#include "web/site.h"

enum { WAIT_US = 5000000 };

/* "/gallery/20261128-004451-7.jpg" */
bool site_get_gallery(struct call *c)
{
    const struct web_show *show = c->web->p.show;
    const char *name = c->target.path + strlen("/gallery/"), *dot = strrchr(name, '.');
    uint8_t *bytes = NULL;
    size_t size = 0;
    int rc = show->gallery ? show->gallery(c->web->p.context, name, &bytes, &size) : -ENOENT;
    if (rc == -EAGAIN && c->request->age_us < WAIT_US)
        return false;
    if (rc < 0) {
        site_error(c, rc == -EAGAIN ? 503 : 404, rc == -EAGAIN ? "busy" : "not_found",
                   rc == -EAGAIN ? "the disk is slow just now" : "that picture is not kept any more");
        return true;
    }
    c->answer->status = 200;
    c->answer->type = dot && strcmp(dot, ".jpg") == 0   ? "image/jpeg"
                      : dot && strcmp(dot, ".mp4") == 0 ? "video/mp4"
                                                        : "image/webp";
    c->answer->owned = bytes;
    c->answer->body_bytes = size;
    return true;
}
