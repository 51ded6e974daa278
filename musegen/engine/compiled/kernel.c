/* A stream's note in as few passes over the weights as it takes: the networks of models/notes.py and
 * models/transformer.py with 8-bit matrices, and the choice of a value. Knows no file, and keeps nothing between calls
 * but what it is handed.
 *
 * n rows at once never hear each other: each is rounded and summed by itself, so a row's result does not hang on n.
 * Widths must be multiples of 16 (`fits` in engine.py). library.py calls what is not static.
 */
#include "vectors.h"
#include "matrices.h"
#include "notes.h"
#include "past.h"
#include "choice.h"

/* Whether this machine has the instructions that this was compiled for. */
int32_t musegen_runs_here(void) {
#if defined(__AVX512VNNI__)
    return __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw");
#elif defined(__AVXVNNI__)
    return __builtin_cpu_supports("avxvnni") && __builtin_cpu_supports("fma");
#else
    return 1;
#endif
}
