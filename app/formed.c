/*
 * formed - see formed.h.
 */
#include "app/formed.h"

static const double least_s = 15;           /* nothing goes before */
static const double sure = 0.5, sure_s = 8; /* seen so surely for so long: it has formed */
static const double gain = 0.02, stalled_s = 25;

bool formed_look(struct formed *f, int64_t request_id, double share, double now_s)
{
    if (f->request_id != request_id)
        *f = (struct formed){
            .request_id = request_id, .since_s = now_s, .gained_s = now_s, .sure_since_s = -1};
    if (share > f->best + gain) {
        f->best = share;
        f->gained_s = now_s;
    }
    if (share < sure)
        f->sure_since_s = -1;
    else if (f->sure_since_s < 0)
        f->sure_since_s = now_s;
    if (now_s - f->since_s < least_s)
        return false;
    return (f->sure_since_s >= 0 && now_s - f->sure_since_s >= sure_s) || now_s - f->gained_s >= stalled_s;
}
