#define TN_ISA v2
#include "kernel/arithmetic_isa.inc.h"
