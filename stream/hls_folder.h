/*
 * hls_folder - removes what an earlier show has left in the folder of an HLS output.
 *
 * The muxer removes the segments that leave its playlist, but not those that had left the playlist of the show before,
 * nor any when the show was killed. Only regular files whose whole name is the playlist's name, digits and ".ts" (or
 * ".ts.tmp", half a segment) ever go, never a link.
 */
#ifndef STREAM_HLS_FOLDER_H
#define STREAM_HLS_FOLDER_H

#include <stdint.h>

/* Removes segments that were written longer ago than `age_s`, and the playlist when it was: it names them. Returns how
 * many segments. */
int hls_folder_tidy(const char *dir, const char *playlist, int64_t age_s);

#endif
