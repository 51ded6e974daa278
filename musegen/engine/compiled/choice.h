/* One value out of a distribution, as sampling/sampler.py chooses it. */
typedef struct { double p; int32_t value; } Likely;

static int by_likelihood(const void *a, const void *b) {
    const Likely *x = a, *y = b;
    return x->p != y->p ? (x->p < y->p) - (x->p > y->p) : x->value - y->value;
}
/* Zero all but the fewest likeliest of p (count) that hold top_p of `total`, at most top_k; of equal ones the first. */
static void keep_likeliest(double *p, int count, double total, double top_p, int top_k) {
    Likely some[count];
    double least = (1 - top_p) * total / count, held = 0; /* all below it together hold less than 1 - top_p */
    int found = 0, kept = 0;
    EACH(i, count) if (p[i] > 0 && (p[i] >= least || top_k)) some[found++] = (Likely){p[i], i};
    qsort(some, found, sizeof *some, by_likelihood);
    memset(p, 0, sizeof(double) * count);
    for (; kept < found && held < top_p * total && (!top_k || kept < top_k); kept++) {
        p[some[kept].value] = some[kept].p;
        held += some[kept].p;
    }
}
/* One value of each of n rows of logits (n, count), by chance (n) in 0 ... 1. */
void musegen_choose(const float *logits, int32_t n, int32_t count, double temperature, double top_p, double min_p,
                    int32_t top_k, const double *chance, int64_t *out) {
    int padded = (count + LANES - 1) / LANES * LANES;
    float x[padded];
    double p[count];
    for (int r = 0; r < n; r++, logits += count) {
        int likeliest = 0;
        EACH(i, count) if (logits[i] > logits[likeliest]) likeliest = i;
        out[r] = likeliest;
        if (temperature == 0 || top_k == 1) continue;
        double total = 0, height = 0, kept = 0;
        float least = min_p > 0 ? log(min_p) : -87;
        EACH(i, padded) x[i] = i < count ? (logits[i] - logits[likeliest]) / temperature : -INFINITY;
        for (int i = 0; i < padded; i += LANES) {
            Ints some = READ(x + i) >= least;
            AT(x + i) = (Floats)((Ints)exponential(READ(x + i)) & some);
        }
        EACH(i, count) total += p[i] = x[i];
        if (1 / total >= top_p) continue;
        if (top_p < 1 || top_k) keep_likeliest(p, count, total, top_p, top_k);
        EACH(i, count) kept += p[i];
        double at = fmin(chance[r] * kept, nextafter(kept, 0));
        EACH(i, count) if ((height += p[i]) > at) { out[r] = i; break; }
    }
}
