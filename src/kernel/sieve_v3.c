#define TN_ISA v3
#include "kernel/sieve_isa.inc.h"
