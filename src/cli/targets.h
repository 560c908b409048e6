/* targets.h - where the files that cp copies go, and which it refuses: a key is an outside byte,
 * and what stands in it must not choose a file outside of the target, nor one that another key has.
 */
#ifndef TARN_CLI_TARGETS_H
#define TARN_CLI_TARGETS_H

#include "commands.h"

typedef struct names {
    char *text; /* each with a zero behind it */
    size_t size, count;
    bool folders; /* folders among them are passed over: said in the end */
    bool failed;
} names;

bool ends_with_slash(const char *text);

/* As a listing writes it: a path of file:///a%20b, s3:// of s3a:// and s3n://.  Of tarn_text. */
char *plain_uri(const char *uri);

/* Adds the target of each name of `from` from `first` on, which is at `file`: below `target` by
 * what stands behind `source`, both plain.  `into`: the target is a folder.  Exit code, or -1. */
int add_targets(const invocation *in, const names *from, size_t first, const char *file,
                const char *source, const char *target, bool into, names *targets);

/* Two sources that would go to one target are refused.  Exit code, or -1. */
int refuse_clashes(const invocation *in, const names *from, const names *targets);

#endif
