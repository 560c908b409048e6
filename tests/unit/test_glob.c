#include "support/check.h"
#include "table/listing/listing_internal.h"

TEST(stars_stay_in_their_folder_and_double_stars_do_not)
{
    static const struct {
        const char *pattern, *text;
        bool matches;
    } cases[] = {
        {"a/*.csv", "a/b.csv", true},
        {"a/*.csv", "a/b/c.csv", false},
        {"a/**/*.csv", "a/b/c.csv", true},
        {"a/**/*.csv", "a/c.csv", true},
        {"a/**", "a/b/c/d", true},
        {"*", "", true},
        {"?", "", false},
        {"a?c", "abc", true},
        {"a?c", "a/c", false},
        {"[a-c]x", "bx", true},
        {"[!a-c]x", "bx", false},
        {"[]]x", "]x", true},
        {"y=*/m=*/f", "y=1/m=2/f", true},
        {"*a*b*c", "xxaxxbxxbxxc", true},
        {"*a*b*c", "xxaxxcxx", false},
        {"**/x/*/z", "a/x/b/x/c/z", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (tn_glob_matches(tn_str_of(cases[i].pattern), tn_str_of(cases[i].text)) !=
            cases[i].matches) {
            test_fail(__FILE__, __LINE__, "%s against %s", cases[i].pattern, cases[i].text);
        }
    }
}
