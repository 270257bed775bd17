/*
 * libFuzzer over the names of a network's tensors: each line is a digit, which chooses a shape, and a name. They become
 * a file of weights, and a model if they can.
 */
#include "tests/fuzz/fuzz_weights.h"

enum { TENSORS_MAX = 200, DATA_BYTES = 4 * 27 };

static const struct {
    const char *shape;
    int bytes;
} shapes[] = {{"1,3,3,3", 108}, {"1", 4},   {"1,1", 4}, {"1,1,3,3", 36},
              {"2", 8},         {"2,1", 8}, {"", 4},    {"1,1,1,1", 4}};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size), *rest = text, *header = NULL;
    size_t header_bytes = 0;
    FILE *f = open_memstream(&header, &header_bytes);
    if (!f)
        abort();
    fputc('{', f);
    int count = 0;
    for (char *line; (line = strsep(&rest, "\n")) && count < TENSORS_MAX;) {
        int shape = line[0] & 7;
        if (!line[0] || strpbrk(line, "\"\\"))
            continue;
        fprintf(f, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[%d,%d]}", count ? "," : "",
                line + 1, shapes[shape].shape, count * DATA_BYTES, count * DATA_BYTES + shapes[shape].bytes);
        count++;
    }
    fputc('}', f);
    fclose(f);
    size_t all = 8 + header_bytes + (size_t)count * DATA_BYTES;
    uint8_t *file = xcalloc(1, all);
    for (int i = 0; i < 8; i++)
        file[i] = (uint8_t)(header_bytes >> (8 * i));
    if (header) /* there is none where no memory was to be had */
        memcpy(file + 8, header, header_bytes);
    fuzz_weights(file, all);
    free(file);
    free(header);
    free(text);
    return 0;
}
