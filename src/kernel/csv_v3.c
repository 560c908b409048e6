#define TN_ISA v3
#include "kernel/csv_isa.inc.h"
