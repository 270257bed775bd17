/*
 * step - see step.h. Here is only what every backend needs computed alike.
 */
#include "engine/step.h"

#include <math.h>

struct classic_step image_classic_step(int moment)
{
    return (struct classic_step){.rate = 5,
                                 .first = (float)(1 / (1 - pow(0.1, moment))),
                                 .second = (float)(1 / (1 - pow(0.001, moment)))};
}
