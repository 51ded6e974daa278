/* A row, its moment and the note head, as models/notes.py has them; what a model is. */
enum { SHIFT = 0, INSTRUMENT = 1, PITCH = 2, VELOCITY = 3, DURATION = 4 };
enum { PITCHES = 128, SAME = 127, NO_INTERVAL = 255, CLASSES = 12 };
typedef struct { const float *norm_attention, *norm_network; Matrix qkv, join, widen, narrow; } Block;
typedef struct {
    int32_t width, layers, heads, slot_width, pairs, order[5];
    int32_t row, time, bar, meter, style, last, key, recent, recent_count, slots, slot_count, instruments; /* columns */
    const double *rates; /* [3][pairs] */
    const float *embed[5], *embed_interval, *embed_norm;
    const float *slot[3], *moment_key, *moment_bar, *moment_meter, *moment_style;
    const float *drawn[4], *head_last[3], *harmony, *head_key, *head_norm[5], *norm;
    Matrix slots_out, hidden[5], out[5], before;
    const Block *blocks;
} Model;

static inline int interval(int pitch, int last) {
    return pitch < PITCHES && last < PITCHES ? pitch - last + SAME : NO_INTERVAL;
}
/* The key's shares, counted from `from`, times a table (12, width). */
static void add_key(const Model *m, const int32_t *row, const float *table, int from, float *to) {
    int total = 1;
    EACH(i, CLASSES) total += row[m->key + i];
    EACH(i, CLASSES) {
        int count = row[m->key + (from + i) % CLASSES];
        if (count) add_times(to, table + i * m->width, (float)count / total, m->width);
    }
}
/* rows (n, m->row) -> out (n, width) */
void musegen_situation(const Model *m, const int32_t *rows, int32_t n, float *out) {
    int wide = m->slot_width, width = m->width;
    float heard[wide];
    for (int r = 0; r < n; r++, rows += m->row, out += width) {
        memset(heard, 0, sizeof heard);
        EACH(s, m->slot_count) {
            const int32_t *each = rows + m->slots + 3 * s;
            const float *a = m->slot[0] + (size_t)each[0] * wide, *b = m->slot[1] + (size_t)each[1] * wide;
            const float *c = m->slot[2] + (size_t)each[2] * wide;
            for (int i = 0; i < wide; i += LANES)
                AT(heard + i) += larger(READ(a + i) + READ(b + i) + READ(c + i), (Floats){});
        }
        multiply(&m->slots_out, heard, 1, wide, out, width);
        add_key(m, rows, m->moment_key, 0, out);
        add(out, m->moment_style + (size_t)rows[m->style] * width, width);
        if (!m->moment_bar) continue;
        add(out, m->moment_bar + (size_t)rows[m->bar] * width, width);
        add(out, m->moment_meter + (size_t)rows[m->meter] * width, width);
    }
}
static void add_what_is_drawn(const Model *m, int attribute, const int32_t *row, float *total) {
    int width = m->width, last = row[m->last];
    for (int i = 0; m->order[i] != attribute; i++)
        add(total, m->drawn[i] + (size_t)row[m->order[i]] * width, width);
    if (attribute < PITCH) return;
    add(total, m->head_last[0] + (size_t)last * width, width);
    if (attribute > PITCH) {
        int i = attribute - PITCH;
        add(total, m->head_last[i] + (size_t)row[m->last + i] * width, width);
        return;
    }
    add_key(m, row, m->head_key, last < PITCHES ? last : 0, total);
    EACH(s, m->slot_count) add(total, m->harmony + (size_t)interval(row[m->slots + 3 * s + 1], last) * width, width);
}
/* context (n, width), rows (n, m->row), situation (n, width) or none -> out (n, outputs) */
void musegen_logits(const Model *m, int32_t attribute, const float *context, const int32_t *rows,
                    const float *situation, int32_t n, int32_t outputs, float *out) {
    int width = m->width, hide = m->hidden[attribute].out, stride = (m->out[attribute].out + LANES - 1) / LANES * LANES;
    float *total = malloc(sizeof(float) * n * (size_t)(width + hide + stride));
    float *hidden = total + (size_t)n * width, *found = hidden + (size_t)n * hide;
    EACH(r, n) {
        float *t = total + (size_t)r * width;
        memcpy(t, context + (size_t)r * width, sizeof(float) * width);
        if (attribute != SHIFT) {
            if (situation) add(t, situation + (size_t)r * width, width);
            add_what_is_drawn(m, attribute, rows + (size_t)r * m->row, t);
        }
        norm(t, m->head_norm[attribute], width, t);
    }
    multiply(&m->hidden[attribute], total, n, width, hidden, hide);
    square_positive(hidden, n * hide);
    multiply(&m->out[attribute], hidden, n, hide, found, stride);
    for (int r = 0; r < n; r++, found += stride, out += outputs, rows += m->row) {
        memcpy(out, found, sizeof(float) * outputs);
        const float *also = found + outputs; /* what the second table of the attribute says */
        if (attribute == INSTRUMENT)
            EACH(i, m->recent_count) {
                int heard = rows[m->recent + i];
                if (heard < m->instruments) out[heard] += also[i];
            }
        else if (attribute == PITCH && rows[m->last] < PITCHES)
            EACH(p, PITCHES) out[p] += also[p - rows[m->last] + SAME];
    }
    free(total);
}

static void embed(const Model *m, const int32_t *row, const float *situation, float *x) {
    int width = m->width;
    memcpy(x, situation, sizeof(float) * width);
    add(x, m->embed_interval + (size_t)interval(row[PITCH], row[m->last]) * width, width);
    EACH(i, 5) add(x, m->embed[i] + (size_t)row[i] * width, width);
    norm(x, m->embed_norm, width, x);
}
