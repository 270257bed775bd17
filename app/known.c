/*
 * known - see known.h.
 */
#include "app/known.h"

int known_from_model(const struct model *m, struct synsets_known *known)
{
    int count = 0;
    *known = (struct synsets_known){{false}};
    for (int i = 0; m->wnids && i < m->classes; i++) { /* NULL: the file does not name its classes */
        int synset = synsets_by_wnid(m->wnids[i]);
        if (synset < 0 || known->known[synset])
            continue;
        known->known[synset] = true;
        count++;
    }
    return count;
}
