#define TN_ISA v3
#include "codec/bits_isa.inc.h"
