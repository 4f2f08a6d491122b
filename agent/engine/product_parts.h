// Products whose sums are in sixteen parts (see products.h): few columns, many terms.
//
// A vector holds parts of one sum: c[i][j] is a dot product of two rows, once b is transposed. Few sums suffice to fill
// the vectors, where a product in sequence would need 16 columns.

#pragma once

#include "product_sequences.h"

namespace {
namespace products {

constexpr int PARTS = 16;

// The first `left` of the lanes, at most all of them; the others are 0.
inline Vector load_first(const float* from, int64_t left)
{
    return left >= LANES ? load(from) : load(from, first(left > 0 ? left : 0));
}

// Four rows of a by COLUMNS columns of b, given as rows.
template <int COLUMNS>
inline void dots(const float* const* a, const float* b, int64_t b_row, int64_t inner, __m128* sums)
{
    constexpr int VECTORS = PARTS / LANES;
    Vector sum[4][COLUMNS][VECTORS];
    UNROLLED (int i = 0; i < 4; i++)
        UNROLLED (int j = 0; j < COLUMNS; j++) UNROLLED (int v = 0; v < VECTORS; v++) sum[i][j][v] = zero();
    for (int64_t k = 0; k < inner; k += PARTS)
        UNROLLED (int v = 0; v < VECTORS; v++) {
            const int64_t at = k + v * LANES;
            UNROLLED (int j = 0; j < COLUMNS; j++) {
                const Vector right = load_first(b + j * b_row + at, inner - at);
                UNROLLED (int i = 0; i < 4; i++)
                    sum[i][j][v] = multiply_add(load_first(a[i] + at, inner - at), right, sum[i][j][v]);
            }
        }
    UNROLLED (int j = 0; j < COLUMNS; j++) {
        __m128 quarter[4];
        UNROLLED (int i = 0; i < 4; i++) {
#ifdef __AVX512F__
            const Vector x = sum[i][j][0], upper = _mm512_shuffle_f32x4(x, x, 0xEE);
            const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_castps512_ps256(upper));
#else
            const __m256 half = _mm256_add_ps(sum[i][j][0], sum[i][j][1]);
#endif
            quarter[i] = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
        }
        sums[j] = sums_of_four(quarter[0], quarter[1], quarter[2], quarter[3]);
    }
}

// Sums in sixteen parts, for at most MOST_DOTS columns.
inline void sixteen_parts(const Product& p, const int32_t* places, int64_t rows)
{
    Matrix b = p.b;
    if (b.row != 1) {
        float* packed = (float*)__builtin_alloca(p.columns * p.inner * sizeof(float));
        for (int64_t j = 0; j < p.columns; j++)
            for (int64_t k = 0; k < p.inner; k++) packed[j * p.inner + k] = b.at[k * b.row + j * b.column];
        b = {packed, 1, p.inner};
    }
    for (int64_t row = 0; row < rows; row += 4) {
        const int64_t count = rows - row < 4 ? rows - row : 4;
        const float* a[4];
        int64_t place[4];
        for (int64_t i = 0; i < 4; i++) {
            const int64_t n = row + (i < count ? i : count - 1);
            place[i] = places ? places[n] : n;
            a[i] = p.a.at + place[i] * p.a.row;
        }
        for (int64_t j = 0; j < p.columns;) {
            __m128 sums[2];
            const int64_t both = p.columns - j < 2 ? 1 : 2;
            if (both == 2)
                dots<2>(a, b.at + j * b.column, b.column, p.inner, sums);
            else
                dots<1>(a, b.at + j * b.column, b.column, p.inner, sums);
            for (int64_t n = 0; n < both; n++, j++)
                for (int64_t i = 0; i < count; i++) {
                    float x = sums[n][i];
                    if (p.bias) x = x + p.bias[j];
                    if (p.relu && x < 0.0f) x = 0.0f;
                    if (p.gate && p.gate[place[i] * p.gate_row + j] <= 0.0f) x = 0.0f;
                    p.c[place[i] * p.c_row + j] = x;
                }
        }
    }
}

}  // namespace products
}  // namespace
