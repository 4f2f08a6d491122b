// Elementary functions of double precision whose bits are those of this source; see arithmetic.h.
//
// A loop becomes vector instructions under AVX2 too, which lacks arithmetic shifts and conversions of 64-bit integers.
//
// Errors are the greatest that was found, in units of the last place (ulp) of the exact result, against mpmath (see
// tests/agent/test_arithmetic.py). Zeros, infinities, NaN and subnormal numbers are treated as by torch's functions,
// unless a comment says otherwise.
//
// Coefficients are minimax for the stated interval, by Remez's exchange in mpmath with 40 digits or more, rounded to
// double. The comment of each polynomial states the greatest relative error of the function that it leaves.

#pragma once

#include "arithmetic.h"

namespace portable {
namespace double_parts {

constexpr double INF = __builtin_inf(), NOT_A_NUMBER = __builtin_nan("");
constexpr double ROUND = 0x1.8p52;  // x + ROUND - ROUND is x, |x| < 2^51, rounded to an integer
constexpr double LN2_HIGH = 0x1.62e42fefa38p-1, LN2_LOW = 0x1.ef35793c7673p-45;  // 42 and 53 bits

// x = n log 2 + r + r_low, |r| <= log(2) / 2 (Cody & Waite 1980), for |x| < 2000; e^r = 1 + r + curve.
struct Exponential {
    uint64_t n;  // modulo 2^64
    double r, r_low, curve;
};

PORTABLE Exponential exponential(double x)
{
    constexpr double c[] = {  // 2^-61.7 of e^r - 1
        0x1p-1, 0x1.5555555555559p-3, 0x1.555555555553fp-5, 0x1.111111110f6e0p-7, 0x1.6c16c16c1efcap-10,
        0x1.a01a01afd1105p-13, 0x1.a01a017bf653ep-16, 0x1.71ddf8868b8d8p-19, 0x1.27e535d0ce872p-22,
        0x1.af5e664c67e14p-26, 0x1.1ee905e9ef0e6p-29};
    const double shifted = fused(x, 0x1.71547652b82fep+0, ROUND), n = shifted - ROUND;
    const double rest = fused(-n, LN2_HIGH, x);  // exact
    const double r = fused(-n, LN2_LOW, rest), r_low = fused(-n, LN2_LOW, rest - r);
    return {bits(shifted) - bits(ROUND), r, r_low, r * r * polynomial(r, c)};
}

// log of 2^n m, sqrt(1/2) <= m < sqrt(2), as high + low.
struct Logarithm {
    double high, low, s;  // s = f / (2 + f), f = m - 1
};

// With 2 atanh(s) = log(1 + f):  log(1 + f) = f - f^2/2 + s (f^2/2 + s^2 C(s^2)), which has small terms after f.
PORTABLE Logarithm logarithm(double n, double m)
{
    constexpr double c[] = {  // 2^-59.5
        0x1.5555555555592p-1, 0x1.999999997fdd0p-2, 0x1.24924941ef7d0p-2, 0x1.c71c520ae3230p-3,
        0x1.74663e90d2db5p-3, 0x1.39a1c42dc412ep-3, 0x1.2f04fee404ff5p-3};
    const double f = m - 1, s = f / (2 + f), z = s * s, half_square = 0.5 * f * f;
    const double large = n * LN2_HIGH, high = large + f, lost = f - (high - large);  // exact product, exact loss
    const double series = fused(s, fused(z, polynomial(z, c), half_square), n * LN2_LOW);
    return {high, lost - (half_square - series), s};
}

// A positive normal number as 2^n m, and 2^(1-n) (0 if that is subnormal).
struct Split {
    double n, m, inverse_scale;
};

PORTABLE Split split(double x)
{
    constexpr uint64_t ONE = 0x3ff0000000000000, ROOT_HALF = 0x3fe6a09e667f3bcd, MANTISSA = 0x000fffffffffffff;
    const uint64_t moved = bits(x) + (ONE - ROOT_HALF), exponent = moved >> 52;
    return {number(exponent | bits(0x1p52)) - (0x1p52 + 1023), number((moved & MANTISSA) + ROOT_HALF),
            number((2047 - exponent) << 52)};
}

// log x for x > 0; subnormal ones are scaled.
PORTABLE Logarithm log_parts(double x)
{
    const bool subnormal = x < 0x1p-1022;
    const Split a = split(subnormal ? x * 0x1p54 : x);
    return logarithm(a.n - (subnormal ? 54.0 : 0.0), a.m);
}

// sin(any + quarters pi / 2). The argument is reduced to |r| <= pi / 4 by pi / 2 in three parts of 53 bits (Cody &
// Waite 1980). Near a multiple of pi / 2, r is as small as 2^-60: it is kept as r + low, whose error is that of the
// three parts only.
PORTABLE double sine(double any, uint64_t quarters)
{
    constexpr double s[] = {  // 2^-58.0
        -0x1.5555555555549p-3, 0x1.111111110f842p-7, -0x1.a01a019c0a38cp-13, 0x1.71de35710d101p-19,
        -0x1.ae5e60d20ab62p-26, 0x1.5d91624d09176p-33};
    constexpr double c[] = {  // 2^-63.9
        0x1.555555555554bp-5, -0x1.6c16c16c14f49p-10, 0x1.a01a019c7d0b3p-16, -0x1.27e4f7e55ec0bp-22,
        0x1.1ee9d3f0ea76ep-29, -0x1.8fa29ac7e950fp-37};
    const double x = absolute(any) <= 0x1p40 ? any : NOT_A_NUMBER;
    const double shifted = fused(x, 0x1.45f306dc9c883p-1, ROUND), n = shifted - ROUND;
    const double rest = fused(-n, 0x1.921fb54442d18p+0, x);  // exact: a multiple of 2^-53 below 1
    const double middle = n * 0x1.1a62633145c07p-54, middle_low = fused(n, 0x1.1a62633145c07p-54, -middle);
    const double r = rest - middle, back = rest - r;
    const double lost = (rest - (r + back)) + (back - middle);  // exact (Knuth's TwoSum)
    const double low = fused(-n, -0x1.f1976b7ed8fbcp-110, lost - middle_low);
    const double z = r * r, half = 0.5 * z, flat = 1 - half;
    const double odd = r + fused(r * z, polynomial(z, s), flat * low);
    const double even = flat + (((1 - flat) - half) + fused(z * z, polynomial(z, c), -r * low));
    const uint64_t k = bits(shifted) + quarters;
    return number(bits(k & 1 ? even : odd) ^ (k & 2) << 62);
}

}  // namespace double_parts

// e^x.  Error: 0.85 ulp; results below 2^-1022 are rounded once more.
PORTABLE double exp(double x)
{
    using namespace double_parts;
    const Exponential e = exponential(at_most(at_least(x, -746.0), 710.0));
    const double high = 1 + e.r, value = high + (((1 - high) + e.r) + e.curve);
    const uint64_t half = ((e.n + 4096) >> 1) - 2048;  // n / 2, by a logical shift
    return value * number((1023 + half) << 52) * number((1023 + e.n - half) << 52);
}

// e^x - 1 = 2 (2^(n-1) (r + curve) + 2^(n-1) - 1/2).  Error: 1.2 ulp.
PORTABLE double expm1(double x)
{
    using namespace double_parts;
    const Exponential e = exponential(at_most(at_least(x, -38.0), 710.0));
    const double scale = number((1022 + e.n) << 52), base = scale - 0.5;
    const double high = fused(scale, e.r, base), lost = fused(scale, e.r, base - high);
    const double value = 2 * (high + fused(scale, e.curve + e.r_low, lost));
    return absolute(x) < 0x1p-54 ? x : value;
}

// log x.  Error: 0.85 ulp.
PORTABLE double log(double x)
{
    using namespace double_parts;
    const Logarithm l = log_parts(x);
    const double value = x < INF ? l.high + l.low : x;
    return x < 0 ? NOT_A_NUMBER : x == 0 ? -INF : value;
}

// log(1 + x) = log u + log(1 + c / u), where u is 1 + x rounded and c the rest.  Error: 0.9 ulp.
PORTABLE double log1p(double x)
{
    using namespace double_parts;
    const double u = 1 + x, c = x < 1 ? x - (u - 1) : 1 - (u - x);
    const Split a = split(u);
    const Logarithm l = logarithm(a.n, a.m);
    const double half_inverse = 0.5 - l.s * (1 - l.s * (1 - l.s));  // 1 / (2 m) to 0.3 %
    const double sum = l.high + fused(c * a.inverse_scale, half_inverse, l.low);
    const double value = u < INF ? (x == 0 ? x : sum) : u;
    return x < -1 ? NOT_A_NUMBER : x == -1 ? -INF : value;
}

// tanh x = t / (2 + t) or 1 - 2 / (2 + t), t = e^(2 |x|) - 1, with the sign of x.  Error: 2.3 ulp.
PORTABLE double tanh(double x)
{
    const double size = absolute(x), t = expm1(2 * at_most(size, 20.0));
    const bool small = size < 0.5;
    const double part = (small ? t : 2.0) / (2 + t);
    return with_sign(small ? part : 1 - part, x);
}

// sin x and cos x for |x| <= 2^40.  Error: 0.8 ulp. NaN for larger |x|, unlike torch.
PORTABLE double sin(double x) { return x == 0 ? x : double_parts::sine(x, 0); }
PORTABLE double cos(double x) { return double_parts::sine(x, 1); }

}  // namespace portable
