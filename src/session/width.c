/* What text takes on a terminal, by Unicode's widths. */
#include "session/render.h"

#include "base/utf8.h"

#include <utf8proc.h>

static size_t width_of(uint32_t point)
{
    if (point < 0x20 || point == 0x7f) {
        return 0;
    }
    const int width = utf8proc_charwidth((utf8proc_int32_t)point);
    return width > 0 ? (size_t)width : 0;
}

size_t tn_text_width(tn_str text)
{
    size_t width = 0;
    if (tn_utf8_is_ascii(text.data, text.size)) {
        return text.size;
    }
    for (size_t at = 0; at < text.size;) {
        width += width_of(tn_utf8_next(text.data, text.size, &at));
    }
    return width;
}

size_t tn_text_cut(tn_str text, size_t width)
{
    size_t at = 0;
    size_t used = 0;
    while (at < text.size) {
        size_t next = at;
        used += width_of(tn_utf8_next(text.data, text.size, &next));
        if (used > width) {
            break;
        }
        at = next;
    }
    return at;
}
