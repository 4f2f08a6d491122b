// Products whose sums are in sequence (see products.h).
//
// The registers hold a tile of c, some rows by some vectors of columns, so that each number that is loaded is used in
// many multiplications. A panel, the b of these columns, is copied to contiguous memory unless it is small and
// contiguous enough, and split along k if it is too large for the L1 cache: the partial sums then wait in c, which does
// not change them. Sizes are known at run time only: constant sizes save 3% of the time, and take seconds to compile.

#pragma once

#include <cmath>

#include "vectors.h"

namespace {
namespace products {

#ifdef __AVX512F__
constexpr int MOST_VECTORS = 4, MOST_ROWS[MOST_VECTORS + 1] = {0, 8, 8, 0, 6};  // of a tile, by its vectors: 1, 2 or 4
#else
constexpr int MOST_VECTORS = 2, MOST_ROWS[MOST_VECTORS + 1] = {0, 8, 6};
#endif
constexpr int LINE = 16;                     // floats in a cache line
constexpr int PANEL = 8192;                  // floats of a packed panel: 32 KB
constexpr int DIRECT = 4096, FEW_ROWS = 12;  // a b of at most so many floats, or for so few rows, is not packed
constexpr int LARGE = 8192;                  // a c of more floats is prefetched before it is written
alignas(64) const float ZEROS[MOST_VECTORS * LANES] = {};

// A matrix in memory: element (i, j) is at[i * row + j * column].
struct Matrix {
    const float* at;
    int64_t row, column;
};

// c (rows, columns), with unit column stride, from a (rows, inner) and b (inner, columns). c overlaps no other matrix.
// bias (columns): where the sums start; null: at 0. relu: negative results become 0. gate (rows, columns), with unit
// column stride: results whose gate is negative or 0 become 0; null: none do. NaN stays NaN. skip_zeros, for an a with
// unit column stride: a row of zeros in a gives a row of zeros, whatever b contains. (The gradient of a minimum over
// two critics is 0 in about half of each critic's rows.)
struct Product {
    int64_t rows, inner, columns;
    Matrix a, b;
    float* c;
    int64_t c_row;
    const float* bias;
    const float* gate;
    int64_t gate_row;
    bool relu, skip_zeros;
};

// The part of a product that one panel of b computes.
struct Panel {
    const Product* p;
    const float* a;         // a's first column of this panel
    const float* b;
    int64_t inner, b_row;   // b (inner, columns of the panel): b[k * b_row + j]
    int64_t column;         // first column in c
    const int32_t* places;  // rows to compute, or null for all
    const float* start;     // of the sums, the same in each row; null: c
    float least;            // results below become this
    bool gated, large;
    int left;               // columns in the last vector
};

// ROWS rows from first_row on, or the rows with these indices in q.places.
template <int ROWS, int VECTORS>
inline __attribute__((noinline)) void tile(const Panel& q, int64_t first_row)
{
    constexpr int LAST = VECTORS - 1;
    const Product& p = *q.p;
    const Some some = first(q.left);
    const float* a[ROWS];
    float* c[ROWS];
    UNROLLED (int i = 0; i < ROWS; i++) {
        a[i] = q.a + first_row * p.a.row + i * p.a.row;
        c[i] = p.c + first_row * p.c_row + q.column + i * p.c_row;
    }
    if (q.places)
        UNROLLED (int i = 0; i < ROWS; i++) {
            const int64_t place = q.places[first_row + i];
            a[i] = q.a + place * p.a.row;
            c[i] = p.c + place * p.c_row + q.column;
        }
    Vector sum[ROWS][VECTORS];
    UNROLLED (int i = 0; i < ROWS; i++) {
        const float* start = q.start ? q.start : c[i];
        UNROLLED (int j = 0; j < LAST; j++) sum[i][j] = load(start + LANES * j);
        sum[i][LAST] = load(start + LANES * LAST, some);
    }
    if (q.large)
        UNROLLED (int i = 0; i < ROWS; i++)
            UNROLLED (int j = 0; j < VECTORS; j += LINE / LANES) __builtin_prefetch(c[i] + LANES * j, 1);
    const float* b = q.b;
    const int64_t a_column = p.a.column, b_row = q.b_row;
    for (int64_t k = q.inner, at = 0; k; k--, at += a_column, b += b_row) {
        Vector right[VECTORS];
        UNROLLED (int j = 0; j < VECTORS; j++) right[j] = load(b + LANES * j);
        UNROLLED (int i = 0; i < ROWS; i++) {
            const Vector left = all(a[i][at]);
            UNROLLED (int j = 0; j < VECTORS; j++) sum[i][j] = multiply_add(left, right[j], sum[i][j]);
        }
    }
    const Vector least = all(q.least);
    UNROLLED (int i = 0; i < ROWS; i++) UNROLLED (int j = 0; j < VECTORS; j++) sum[i][j] = at_least(sum[i][j], least);
    if (q.gated)
        UNROLLED (int i = 0; i < ROWS; i++) {
            const int64_t place = q.places ? q.places[first_row + i] : first_row + i;
            const float* gate = p.gate + place * p.gate_row + q.column;
            UNROLLED (int j = 0; j < LAST; j++)
                store(c[i] + LANES * j, where_positive(load(gate + LANES * j), sum[i][j]));
            store(c[i] + LANES * LAST, where_positive(load(gate + LANES * LAST, some), sum[i][LAST]), some);
        }
    else
        UNROLLED (int i = 0; i < ROWS; i++) {
            UNROLLED (int j = 0; j < LAST; j++) store(c[i] + LANES * j, sum[i][j]);
            store(c[i] + LANES * LAST, sum[i][LAST], some);
        }
}

template <int ROWS, int VECTORS>
inline void tile_of(int64_t rows, const Panel& q, int64_t row)
{
    if (rows == ROWS)
        tile<ROWS, VECTORS>(q, row);
    else if constexpr (ROWS > 1)
        tile_of<ROWS - 1, VECTORS>(rows, q, row);
}

// All rows, in tiles whose heights differ by one row at most.
template <int VECTORS>
inline void tiles_of(int64_t vectors, const Panel& q, int64_t rows)
{
    if constexpr (VECTORS > 1)
        if (vectors < VECTORS) return tiles_of<VECTORS / 2>(vectors, q, rows);
    constexpr int MOST = MOST_ROWS[VECTORS];
    for (int64_t tiles = (rows + MOST - 1) / MOST, row = 0; tiles; tiles--) {
        const int64_t height = (rows - row + tiles - 1) / tiles;
        tile_of<MOST, VECTORS>(height, q, row);
        row += height;
    }
}

// Copies b (inner, columns) to rows of `width` floats, the last of them zero.
inline __attribute__((noinline)) void pack(Matrix b, int64_t inner, int64_t columns, int64_t width, float* to)
{
    if (b.column == 1) {
        for (int64_t k = 0; k < inner; k++, to += width) {
            const float* from = b.at + k * b.row;
            int64_t j = 0;
            for (; j + LANES <= columns; j += LANES) store(to + j, load(from + j));
            if (j < columns) store(to + j, load(from + j, first(columns - j)));
        }
        return;
    }
    const int64_t blocks = b.row == 1 ? inner / 8 * 8 : 0, whole = columns / 8 * 8;
    for (int64_t j = 0; j < whole; j += 8)
        for (int64_t k = 0; k < blocks; k += 8)
            transpose_block(b.at + j * b.column + k, b.column, to + k * width + j, width);
    for (int64_t k = whole == width ? blocks : 0; k < inner; k++) {
        float* row = to + k * width;
        for (int64_t j = k < blocks ? whole : 0; j < columns; j++) row[j] = b.at[k * b.row + j * b.column];
        for (int64_t j = columns; j < width; j++) row[j] = 0.0f;
    }
}

// Sums in sequence.
inline void sequences(const Product& p, const int32_t* places, int64_t rows)
{
    alignas(64) float packed[PANEL];
    const bool small = p.inner * p.b.row <= DIRECT || rows <= FEW_ROWS;
    const bool direct = p.b.column == 1 && p.columns % LANES == 0 && small;
    for (int64_t column = 0, wide; column < p.columns; column += wide * LANES) {
        const int64_t vectors = (p.columns - column + LANES - 1) / LANES;
        wide = vectors >= MOST_VECTORS ? MOST_VECTORS : vectors >= 2 ? 2 : 1;
        const int64_t width = wide * LANES, columns = vectors == wide ? p.columns - column : width;
        const int64_t most = direct ? p.inner : PANEL / width;
        int64_t parts = p.inner > most ? (p.inner + most - 1) / most : 1;
        for (int64_t k = 0; parts; parts--) {
            const int64_t inner = (p.inner - k + parts - 1) / parts;
            const float* b = p.b.at + k * p.b.row + column * p.b.column;
            if (!direct) pack({b, p.b.row, p.b.column}, inner, columns, width, packed);
            const Panel q{
                &p, p.a.at + k * p.a.column, direct ? b : packed, inner, direct ? p.b.row : width, column, places,
                k ? nullptr : p.bias ? p.bias + column : ZEROS, parts == 1 && p.relu ? 0.0f : -INFINITY,
                parts == 1 && p.gate, p.rows * p.columns > LARGE, int(columns - width + LANES)};
            tiles_of<MOST_VECTORS>(wide, q, rows);
            k += inner;
        }
    }
}

// Few columns in sequence: c transposed is b transposed times a transposed, whose columns fill the vectors.
inline void few_columns(const Product& p)
{
    constexpr int64_t WIDE = MOST_VECTORS * LANES;
    alignas(64) float c[LINE * WIDE];
    for (int64_t i = 0; i < p.rows; i += WIDE) {
        const int64_t wide = i + WIDE < p.rows ? WIDE : p.rows - i;
        const Matrix a{p.b.at, p.b.column, p.b.row}, b{p.a.at + i * p.a.row, p.a.column, p.a.row};
        const Product swapped{p.columns, p.inner, wide, a, b, c, WIDE, nullptr, nullptr, 0, false, false};
        sequences(swapped, nullptr, p.columns);
        for (int64_t n = 0; n < wide; n++)
            for (int64_t j = 0; j < p.columns; j++) p.c[(i + n) * p.c_row + j] = c[j * WIDE + n];
    }
}

}  // namespace products
}  // namespace
