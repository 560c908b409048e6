#define TN_ISA v3
#include "kernel/arithmetic_isa.inc.h"
