#define TN_ISA v4
#include "kernel/sieve_isa.inc.h"
