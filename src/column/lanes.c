#include "column/lanes.h"

size_t tn_lane_size(tn_lane lane)
{
#define SIZE(name, type) [TN_LANE_##name] = sizeof(type),
    static const uint8_t sizes[TN_LANE_ALL] = {TN_LANES(SIZE) TN_LANES_OTHER(SIZE)};
    return lane == TN_LANE_bool || lane == TN_LANE_none ? 0 : sizes[lane];
}

const char *tn_lane_text(tn_lane lane)
{
#define TEXT(name, type) [TN_LANE_##name] = #name,
    static const char *const texts[TN_LANE_ALL] = {TN_LANES(TEXT) TN_LANES_OTHER(TEXT)};
    return texts[lane];
}
