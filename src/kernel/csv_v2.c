#define TN_ISA v2
#include "kernel/csv_isa.inc.h"
