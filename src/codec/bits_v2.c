#define TN_ISA v2
#include "codec/bits_isa.inc.h"
