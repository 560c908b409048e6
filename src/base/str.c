#include "base/str.h"

enum { DISTANCE_SIZE_MAX = 64 };

bool tn_str_equal_fold(tn_str a, tn_str b)
{
    if (a.size != b.size) {
        return false;
    }
    for (size_t i = 0; i < a.size; i++) {
        if (tn_ascii_lower(a.data[i]) != tn_ascii_lower(b.data[i])) {
            return false;
        }
    }
    return true;
}

bool tn_str_starts(tn_str str, tn_str prefix)
{
    return str.size >= prefix.size &&
           (prefix.size == 0 || memcmp(str.data, prefix.data, prefix.size) == 0);
}

bool tn_str_ends(tn_str str, tn_str suffix)
{
    return str.size >= suffix.size && (suffix.size == 0 || memcmp(str.data + str.size - suffix.size,
                                                                  suffix.data, suffix.size) == 0);
}

bool tn_str_has_ending(tn_str name, tn_str ending)
{
    return name.size > ending.size &&
           tn_str_equal_fold(tn_str_slice(name, name.size - ending.size, name.size), ending);
}

int tn_str_compare(tn_str a, tn_str b)
{
    const size_t shared = a.size < b.size ? a.size : b.size;
    const int order = shared == 0 ? 0 : memcmp(a.data, b.data, shared);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

size_t tn_str_find(tn_str str, char c)
{
    const char *at = str.size == 0 ? NULL : memchr(str.data, c, str.size);
    return at == NULL ? SIZE_MAX : (size_t)(at - str.data);
}

size_t tn_str_find_last(tn_str str, char c)
{
    size_t i = str.size;
    while (i > 0 && str.data[i - 1] != c) {
        i--;
    }
    return i == 0 ? SIZE_MAX : i - 1;
}

size_t tn_str_distance(tn_str a, tn_str b)
{
    size_t row[DISTANCE_SIZE_MAX + 1];

    if (a.size > DISTANCE_SIZE_MAX || b.size > DISTANCE_SIZE_MAX) {
        return SIZE_MAX;
    }
    for (size_t j = 0; j <= b.size; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a.size; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.size; j++) {
            const bool differs = tn_ascii_lower(a.data[i - 1]) != tn_ascii_lower(b.data[j - 1]);
            const size_t changed = diagonal + differs;
            const size_t moved = 1 + (row[j] < row[j - 1] ? row[j] : row[j - 1]);
            diagonal = row[j];
            row[j] = changed < moved ? changed : moved;
        }
    }
    return row[b.size];
}

tn_str tn_str_nearest(tn_str name, const tn_str *names, size_t count)
{
    tn_str nearest = TN_STR_NONE;
    size_t least = 2 + name.size / 3;

    for (size_t i = 0; i < count; i++) {
        const size_t distance = tn_str_distance(name, names[i]);
        if (distance < least) {
            least = distance;
            nearest = names[i];
        }
    }
    return nearest;
}
