/*
 * gallery_parts - what the files of the gallery share. Inside app/gallery*.c only, on the gallery's thread.
 */
#ifndef APP_GALLERY_PARTS_H
#define APP_GALLERY_PARTS_H

#include "app/gallery.h"
#include "stream/animation.h"
#include "stream/loop.h"

/* ---- gallery_take.c: what is taken of the dream that is on ---- */

enum { TAKE_BELIEFS = 16 };

struct take {
    int64_t id; /* of the wish; 0: nobody's */
    int64_t began_us;
    double belief; /* of `best`; < 0: it is only the last one */
    int64_t best_us;
    bool has_best;
    struct frame best; /* over `pixels` */
    uint8_t *pixels;
    struct loop *loop;
    struct loop_film *film; /* around the best moment; NULL: not yet */
    struct {
        double belief;
        int64_t due_us; /* when the pixels have come to it */
    } beliefs[TAKE_BELIEFS];
    int belief_count;
};

/* 0 or -ENOMEM. */
int take_open(struct take *t, int width_px, int height_px);
void take_close(struct take *t);
void take_begin(struct take *t, int64_t id, int64_t now_us);
/* A frame of the dream that is on, and what the dream says of itself. */
void take_frame(struct take *t, const struct frame *f, const struct port_state *state, int64_t now_us);

/* ---- gallery_film.c: a loop on its way to its file, some pictures at a time ---- */

struct film {
    int64_t id; /* 0: none */
    struct loop_film *loop;
    struct animation *animation;
    uint8_t *rgb; /* [height][width][3] of one picture */
    int next, count;
};

/* Takes `loop` over. 0 or -errno. */
int film_begin(struct film *f, int64_t id, struct loop_film *loop, enum gallery_loop kind, struct error *e);
/* `count` pictures more. 1: there is more to do; 0: it is whole, *data is the caller's; -errno. */
int film_step(struct film *f, int count, uint8_t **data, size_t *bytes, struct error *e);
void film_close(struct film *f); /* also one that never began */

/* ---- gallery_files.c: names and what lies in the folder ---- */

enum { GALLERY_PATH_BYTES = OPTION_STRING_BYTES + 64, GALLERY_FILE_MAX = 4 << 20, GALLERY_NAME_BYTES = 48 };

struct gallery_name {
    char run[CREDITS_RUN_BYTES];
    int64_t id;
    const char *ending; /* "jpg", "mp4", "webp"; static */
};
/* False: it is no name of ours. */
bool gallery_name_parse(const char *text, struct gallery_name *n);
void gallery_path(const char *dir, const char *run, int64_t id, const char *ending,
                  char out[GALLERY_PATH_BYTES]);
int gallery_read(const char *dir, const struct gallery_name *n, uint8_t **bytes,
                 size_t *size); /* 0, -errno */

void gallery_load(const char *dir, struct credits *book);
int gallery_save(const char *dir, struct credits *book, struct error *e);
/* Files of wishes that the book has not, or has without files, go. */
void gallery_tidy(const char *dir, struct credits *book);
/* Lists and contact sheet of one show, as the book has it; those of a show without entries go. By `until_us` (real time) it is
 * done with what it has. 0 or -errno with a line. */
int gallery_write_credits(const char *dir, struct credits *book, const char *run, int64_t until_us,
                          struct error *e);

/* ---- gallery_sheet.c ---- */

/* The stills of these with names below, as JPEG: *data is the caller's. 0; -ENOENT: none has a still; -errno with a line. */
int gallery_sheet(const char *dir, const struct credit *list, int count, int64_t until_us, uint8_t **data,
                  size_t *bytes, struct error *e);

#endif
