/* The vectors of the standards, every length around a block, and each way of cutting the input. */
#include "base/digest.h"
#include "base/sort.h"
#include "support/check.h"

#include <stdlib.h>

static const char *sha(const char *text, size_t size)
{
    static char hex[65];
    uint8_t out[TN_SHA256_SIZE];
    tn_sha256_of((tn_str){text, size}, out);
    tn_hex(out, sizeof(out), hex);
    return hex;
}

static const char *md5(const char *text)
{
    static char hex[33];
    uint8_t out[TN_MD5_SIZE];
    tn_md5_of(tn_str_of(text), out);
    tn_hex(out, sizeof(out), hex);
    return hex;
}

TEST(sha256_gives_the_standards_answers)
{
    CHECK_STR(sha("", 0), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK_STR(sha("abc", 3), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK_STR(sha("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    tn_sha256 state;
    uint8_t out[TN_SHA256_SIZE];
    char hex[65];
    char block[1000];
    memset(block, 'a', sizeof(block));
    tn_sha256_init(&state);
    for (int i = 0; i < 1000; i++) {
        tn_sha256_add(&state, block, sizeof(block));
    }
    tn_sha256_end(&state, out);
    tn_hex(out, sizeof(out), hex);
    CHECK_STR(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(md5_gives_the_standards_answers)
{
    CHECK_STR(md5(""), "d41d8cd98f00b204e9800998ecf8427e");
    CHECK_STR(md5("abc"), "900150983cd24fb0d6963f7d28e17f72");
    CHECK_STR(
        md5("12345678901234567890123456789012345678901234567890123456789012345678901234567890"),
        "57edf4a22be3c955ac49da2e2107b67a");
}

TEST(digests_do_not_care_how_the_input_is_cut)
{
    char bytes[300];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (char)(i * 7);
    }
    for (size_t size = 0; size < sizeof(bytes); size++) {
        uint8_t whole[TN_SHA256_SIZE];
        uint8_t whole5[TN_MD5_SIZE];
        tn_sha256_of((tn_str){bytes, size}, whole);
        tn_md5_of((tn_str){bytes, size}, whole5);
        for (size_t step = 1; step < 70; step += 13) {
            tn_sha256 a;
            tn_md5 b;
            uint8_t out[TN_SHA256_SIZE];
            tn_sha256_init(&a);
            tn_md5_init(&b);
            for (size_t at = 0; at < size; at += step) {
                const size_t part = size - at < step ? size - at : step;
                tn_sha256_add(&a, bytes + at, part);
                tn_md5_add(&b, bytes + at, part);
            }
            tn_sha256_end(&a, out);
            CHECK(memcmp(out, whole, sizeof(whole)) == 0);
            tn_md5_end(&b, out);
            CHECK(memcmp(out, whole5, sizeof(whole5)) == 0);
        }
    }
}

TEST(hmac_gives_the_answers_of_rfc_4231)
{
    uint8_t out[TN_SHA256_SIZE];
    char hex[65];
    char key[131];
    tn_hmac_sha256(TN_STR("Jefe"), TN_STR("what do ya want for nothing?"), out);
    tn_hex(out, sizeof(out), hex);
    CHECK_STR(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof(key));
    tn_hmac_sha256((tn_str){key, sizeof(key)},
                   TN_STR("Test Using Larger Than Block-Size Key - Hash Key First"), out);
    tn_hex(out, sizeof(out), hex);
    CHECK_STR(hex, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(base64_and_hex_read_as_the_rfcs_say)
{
    static const char *const want[] = {"",         "Zg==",     "Zm8=",    "Zm9v",
                                       "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    char out[16];
    uint8_t back[3];
    for (size_t size = 0; size < 7; size++) {
        tn_base64((const uint8_t *)"foobar", size, out);
        CHECK_STR(out, want[size]);
    }
    CHECK(tn_hex_parse(TN_STR("00ffA9"), back, 3) && back[1] == 255 && back[2] == 0xA9);
    CHECK(!tn_hex_parse(TN_STR("00ffg9"), back, 3) && !tn_hex_parse(TN_STR("00f"), back, 2));
}

static int compare_ints(const void *a, const void *b, void *context)
{
    int x;
    int y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    ++*(int *)context;
    return (x > y) - (x < y);
}

TEST(sorts_in_place)
{
    for (size_t count = 0; count < 60; count++) {
        int items[60];
        int calls = 0;
        for (size_t i = 0; i < count; i++) {
            items[i] = (int)(i * 37 % 17);
        }
        tn_sort(items, count, sizeof(int), compare_ints, &calls);
        for (size_t i = 1; i < count; i++) {
            CHECK(items[i - 1] <= items[i]);
        }
    }
}
