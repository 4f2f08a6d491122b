// Vectors of float32 in the widest registers that the compiler may use, under one set of names.
//
// Each operation is one instruction, so that every lane is rounded as a single number would be. A program whose results
// do not depend on LANES has the same bits on every processor.

#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>

// g++ keeps an array of vectors in registers only if every loop over it is unrolled early.
#define UNROLLED _Pragma("GCC unroll 16") for

// Internal linkage, so that libraries compiled for different processors never share a function.
namespace {

#ifdef __AVX512F__
constexpr int LANES = 16;
typedef __m512 Vector;
typedef __mmask16 Some;  // which lanes to load or store
inline Some first(int64_t count) { return Some((1u << count) - 1); }
inline Vector zero() { return _mm512_setzero_ps(); }
inline Vector all(float x) { return _mm512_set1_ps(x); }
inline Vector load(const float* from) { return _mm512_loadu_ps(from); }
inline Vector load(const float* from, Some some) { return _mm512_maskz_loadu_ps(some, from); }
inline void store(float* to, Vector x) { _mm512_storeu_ps(to, x); }
inline void store(float* to, Vector x, Some some) { _mm512_mask_storeu_ps(to, some, x); }
inline Vector multiply_add(Vector a, Vector b, Vector c) { return _mm512_fmadd_ps(a, b, c); }
inline Vector at_least(Vector x, Vector least) { return _mm512_max_ps(least, x); }  // NaN stays NaN
inline bool any_nonzero(Vector x) { return _mm512_cmp_ps_mask(x, zero(), _CMP_NEQ_UQ); }
inline Vector where_positive(Vector gate, Vector x)  // or where the gate is NaN; 0 elsewhere
{
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(gate, zero(), _CMP_NLE_UQ), x);
}
#else
constexpr int LANES = 8;
typedef __m256 Vector;
typedef int64_t Some;  // how many of the first lanes to load or store
inline Some first(int64_t count) { return count; }
inline Vector zero() { return _mm256_setzero_ps(); }
inline Vector all(float x) { return _mm256_set1_ps(x); }
inline Vector load(const float* from) { return _mm256_loadu_ps(from); }
inline Vector load(const float* from, Some some)
{
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_maskload_ps(from, _mm256_cmpgt_epi32(_mm256_set1_epi32(int(some)), lanes));
}
inline void store(float* to, Vector x) { _mm256_storeu_ps(to, x); }
inline void store(float* to, Vector x, Some some)
{
    if (some == LANES) return store(to, x);
    __m128 left = _mm256_castps256_ps128(x);  // A masked store takes 27 cycles on Zen 4, these three a few.
    if (some & 4) {
        _mm_storeu_ps(to, left);
        to += 4, left = _mm256_extractf128_ps(x, 1);
    }
    if (some & 2) {
        _mm_storel_pi((__m64*)to, left);
        to += 2, left = _mm_movehl_ps(left, left);
    }
    if (some & 1) _mm_store_ss(to, left);
}
inline Vector multiply_add(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
inline Vector at_least(Vector x, Vector least) { return _mm256_max_ps(least, x); }  // NaN stays NaN
inline bool any_nonzero(Vector x) { return _mm256_movemask_ps(_mm256_cmp_ps(x, zero(), _CMP_NEQ_UQ)); }
inline Vector where_positive(Vector gate, Vector x)  // or where the gate is NaN; 0 elsewhere
{
    return _mm256_and_ps(_mm256_cmp_ps(gate, zero(), _CMP_NLE_UQ), x);
}
#endif

// Transposes 8 rows of 8 columns.
inline void transpose_block(const float* from, int64_t from_row, float* to, int64_t to_row)
{
    __m256 x[8], y[8];
    UNROLLED (int i = 0; i < 4; i++)
        UNROLLED (int n = 0; n < 2; n++) {
            const float* low = from + i * from_row + 4 * n;
            const __m256 half = _mm256_castps128_ps256(_mm_loadu_ps(low));
            x[i + 4 * n] = _mm256_insertf128_ps(half, _mm_loadu_ps(low + 4 * from_row), 1);
        }
    UNROLLED (int i = 0; i < 8; i += 2) {
        y[i] = _mm256_unpacklo_ps(x[i], x[i + 1]);
        y[i + 1] = _mm256_unpackhi_ps(x[i], x[i + 1]);
    }
    UNROLLED (int i = 0; i < 8; i += 4)
        UNROLLED (int n = 0; n < 2; n++) {
            _mm256_storeu_ps(to + (i + 2 * n) * to_row, _mm256_shuffle_ps(y[i + n], y[i + n + 2], 0x44));
            _mm256_storeu_ps(to + (i + 2 * n + 1) * to_row, _mm256_shuffle_ps(y[i + n], y[i + n + 2], 0xEE));
        }
}

// Sums of four vectors' lanes, each lane 0 + lane 2 and lane 1 + lane 3 first.
inline __m128 sums_of_four(__m128 a, __m128 b, __m128 c, __m128 d)
{
    _MM_TRANSPOSE4_PS(a, b, c, d);
    return _mm_add_ps(_mm_add_ps(a, c), _mm_add_ps(b, d));
}

}  // namespace
