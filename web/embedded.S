/*
 * embedded - see assets.h. Plain data: one text for every processor.
 */
/* Says that nothing in here hinders shadow stacks and checked jumps (CET): one object without the note takes them from
 * the whole program. */
#ifdef __CET__
#include <cet.h>
#endif

    .section .rodata

.macro asset name, path
    .globl asset_\name
asset_\name:
    .incbin "\path"
    .globl asset_\name\()_end
asset_\name\()_end:
    .byte 0
.endm

    asset page_html, "web/page.html"
    asset page_css, "web/page.css"
    asset page_js, "web/page.js"
    asset preview_js, "web/preview.js"
    asset icon_svg, "web/icon.svg"
    asset openapi_json, "web/openapi.json"

    .section .note.GNU-stack, "", %progbits
