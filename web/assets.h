/*
 * assets - the files of the page, linked into the program (embedded.S). There is no other file that a request could
 * name.
 */
#ifndef WEB_ASSETS_H
#define WEB_ASSETS_H

extern const unsigned char asset_page_html[], asset_page_html_end[];
extern const unsigned char asset_page_css[], asset_page_css_end[];
extern const unsigned char asset_page_js[], asset_page_js_end[];
extern const unsigned char asset_preview_js[], asset_preview_js_end[];
extern const unsigned char asset_icon_svg[], asset_icon_svg_end[];
extern const unsigned char asset_openapi_json[], asset_openapi_json_end[];

#endif
