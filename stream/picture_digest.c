/*
 * picture_digest - see picture_digest.h.
 */
#include "stream/picture_digest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <libavutil/intreadwrite.h>
#include <libavutil/md5.h>
#include <libavutil/mem.h>

#include "common/log.h"
#include "common/mem.h"

struct picture_digest {
    struct AVMD5 *md5;
    int64_t pictures;
};

int picture_digest_open(struct picture_digest **out, struct error *e)
{
    struct picture_digest *d = *out = xcalloc(1, sizeof *d);
    d->md5 = av_md5_alloc();
    if (d->md5) {
        av_md5_init(d->md5);
        return 0;
    }
    picture_digest_close(out);
    return error_set(e, ENOMEM, "md5: no memory");
}

void picture_digest_close(struct picture_digest **out)
{
    if (!*out)
        return;
    av_freep(&(*out)->md5);
    free(*out);
    *out = NULL;
}

void picture_digest_add(struct picture_digest *d, const struct frame *f, int64_t frame)
{
    uint8_t number[8];
    if (!d)
        return;
    AV_WL64(number, frame);
    av_md5_update(d->md5, number, sizeof number);
    for (int plane = 0; plane < 3; plane++) {
        int width = plane ? (f->width_px + 1) / 2 : f->width_px;
        int height = plane ? (f->height_px + 1) / 2 : f->height_px;
        for (int y = 0; y < height; y++)
            av_md5_update(d->md5, f->planes[plane] + (int64_t)y * f->strides[plane], (size_t)width);
    }
    d->pictures++;
}

void picture_digest_end(struct picture_digest **out)
{
    uint8_t bytes[16];
    if (!*out)
        return;
    av_md5_final((*out)->md5, bytes);
    printf("md5 pictures=");
    for (int i = 0; i < 16; i++)
        printf("%02x", bytes[i]);
    printf(" frames=%" PRId64 "\n", (*out)->pictures);
    if (fflush(stdout) != 0)
        log_warn("md5", "cannot write the digest of the pictures to standard output");
    picture_digest_close(out);
}
