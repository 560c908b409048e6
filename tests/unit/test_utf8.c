/* UTF-8: what is valid, and walking it. */
#include "base/utf8.h"
#include "support/check.h"

#include <stdio.h>

TEST(every_code_point_is_valid_and_reads_back)
{
    for (uint32_t point = 0; point < 0x110000; point++) {
        char text[TN_UTF8_MAX];
        size_t at = 0;
        const size_t size = tn_utf8_encode(point, text);
        const bool surrogate = point >= 0xd800 && point < 0xe000;
        CHECK_EQ(tn_utf8_check(text, size), size);
        CHECK_EQ(tn_utf8_next(text, size, &at), surrogate ? TN_UTF8_REPLACEMENT : point);
        CHECK_EQ(at, size);
        for (size_t cut = 1; cut < size; cut++) {
            CHECK_EQ(tn_utf8_check(text, cut), 0);
        }
    }
}

TEST(what_is_no_utf8_is_found_where_it_begins)
{
    static const char *const bad[] = {"\x80",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xe0\x80\x80",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xf0\x80\x80\x80",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "\xc3\x28",
                                      "\xe2\x28\xa1",
                                      "\xe2\x82\x28",
                                      "\xf0\x90\x28\xbc"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        for (size_t before = 0; before < 40; before++) {
            char text[64];
            memset(text, 'a', sizeof(text));
            memcpy(text + before, bad[i], strlen(bad[i]));
            CHECK_EQ(tn_utf8_check(text, sizeof(text)), before);
            CHECK_EQ(tn_utf8_check(text, before + strlen(bad[i])), before);
            size_t at = before; /* walking stays inside and ends */
            while (at < sizeof(text)) {
                (void)tn_utf8_next(text, sizeof(text), &at);
            }
            CHECK_EQ(at, sizeof(text));
        }
    }
}

TEST(counts_and_skips_code_points)
{
    const char *text = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z";
    const size_t size = strlen(text);
    static const size_t starts[] = {0, 1, 3, 6, 10, 11, 11};
    CHECK_EQ(tn_utf8_length(text, size), 5);
    for (size_t i = 0; i < 7; i++) {
        CHECK_EQ(tn_utf8_skip(text, size, i), starts[i]);
    }
    CHECK(!tn_utf8_is_ascii(text, size));
    CHECK(tn_utf8_is_ascii("0123456789abcdef!", 17));
    CHECK(!tn_utf8_is_ascii("0123456789abcdef\x80", 17));
}

TEST(counts_code_points_of_any_length_like_one_by_one)
{
    char text[40];
    for (size_t size = 0; size <= sizeof(text); size++) {
        for (size_t seed = 0; seed < 64; seed++) {
            size_t expected = 0;
            for (size_t i = 0; i < size; i++) {
                const size_t bit = (i * 7 + seed * (i + 3)) % 5;
                text[i] = bit == 0 ? 'a' : bit == 1 ? '\xc3' : bit == 2 ? '\xff' : '\xa4';
                expected += bit <= 2;
            }
            CHECK_EQ(tn_utf8_length(text, size), expected);
        }
    }
}
