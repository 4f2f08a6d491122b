// Elementary functions whose bits are those of this source, in float and double.
//
// They consist of additions, multiplications, divisions, roots and fused multiply-adds, which IEEE 754 rounds correctly,
// and of selections; so every compiler, vector width and processor gives the same bits. They have no branches, so a
// compiler computes several elements at once. Errors are the greatest found, in units of the last place (ulp), against
// mpmath; tests/agent/test_arithmetic.py measures them. Polynomials are minimax, by Remez's exchange in mpmath.

#pragma once

#include <math.h>
#include <cstdint>

namespace portable {

inline float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
inline double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }
inline float square_root(float x) { return __builtin_sqrtf(x); }
inline double square_root(double x) { return __builtin_sqrt(x); }
inline float absolute(float x) { return __builtin_fabsf(x); }
inline double absolute(double x) { return __builtin_fabs(x); }
inline float with_sign(float size, float sign) { return __builtin_copysignf(size, sign); }
inline double with_sign(double size, double sign) { return __builtin_copysign(size, sign); }

// NaN stays NaN in each of these.
template <class T> inline T relu(T x) { return x < 0 ? T(0) : x; }
template <class T> inline T minimum(T a, T b) { return a < b || a != a ? a : b; }
template <class T> inline T maximum(T a, T b) { return a > b || a != a ? a : b; }
template <class T> inline T at_least(T x, T low) { return x < low ? low : x; }
template <class T> inline T at_most(T x, T high) { return x > high ? high : x; }
template <class T> inline T sign(T x) { return T(x > 0) - T(x < 0); }

// a + w (b - a), from the nearer end, so that w = 1 gives b exactly.
template <class T> inline T lerp(T a, T b, T w)
{
    const T way = b - a, rest = way * (1 - w);
    return w < T(0.5) ? a + w * way : b - rest;
}

// base^exponent for a whole exponent >= 0, by repeated squaring.
inline double power(double base, double exponent)
{
    double result = 1;
    for (uint64_t n = (uint64_t)exponent; n; n >>= 1, base *= base)
        if (n & 1) result *= base;
    return result;
}

// c[FIRST] + c[FIRST + 1] x + c[FIRST + 2] x^2 + ..., by Horner's rule; a recursion, as a loop would not be unrolled.
template <int FIRST = 0, class T, int N>
inline T polynomial(T x, const T (&c)[N])
{
    if constexpr (FIRST == N - 1) return c[FIRST];
    else return fused(polynomial<FIRST + 1>(x, c), x, c[FIRST]);
}

// Numbers of a floating-point format.
template <class T> struct Format;
template <> struct Format<float> {
    using Bits = int32_t;
    static constexpr int MANTISSA = 23, BIAS = 127;
    static constexpr float ROUND = 0x1.8p23f, LN2_HIGH = 0x1.62e4p-1f, LN2_LOW = 0x1.7f7d1cp-20f;
    static constexpr float EXP_LOW = -104.0f, EXP_HIGH = 89.0f, EXPM1_LOW = -18.0f, SMALLEST = 0x1p-126f;
    static constexpr Bits ROOT_HALF = 0x3f3504f3;
};
template <> struct Format<double> {
    using Bits = int64_t;
    static constexpr int MANTISSA = 52, BIAS = 1023;
    static constexpr double ROUND = 0x1.8p52, LN2_HIGH = 0x1.62e42fefa38p-1, LN2_LOW = 0x1.ef35793c7673p-45;
    static constexpr double EXP_LOW = -746.0, EXP_HIGH = 710.0, EXPM1_LOW = -38.0, SMALLEST = 0x1p-1022;
    static constexpr Bits ROOT_HALF = 0x3fe6a09e667f3bcd;
};

template <class T> inline typename Format<T>::Bits bits(T x) { return __builtin_bit_cast(typename Format<T>::Bits, x); }
template <class T> inline T number(typename Format<T>::Bits x) { return __builtin_bit_cast(T, x); }

// 2^n for a normal result.
template <class T> inline T power_of_two(typename Format<T>::Bits n)
{
    return number<T>((n + Format<T>::BIAS) << Format<T>::MANTISSA);
}

// x = n log 2 + r, |r| <= log(2) / 2 (Cody & Waite 1980), and e^r - 1 = r + r^2 P(r).
template <class T> struct Exponential {
    typename Format<T>::Bits n;
    T minus_one;
};

inline float exponential_series(float r)
{
    constexpr float c[] = {
        0x1.000000p-1f, 0x1.555556p-3f, 0x1.5554aep-5f, 0x1.111090p-7f, 0x1.6d7498p-10f, 0x1.a1a178p-13f};
    return polynomial(r, c);
}
inline double exponential_series(double r)
{
    constexpr double c[] = {
        0x1.0000000000000p-1, 0x1.5555555555559p-3, 0x1.555555555555ap-5, 0x1.111111110f6a9p-7,
        0x1.6c16c16c14457p-10, 0x1.a01a01afe7b0ap-13, 0x1.a01a01b0b52e6p-16, 0x1.71ddf84c976fdp-19,
        0x1.27e4c5a456ec8p-22, 0x1.af5ecc4bcb173p-26, 0x1.1f955e8762885p-29};
    return polynomial(r, c);
}

template <class T> inline Exponential<T> reduced_exponential(T x)
{
    using F = Format<T>;
    const T shifted = fused(x, T(0x1.71547652b82fep0), F::ROUND), n = shifted - F::ROUND;
    const T r = fused(-n, F::LN2_LOW, fused(-n, F::LN2_HIGH, x));
    return {bits(shifted) - bits(F::ROUND), fused(r * r, exponential_series(r), r)};
}

// e^x.  Error: float 1 ulp, double 1 ulp; results below the smallest normal number are rounded once more.
template <class T> inline T exponential(T x)
{
    using F = Format<T>;
    const auto e = reduced_exponential(at_most(at_least(x, F::EXP_LOW), F::EXP_HIGH));
    const auto half = e.n >> 1;
    return (e.minus_one + 1) * power_of_two<T>(half) * power_of_two<T>(e.n - half);
}
inline float exp(float x) { return exponential(x); }
inline double exp(double x) { return exponential(x); }

// e^x - 1.  Error: float 1.5 ulp, double 1.6 ulp.
template <class T> inline T exponential_minus_one(T x)
{
    using F = Format<T>;
    const auto e = reduced_exponential(at_most(at_least(x, F::EXPM1_LOW), F::EXP_HIGH));
    const T half = power_of_two<T>(e.n - 1), value = 2 * fused(half, e.minus_one, half - T(0.5));
    return x == 0 ? x : value;
}
inline float expm1(float x) { return exponential_minus_one(x); }
inline double expm1(double x) { return exponential_minus_one(x); }

// log(1 + f) - f for f in [sqrt(1/2) - 1, sqrt(2) - 1].
inline float log_series(float f)
{
    constexpr float c[] = {
        0x1.555546p-2f, -0x1.ffffeep-3f, 0x1.99a546p-3f, -0x1.5562e4p-3f, 0x1.2332c0p-3f, -0x1.fb432ap-4f,
        0x1.e650a8p-4f, -0x1.e2e9b4p-4f, 0x1.1b42b2p-4f};
    const float square = f * f;
    return square * fused(f, polynomial(f, c), -0.5f);
}
// With s = f / (2 + f), log(1 + f) = 2 atanh(s) = f - f^2/2 + s (f^2/2 + R(s^2)).
inline double log_series(double f)
{
    constexpr double c[] = {
        0x1.5555555555570p-1, 0x1.99999999889cfp-2, 0x1.2492493b83676p-2, 0x1.c71c569294e4ap-3,
        0x1.74656a0cab22fp-3, 0x1.39b546cbe35e9p-3, 0x1.2e4f628fbd1edp-3};
    const double s = f / (2 + f), z = s * s, half = 0.5 * f * f;
    return fused(s, half + z * polynomial(z, c), -half);
}

// log(u + c) for u > 0 and a c that is at most u's rounding error.
template <class T> inline T logarithm(T u, T c)
{
    using F = Format<T>;
    const bool tiny = u < F::SMALLEST;
    const T scaled = tiny ? u * T(1ll << F::MANTISSA) : u;
    const auto shifted = bits(scaled) - F::ROOT_HALF, exponent = shifted >> F::MANTISSA;
    const T m = number<T>(shifted - (exponent << F::MANTISSA) + F::ROOT_HALF), f = m - 1;
    const T n = T(exponent) - (tiny ? T(F::MANTISSA) : T(0));
    return fused(n, F::LN2_HIGH, f + (log_series(f) + fused(n, F::LN2_LOW, c / u)));
}

// log x.  Error: float 1 ulp, double 1 ulp.
template <class T> inline T natural_log(T x)
{
    const T value = x == T(INFINITY) ? x : logarithm(x, T(0));
    return x > 0 ? value : x == 0 ? -T(INFINITY) : T(NAN);
}
inline float log(float x) { return natural_log(x); }
inline double log(double x) { return natural_log(x); }

// log(1 + x).  Error: float 1 ulp, double 1 ulp.
template <class T> inline T log_one_plus(T x)
{
    const T u = 1 + x, c = x - (u - 1);
    const T value = u == T(INFINITY) ? u : logarithm(u, c);
    return u > 0 ? (x == 0 ? x : value) : u == 0 ? -T(INFINITY) : T(NAN);
}
inline float log1p(float x) { return log_one_plus(x); }
inline double log1p(double x) { return log_one_plus(x); }

// tanh x = -t / (2 + t), t = e^(-2 |x|) - 1.  Error: float 2.5 ulp, double 2.4 ulp.
template <class T> inline T hyperbolic_tangent(T x)
{
    const T t = exponential_minus_one(-2 * absolute(x));
    return with_sign(-t / (2 + t), x);
}
inline float tanh(float x) { return hyperbolic_tangent(x); }
inline double tanh(double x) { return hyperbolic_tangent(x); }

// sin(r + quarters pi / 2): x is reduced by pi/2 in three parts (Cody & Waite 1980), good for |x| <= 10^6.
inline double sine_of_quarters(double x, int64_t quarters)
{
    constexpr double ROUND = Format<double>::ROUND;
    constexpr double s[] = {
        -0x1.555555555554ep-3, 0x1.111111110fe6ep-7, -0x1.a01a019caa596p-13, 0x1.71de35e7602e0p-19,
        -0x1.ae5eb25455127p-26, 0x1.5da6a39e94d0fp-33};
    constexpr double c[] = {
        0x1.5555555555554p-5, -0x1.6c16c16c16184p-10, 0x1.a01a019e170fdp-16, -0x1.27e4f8f4512a2p-22,
        0x1.1eea7e72a4ebep-29, -0x1.8ff518e3d68dcp-37};
    const double shifted = fused(x, 0x1.45f306dc9c883p-1, ROUND), n = shifted - ROUND;
    const double r = fused(-n, -0x1.f1976b7ed8fbcp-110, fused(-n, 0x1.1a62633145c07p-54, fused(-n, 0x1.921fb54442d18p+0, x))), z = r * r;
    const double sine = fused(r * z, polynomial(z, s), r);
    const double cosine = fused(z * z, polynomial(z, c), fused(z, -0.5, 1.0));
    const int64_t k = bits(shifted) + quarters;
    const double value = k & 1 ? cosine : sine;
    return k & 2 ? -value : value;
}

// sin x, cos x.  Error: 1.5 ulp for |x| <= 10^6 (double); NaN for infinite x.
inline double sin(double x) { return sine_of_quarters(x, 0); }
inline double cos(double x) { return sine_of_quarters(x, 1); }
inline float sin(float x) { return (float)sin((double)x); }
inline float cos(float x) { return (float)cos((double)x); }

}  // namespace portable
