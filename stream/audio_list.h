/*
 * audio_list - what audio.source stands for: one file or address, a folder, or a playlist.
 *
 * A folder gives the sound files in it by name, not those in folders below; a playlist (.m3u, .m3u8) its lines, where a relative path begins at
 * the playlist. Both are read anew for each round, so files may come and go. A playlist of HLS is none of these: its
 * lines are parts of one stream, and libavformat reads it.
 */
#ifndef STREAM_AUDIO_LIST_H
#define STREAM_AUDIO_LIST_H

#include "common/error.h"

struct audio_list {
    char **sources;
    int count;
};

/* At least one source. 0, or -errno with a line; audio_list_free is fine then, too. */
int audio_list_read(struct audio_list *list, const char *source, struct error *e);
void audio_list_free(struct audio_list *list);

#endif
