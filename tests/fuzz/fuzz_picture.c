/*
 * libFuzzer over pictures: whatever the first bytes say it is (PNG, JPEG, WebP, GIF, BMP).
 */
#include <libavutil/log.h>
#include <math.h>

#include "stream/picture.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    float *rgb;
    int w = 0, h = 0;
    struct error e = {""};
    av_log_set_level(AV_LOG_QUIET);
    struct fuzz_file f = fuzz_file_open(data, size);
    if (picture_read(f.path, &rgb, &w, &h, &e) == 0) {
        must(w >= 1 && h >= 1 && w <= PICTURE_SIDE_MAX && h <= PICTURE_SIDE_MAX, "its size is bounded");
        for (size_t i = 0, n = 3 * (size_t)w * (size_t)h; i < n; i += n / 64 + 1)
            must(rgb[i] >= 0 && rgb[i] <= 255, "its values are");
    } else {
        must(!rgb && e.text[0], "what is refused is told");
    }
    free(rgb);
    fuzz_file_close(&f);
    return 0;
}
