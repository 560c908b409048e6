#define TN_ISA v2
#include "kernel/sieve_isa.inc.h"
