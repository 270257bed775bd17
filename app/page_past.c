/*
 * page_past - what was dreamed before: the page keeps it in memory, the record for the next show.
 */
#include "app/gallery.h"
#include "app/page_parts.h"

#include "common/log.h"

enum { RECALLED_MAX = 100, FORGOTTEN_MAX = 32 };

static void recall(void *context, const struct store_row *row)
{
    struct page *p = context;
    struct web_memory m = {.ended_s = (row->at_ms + row->on_ms) / 1000,
                           .on_s = (double)row->on_ms / 1000,
                           .seen = row->seen,
                           .jpeg = row->jpeg,
                           .jpeg_bytes = row->jpeg_bytes};
    for (int i = 0; i < row->request.count; i++)
        if (row->request.synset[i] < 0)
            return;
    page_describe(p, &row->request, &m.dream);
    if (p->p.rules && rules_forbids_name(p->p.rules, m.dream.by))
        m.dream.by[0] = '\0';
    web_remember(p->web, &m);
}

/* Without its past the page is a page all the same. */
void page_recall(struct page *p)
{
    struct error e = {""};
    if (record_each_shown(p->p.record, RECALLED_MAX, recall, p, &e) < 0)
        log_warn("web", "%s; the page begins without what was dreamed before", e.text);
}

void page_dreamed(void *context, const struct web_memory *m)
{
    struct page *p = context;
    record_picture(p->p.record, m->dream.turn, m->seen, m->jpeg, m->jpeg_bytes);
}

int page_gallery(void *context, const char *name, uint8_t **bytes, size_t *size)
{
    const struct page *p = context;
    return gallery_file(p->p.gallery, name, bytes, size);
}

void page_forget(struct page *p)
{
    int64_t ids[FORGOTTEN_MAX];
    for (int n; (n = record_take_withdrawn(p->p.record, ids, FORGOTTEN_MAX)) > 0;)
        while (n-- > 0)
            web_forget(p->web, ids[n]);
}
