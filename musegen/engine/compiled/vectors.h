/* Vectors of 16 floats in GCC's and clang's own C, and what is done element by element. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { LANES = 16 };
typedef float Floats __attribute__((vector_size(64), aligned(4), may_alias));
typedef int32_t Ints __attribute__((vector_size(64), aligned(4), may_alias));
typedef uint16_t Shorts __attribute__((vector_size(32), aligned(2), may_alias));
typedef int8_t Bytes __attribute__((vector_size(16), aligned(1), may_alias));

#define EACH(i, n) for (int i = 0; i < (n); i++)
#define AT(p) (*(Floats *)(p))
#define READ(p) (*(const Floats *)(p))

static inline Floats all(float x) { return x - (Floats){}; }
static inline Floats larger(Floats a, Floats b) {
    Ints take = a > b;
    return (Floats)(((Ints)a & take) | ((Ints)b & ~take));
}
static inline float sum(Floats v) { float s = 0; EACH(i, LANES) s += v[i]; return s; }
static inline float largest(Floats v) { float s = v[0]; EACH(i, LANES) s = v[i] > s ? v[i] : s; return s; }

static inline void add(float *to, const float *what, int width) {
    for (int i = 0; i < width; i += LANES) AT(to + i) += READ(what + i);
}
static inline void add_times(float *to, const float *what, float by, int width) {
    for (int i = 0; i < width; i += LANES) AT(to + i) += READ(what + i) * by;
}
static void norm(const float *x, const float *weight, int width, float *y) {
    Floats squares = {};
    for (int i = 0; i < width; i += LANES) squares += READ(x + i) * READ(x + i);
    float scale = 1 / sqrtf(sum(squares) / width + 1e-5f);
    for (int i = 0; i < width; i += LANES) AT(y + i) = READ(x + i) * scale * READ(weight + i);
}
static void square_positive(float *x, int width) {
    for (int i = 0; i < width; i += LANES) { Floats v = larger(READ(x + i), (Floats){}); AT(x + i) = v * v; }
}
/* e to the x, x in -87 ... 0: 2^n by its bits, the rest a polynomial (Cephes' expf). */
static inline Floats exponential(Floats x) {
    x = larger(x, all(-87));
    Floats n = (x * 1.44269504f + 12582912.f) - 12582912.f;
    Floats r = x - n * 0.693359375f + n * 2.12194440e-4f;
    Floats p = ((r * 1.9875691e-4f + 1.3981999e-3f) * r + 8.3334519e-3f) * r + 4.1665796e-2f;
    p = (p * r + 1.6666665e-1f) * r + .5f;
    return (p * r * r + r + 1.f) * (Floats)((__builtin_convertvector(n, Ints) + 127) << 23);
}

/* Sixteen numbers of bfloat16, and one of them. */
static inline Floats widened(const uint16_t *x) {
#if defined(__AVX512F__)
    return (Floats)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)x)), 16);
#elif defined(__AVX2__)
    union { __m256i half[2]; Floats all; } w;
    EACH(h, 2) w.half[h] = _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)x + h)), 16);
    return w.all;
#else
    return (Floats)(__builtin_convertvector(*(const Shorts *)x, Ints) << 16);
#endif
}
static inline uint16_t narrowed(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}
