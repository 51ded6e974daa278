/* Products with matrices of 8-bit numbers, each 64 of them along the inputs sharing a scale. What they multiply is
 * rounded to 8 bits in the same blocks; whole numbers are summed exactly. */
enum { BLOCK = 64, TILE = 4 };
/* numbers [out / 16][in / 4][16][4], each 128 more than it is; scales [out / 16][in / 64][16]; bias [out] or none */
typedef struct { const uint8_t *numbers; const float *scales, *bias; int32_t out, in; } Matrix;

static inline Ints dot(Ints total, const uint8_t *numbers, const int8_t *four) {
    int32_t word;
    memcpy(&word, four, 4);
#if defined(__AVX512VNNI__)
    return (Ints)_mm512_dpbusd_epi32((__m512i)total, _mm512_loadu_si512(numbers), _mm512_set1_epi32(word));
#elif defined(__AVXVNNI__)
    union { Ints all; __m256i half[2]; } t = {total};
    const __m256i *from = (const __m256i *)numbers;
    EACH(h, 2) t.half[h] = _mm256_dpbusd_avx_epi32(t.half[h], _mm256_loadu_si256(from + h), _mm256_set1_epi32(word));
    return t.all;
#else
    EACH(o, LANES) EACH(j, 4) total[o] += numbers[4 * o + j] * four[j];
    return total;
#endif
}
typedef struct { int8_t *numbers; float *scales; int32_t *sums; } Rounded;

static void round_to_bytes(const float *x, int in, Rounded to) {
    EACH(b, (in + BLOCK - 1) / BLOCK) {
        Floats part[4], most = {};
        EACH(j, 4) {
            int i = b * BLOCK + j * LANES;
            part[j] = i < in ? READ(x + i) : (Floats){};
            most = larger(most, (Floats)((Ints)part[j] & 0x7fffffff));
        }
        float top = largest(most), by = top > 0 ? 127 / top : 0;
        Ints total = {};
        EACH(j, 4) {
            Ints whole = (Ints)(part[j] * by + 12582912.f) - 0x4b400000;
            total += whole;
            *(Bytes *)(to.numbers + b * BLOCK + j * LANES) = __builtin_convertvector(whole, Bytes);
        }
        int32_t s = 0;
        EACH(i, LANES) s += total[i];
        to.scales[b] = top / 127;
        to.sums[b] = 128 * s;
    }
}
/* Sixteen outputs of `rows` rows; always inlined, so that `rows` is known and the sums stay in registers. */
static inline __attribute__((always_inline)) void
tile(const Matrix *m, int group, const Rounded *x, int rows, float *y, int stride) {
    int blocks = (m->in + BLOCK - 1) / BLOCK;
    const uint8_t *numbers = m->numbers + (size_t)group * blocks * BLOCK * LANES;
    const float *scales = m->scales + (size_t)group * blocks * LANES;
    Floats totals[TILE];
    EACH(r, rows) totals[r] = m->bias ? READ(m->bias + group * LANES) : (Floats){};
    for (int b = 0; b < blocks; b++, numbers += BLOCK * LANES, scales += LANES) {
        Ints even[TILE] = {}, odd[TILE] = {};
#pragma GCC unroll 8
        EACH(k, BLOCK / 8) EACH(r, rows) {
            even[r] = dot(even[r], numbers + 2 * k * 64, x[r].numbers + b * BLOCK + 8 * k);
            odd[r] = dot(odd[r], numbers + 2 * k * 64 + 64, x[r].numbers + b * BLOCK + 8 * k + 4);
        }
        EACH(r, rows) {
            Floats found = __builtin_convertvector(even[r] + odd[r] - x[r].sums[b], Floats);
            totals[r] += found * (READ(scales) * x[r].scales[b]);
        }
    }
    EACH(r, rows) AT(y + (size_t)r * stride + group * LANES) = totals[r];
}
/* y (n, stride) = x (n, from) times m; stride is at least m->out, filled up to 16. */
static void multiply(const Matrix *m, const float *x, int n, int from, float *y, int stride) {
    int blocks = (m->in + BLOCK - 1) / BLOCK, groups = (m->out + LANES - 1) / LANES;
    int8_t numbers[TILE][blocks * BLOCK];
    float scales[TILE][blocks];
    int32_t sums[TILE][blocks];
    for (int first = 0; first < n; first += TILE) {
        int rows = n - first < TILE ? n - first : TILE;
        Rounded in[TILE];
        EACH(r, rows) {
            in[r] = (Rounded){numbers[r], scales[r], sums[r]};
            round_to_bytes(x + (size_t)(first + r) * from, m->in, in[r]);
        }
        float *to = y + (size_t)first * stride;
        if (rows == TILE) EACH(g, groups) tile(m, g, in, TILE, to, stride);
        else EACH(r, rows) EACH(g, groups) tile(m, g, in + r, 1, to + (size_t)r * stride, stride);
    }
}

/* Numbers and scales of a matrix (out, in) as `Matrix` has them, filled up with zeros. */
void musegen_pack(const float *weight, int32_t out, int32_t in, uint8_t *numbers, float *scales) {
    int blocks = (in + BLOCK - 1) / BLOCK, groups = (out + LANES - 1) / LANES;
    EACH(group, groups) EACH(b, blocks) EACH(lane, LANES) {
        int row = group * LANES + lane, count = in - b * BLOCK < BLOCK ? in - b * BLOCK : BLOCK;
        const float *from = weight + (size_t)row * in + b * BLOCK;
        size_t place = (size_t)group * blocks + b;
        float top = 0;
        if (row >= out) count = 0;
        EACH(i, count) top = fabsf(from[i]) > top ? fabsf(from[i]) : top;
        scales[place * LANES + lane] = top / 127;
        EACH(i, BLOCK) {
            float x = i < count && top > 0 ? from[i] / (top / 127) : 0;
            numbers[place * BLOCK * LANES + (size_t)(i / 4 * LANES + lane) * 4 + i % 4] = 128 + (int)rintf(x);
        }
    }
}
