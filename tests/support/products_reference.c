// The sums of agent/engine/products.h, one number at a time: fmaf rounds once by the C standard.

#include <math.h>
#include <stdint.h>
struct matrix { const float* at; int64_t row, column; };
struct product {
    int64_t rows, inner, columns;
    struct matrix a, b;
    float* c;
    int64_t c_row;
    const float *bias, *gate;
    int64_t gate_row;
    _Bool relu, skip_zeros;
};
static float term(const struct product* p, int64_t i, int64_t k, int64_t j, float sum)
{
    if (k >= p->inner) return fmaf(0.0f, 0.0f, sum);
    return fmaf(p->a.at[i * p->a.row + k * p->a.column], p->b.at[k * p->b.row + j * p->b.column], sum);
}
static float sixteen_parts(const struct product* p, int64_t i, int64_t j)
{
    float part[16];
    for (int n = 0; n < 16; n++) {
        part[n] = 0.0f;
        for (int64_t k = n; k < (p->inner + 15) / 16 * 16; k += 16) part[n] = term(p, i, k, j, part[n]);
    }
    for (int half = 8; half; half /= 2)
        for (int n = 0; n < half; n++) part[n] = part[n] + part[n + half];
    return p->bias ? part[0] + p->bias[j] : part[0];
}
static float sequence(const struct product* p, int64_t i, int64_t j)
{
    float sum = p->bias ? p->bias[j] : 0.0f;
    for (int64_t k = 0; k < p->inner; k++) sum = term(p, i, k, j, sum);
    return sum;
}
void run_product(const struct product* p)
{
    const int in_parts = p->columns <= 6 && p->inner >= 16 && p->a.column == 1;
    for (int64_t i = 0; i < p->rows; i++) {
        int skip = p->skip_zeros;
        for (int64_t k = 0; k < p->inner; k++) skip &= p->a.at[i * p->a.row + k * p->a.column] == 0.0f;
        for (int64_t j = 0; j < p->columns; j++) {
            float x = skip ? 0.0f : in_parts ? sixteen_parts(p, i, j) : sequence(p, i, j);
            if (p->relu && x < 0.0f) x = 0.0f;
            if (p->gate && p->gate[i * p->gate_row + j] <= 0.0f) x = 0.0f;
            p->c[i * p->c_row + j] = x;
        }
    }
}
