/*
 * libFuzzer over captions: any bytes, cleaned as the overlay does it, laid out and painted. The first byte chooses the
 * style.
 */
#include "common/text.h"
#include "stream/caption_text.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct caption_text *t;
    struct error e = {""};
    char text[256];
    if (size < 1)
        return 0;
    if (!t)
        must(caption_text_open(&t, &e) == 0, "there is a font");
    const struct caption_style style = {.letter_px = 4 + (data[0] & 31),
                                        .width_max_px = 16 + (data[0] >> 2) * 10,
                                        .height_max_px = 90,
                                        .boxed = data[0] & 1};
    text_clean(text, sizeof text, (const char *)data + 1, size - 1);
    struct caption_image image = caption_text_render(t, &style, text);
    must(image.width_px >= 0 && image.width_px <= style.width_max_px, "it is no wider than it may be");
    must(image.width_px == 0 || (image.height_px >= 1 && image.height_px <= style.height_max_px),
         "nor higher");
    free(image.argb);
    return 0;
}
