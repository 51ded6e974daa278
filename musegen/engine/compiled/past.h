/* The past of a transformer, as models/transformer.py has it: attention over a cache in bfloat16. */
enum { SPAN = 4 * LANES }; /* rows of the cache that are looked at together */

/* Turn the pairs (i, i + half) of `heads` heads of x by the angles. */
static void rotate(float *x, int heads, int half, const float *cosine, const float *sine) {
    EACH(h, heads) EACH(i, half) {
        float *a = x + (size_t)h * 2 * half + i, first = a[0], second = a[half];
        a[0] = first * cosine[i] - second * sine[i];
        a[half] = second * cosine[i] + first * sine[i];
    }
}
/* One head of one row over the `held` rows of its cache -> out (own). */
static void attend(const float *q, const uint16_t *keys, const uint16_t *values, int held, int own, float *out) {
    int end = (held + SPAN - 1) / SPAN * SPAN;
    float scores[end], scale = 1 / sqrtf(own);
    Floats most = all(-INFINITY), total = {};
    for (int t = 0; t < end; t += SPAN) {
        Floats s[4] = {};
        for (int d = 0; d < own; d++, keys += SPAN) EACH(u, 4) s[u] += widened(keys + u * LANES) * q[d];
        EACH(u, 4) AT(scores + t + u * LANES) = s[u] * scale;
    }
    for (int t = held; t < end; t++) scores[t] = -INFINITY;
    for (int t = 0; t < end; t += LANES) most = larger(most, READ(scores + t));
    float top = largest(most);
    for (int t = 0; t < end; t += LANES) {
        Floats p = exponential(READ(scores + t) - top);
        AT(scores + t) = p;
        total += p;
    }
    float by = 1 / sum(total);
    for (int i = 0; i < own; i += LANES) {
        Floats even = {}, odd = {};
        for (int t = 0; t < held; t += 2) { /* the one after the last counts e^-87 */
            even += widened(values + (size_t)t * own + i) * scores[t];
            odd += widened(values + (size_t)(t + 1) * own + i) * scores[t + 1];
        }
        AT(out + i) = (even + odd) * by;
    }
}
/* In bfloat16: keys (layers, B, heads, size / 64, own, 64), values (layers, B, heads, size, own). */
typedef struct { uint16_t *keys, *values; int32_t batch, size; } Cache;

static void attend_all(const Model *m, int layer, const Cache *c, int slot, int length, float *qkv,
                       const float *cosine, float *out) {
    int width = m->width, own = width / m->heads, half = own / 2, n = c->batch * length;
    const float *sine = cosine + (size_t)n * half;
    size_t each = (size_t)own * c->size;
    EACH(r, n) {
        float *q = qkv + (size_t)r * 3 * width, *k = q + width, *v = k + width;
        int place = slot + r % length;
        rotate(q, 2 * m->heads, half, cosine + (size_t)r * half, sine + (size_t)r * half);
        EACH(h, m->heads) {
            size_t start = (((size_t)layer * c->batch + r / length) * m->heads + h) * each;
            uint16_t *key = c->keys + start + (size_t)(place / SPAN * own) * SPAN + place % SPAN;
            EACH(d, own) key[d * SPAN] = narrowed(k[h * own + d]);
            EACH(d, own) c->values[start + (size_t)place * own + d] = narrowed(v[h * own + d]);
            attend(q + h * own, c->keys + start, c->values + start, place + 1, own, out + (size_t)r * width + h * own);
        }
    }
}

/* Takes rows (B, length, m->row) into the cache from `slot` on, the music's row number `number`; before (B, width) is
 * the input before them and becomes the last of them. -> context (B, length, width) */
void musegen_step(const Model *m, const Cache *c, int32_t slot, int64_t number, int32_t length, const int32_t *rows,
                  const float *situation, float *before, float *context) {
    int width = m->width, half = m->pairs, n = c->batch * length;
    if (n == 0) return; /* a prompt of no rows has no last one */
    size_t row = sizeof(float) * width;
    float *x = malloc(n * (row * 10 + sizeof(float) * 2 * half));
    float *normed = x + (size_t)n * width, *attended = normed + (size_t)n * width;
    float *wide = attended + (size_t)n * width, *past = wide + (size_t)n * 4 * width, *more = past + (size_t)n * width;
    float *cosine = more + (size_t)n * 2 * width, *sine = cosine + (size_t)n * half;
    EACH(r, n) {
        const int32_t *own = rows + (size_t)r * m->row;
        int t = r % length;
        embed(m, own, situation + (size_t)r * width, x + (size_t)r * width);
        memcpy(past + (size_t)r * width, t ? x + (size_t)(r - 1) * width : before + (size_t)(r / length) * width, row);
        EACH(i, half) {
            const double *rate = m->rates + i;
            double angle = (number + t) * rate[0] + own[m->time] * rate[half] + own[PITCH] * rate[2 * half];
            cosine[(size_t)r * half + i] = (float)cos(angle);
            sine[(size_t)r * half + i] = (float)sin(angle);
        }
    }
    EACH(b, c->batch) memcpy(before + (size_t)b * width, x + ((size_t)(b + 1) * length - 1) * width, row);
    multiply(&m->before, past, n, width, more, width);
    add(x, more, n * width);
    EACH(layer, m->layers) {
        const Block *k = m->blocks + layer;
        EACH(r, n) norm(x + (size_t)r * width, k->norm_attention, width, normed + (size_t)r * width);
        multiply(&k->qkv, normed, n, width, wide, 3 * width);
        attend_all(m, layer, c, slot, length, wide, cosine, attended);
        multiply(&k->join, attended, n, width, more, width);
        add(x, more, n * width);
        EACH(r, n) norm(x + (size_t)r * width, k->norm_network, width, normed + (size_t)r * width);
        multiply(&k->widen, normed, n, width, wide, 4 * width);
        square_positive(wide, n * 4 * width);
        multiply(&k->narrow, wide, n, 4 * width, more, width);
        add(x, more, n * width);
    }
    EACH(r, n) norm(x + (size_t)r * width, m->norm, width, context + (size_t)r * width);
    free(x);
}
