/* random.h - unpredictable bytes from the kernel, for names and ids.  From any thread. */
#ifndef TN_OS_RANDOM_H
#define TN_OS_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void tn_random_bytes(void *out, size_t size);
uint64_t tn_random_u64(void);

/* A random UUID (version 4) as 36 characters and a zero. */
enum { TN_UUID_SIZE = 37 };
void tn_random_uuid(char out[TN_UUID_SIZE]);

#endif
