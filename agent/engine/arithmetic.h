// Basic operations of float and double, from which the elementary and special functions are made.
//
// They are additions, multiplications, divisions, roots and fused multiply-adds, which IEEE 754 rounds correctly,
// operations on the bits, and selections. So every compiler, vector width and processor gives the same bits, provided
// that the compiler neither merges nor reorders operations (-ffp-contract=off, no -ffast-math). There are no branches
// and no tables: with -fno-trapping-math and -fno-math-errno, which change no result, a compiler turns a loop over an
// array into vector instructions. The sign and payload of a NaN are not defined.

#pragma once

#include <cstdint>

// Inlined at any optimization level: a call that remains would prevent vector instructions.
#define PORTABLE inline __attribute__((always_inline))

namespace portable {

// a b + c, rounded once.
PORTABLE float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
PORTABLE double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }

// Square root, rounded correctly.
PORTABLE float square_root(float x) { return __builtin_sqrtf(x); }
PORTABLE double square_root(double x) { return __builtin_sqrt(x); }

// |x|.
PORTABLE float absolute(float x) { return __builtin_fabsf(x); }
PORTABLE double absolute(double x) { return __builtin_fabs(x); }

// The absolute value of one number with the sign of another.
PORTABLE float with_sign(float size, float sign) { return __builtin_copysignf(size, sign); }
PORTABLE double with_sign(double size, double sign) { return __builtin_copysign(size, sign); }

// A number's bits, and the number that has them.
PORTABLE uint32_t bits(float x) { return __builtin_bit_cast(uint32_t, x); }
PORTABLE uint64_t bits(double x) { return __builtin_bit_cast(uint64_t, x); }
PORTABLE float number(uint32_t x) { return __builtin_bit_cast(float, x); }
PORTABLE double number(uint64_t x) { return __builtin_bit_cast(double, x); }

// 1 if x > 0, -1 if x < 0, else 0; 0 for NaN.
template <class T> PORTABLE T sign(T x) { return T(x > 0) - T(x < 0); }

// x, or 0 if x < 0; NaN stays NaN.
template <class T> PORTABLE T relu(T x) { return x < 0 ? T(0) : x; }

// The larger of x and low, the smaller of x and high; NaN stays NaN.
template <class T> PORTABLE T at_least(T x, T low) { return x < low ? low : x; }
template <class T> PORTABLE T at_most(T x, T high) { return x > high ? high : x; }

// The smaller and the larger of two numbers, the first if they are equal; NaN if either is NaN.
template <class T> PORTABLE T minimum(T a, T b) { return b < a || b != b ? b : a; }
template <class T> PORTABLE T maximum(T a, T b) { return b > a || b != b ? b : a; }

// a + w (b - a), from the nearer end, so that w = 1 gives b exactly.
template <class T> PORTABLE T lerp(T a, T b, T w)
{
    const T way = b - a, rest = way * (1 - w);
    return w < T(0.5) ? a + w * way : b - rest;
}

// base^exponent for a whole exponent >= 0, by repeated squaring.  Relative error: (exponent + 1) 2^-53.
inline double power(double base, double exponent)
{
    double result = 1;
    for (uint64_t n = (uint64_t)exponent; n; n >>= 1, base *= base)
        if (n & 1) result *= base;
    return result;
}

// c[FIRST] + c[FIRST + 1] x + c[FIRST + 2] x^2 + ..., by Horner's rule; a recursion, as a loop may stay a loop.
template <int FIRST = 0, class T, int N> PORTABLE T polynomial(T x, const T (&c)[N])
{
    if constexpr (FIRST == N - 1) return c[FIRST];
    else return fused(polynomial<FIRST + 1>(x, c), x, c[FIRST]);
}

}  // namespace portable
