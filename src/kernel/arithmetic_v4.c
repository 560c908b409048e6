#define TN_ISA v4
#include "kernel/arithmetic_isa.inc.h"
