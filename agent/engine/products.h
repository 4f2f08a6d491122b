// Products of small matrices with the same bits on every x86-64 that has AVX2 and FMA.
//
//     c[i][j] = finish(start[j] + sum over k of a[i][k] b[k][j]),   start = bias, or 0 without a bias
//
// Order of the sum. Every term is added by one fused multiply-add (one rounding), in one of two orders:
// - in sequence: s = start; s = fma(a[i][k], b[k][j], s) for k = 0, 1, ..., inner - 1;
// - in sixteen parts: inner is filled up with zeros to a multiple of 16. Part n, from 0, adds the terms
//   k = n, n + 16, n + 32, ... in sequence. Then the parts are added pairwise, n and n + 8, then n and n + 4, n and
//   n + 2, n and n + 1, and last the start, if there is a bias, is added.
// Sixteen parts are used where sequences would leave most of a vector unused: at most MOST_DOTS columns, at least
// LEAST_DOT terms, and a with unit column stride (the output layer of a critic, the gradient by an action).
// So the bits of an element depend on its row of a and its column of b alone: not on other rows, on addresses, on the
// compiler, nor on the width of the vectors. (The sign and payload of a NaN are not defined.)

#pragma once

#include "product_parts.h"
#include "product_sequences.h"

namespace {
namespace products {

constexpr int MOST_DOTS = 6, LEAST_DOT = 16;  // see "in sixteen parts"

inline bool all_zero(const float* x, int64_t count)
{
    bool any = false;
    for (; count >= LANES; count -= LANES, x += LANES) any |= any_nonzero(load(x));
    return !(any | (count ? any_nonzero(load(x, first(count))) : false));
}

// Sets c's rows to 0 where a's are 0. Returns the number of the others; their indices are the first in places.
inline int64_t skip_zeros(const Product& p, int32_t* places)
{
    int64_t rows = 0, zeros = p.rows;
    for (int64_t i = 0; i < p.rows; i++) {  // without a branch, which would be mispredicted
        const bool is_zero = all_zero(p.a.at + i * p.a.row, p.inner);
        places[is_zero ? zeros - 1 : rows] = int32_t(i);
        zeros -= is_zero, rows += !is_zero;
    }
    for (; zeros < p.rows; zeros++) memset(p.c + places[zeros] * p.c_row, 0, p.columns * sizeof(float));
    return rows;
}

inline __attribute__((noinline)) void product(const Product& p)
{
    int64_t rows = p.rows;
    int32_t* places = nullptr;
    if (p.skip_zeros && p.a.column == 1) {
        places = (int32_t*)__builtin_alloca(p.rows * sizeof(int32_t));
        rows = skip_zeros(p, places);
    }
    if (p.columns <= MOST_DOTS && p.inner >= LEAST_DOT && p.a.column == 1)
        sixteen_parts(p, places, rows);
    else if (p.columns < LINE && p.a.row == 1 && p.rows > p.columns && !(p.bias || p.gate || p.relu || places))
        few_columns(p);
    else
        sequences(p, places, rows);
}

}  // namespace products
}  // namespace
