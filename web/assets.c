/*
 * assets - see assets.h: answers with the page and its files. The HTML carries the token of this start, which only
 * the page itself can read.
 */
#include "web/assets.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "web/site.h"

#define TOKEN_MARK "@CSRF@"

static const struct asset {
    const char *path, *type;
    const unsigned char *bytes, *end;
} assets[] = {
    {"/", "text/html; charset=utf-8", asset_page_html, asset_page_html_end},
    {"/page.css", "text/css; charset=utf-8", asset_page_css, asset_page_css_end},
    {"/page.js", "text/javascript; charset=utf-8", asset_page_js, asset_page_js_end},
    {"/preview.js", "text/javascript; charset=utf-8", asset_preview_js, asset_preview_js_end},
    {"/icon.svg", "image/svg+xml", asset_icon_svg, asset_icon_svg_end},
    {"/api/openapi.json", "application/json", asset_openapi_json, asset_openapi_json_end},
};

/* The HTML with the token in the place of its mark. */
static void fill_in(struct call *c, const char *html, size_t bytes)
{
    const char *mark = memmem(html, bytes, TOKEN_MARK, sizeof TOKEN_MARK - 1);
    size_t before = mark ? (size_t)(mark - html) : bytes, skipped = mark ? sizeof TOKEN_MARK - 1 : 0;
    c->answer->owned = xasprintf("%.*s%s%.*s", (int)before, html, mark ? c->web->csrf : "",
                                 (int)(bytes - before - skipped), html + before + skipped);
    c->answer->body_bytes = strlen(c->answer->owned);
}

bool site_get_asset(struct call *c)
{
    for (size_t i = 0; i < ARRAY_LEN(assets); i++) {
        const struct asset *a = &assets[i];
        if (strcmp(a->path, c->target.path) != 0)
            continue;
        c->answer->status = 200;
        c->answer->type = a->type;
        c->answer->body = a->bytes;
        c->answer->body_bytes = (size_t)(a->end - a->bytes);
        if (i == 0)
            fill_in(c, (const char *)a->bytes, c->answer->body_bytes);
        return true;
    }
    site_error(c, 404, "not_found", "there is no such page");
    return true;
}
