// Elementary functions of float32 whose bits are those of this source; see arithmetic.h.
//
// Errors are the greatest over all float32 arguments, in units of the last place (ulp) of the exact result. They were
// measured against double precision, which was compared with mpmath: see tests/agent/test_arithmetic.py. Zeros,
// infinities, NaN, subnormal numbers and overflow are treated as by torch's functions unless a comment says otherwise.
//
// Coefficients are minimax on the stated interval, by linear programming (`fit` in tests/support/minimax.py): rounded
// to float32 one after another, each time with a new fit of the remaining ones. The comment of each polynomial states
// the greatest relative error of the function that it leaves.

#pragma once

#include "arithmetic.h"

namespace portable {
namespace float_parts {

constexpr float INF = __builtin_inff(), NOT_A_NUMBER = __builtin_nanf("");
constexpr float ROUND = 0x1.8p23f;  // x + ROUND - ROUND is x rounded to an integer, |x| < 2^22
constexpr float LN2_HIGH = 0x1.62e4p-1f, LN2_LOW = 0x1.7f7d1cp-20f;  // 15 and 24 bits
constexpr float LOG2_E = 0x1.715476p0f;

// 2^n for -127 < n < 128; n modulo 2^32.
PORTABLE float power_of_two(uint32_t n) { return number((n + 127u) << 23); }

// x = n log 2 + r + r_low, |r| <= log(2) / 2 (Cody & Waite 1980), for |x| < 200.
struct Reduced {
    uint32_t n;  // modulo 2^32
    float r, r_low;
};

PORTABLE Reduced reduce_by_log2(float x)
{
    const float shifted = fused(x, LOG2_E, ROUND), n = shifted - ROUND;
    const float rest = fused(-n, LN2_HIGH, x);  // exact
    const float r = fused(-n, LN2_LOW, rest);
    return {bits(shifted) - bits(ROUND), r, fused(-n, LN2_LOW, rest - r)};
}

// e^r - 1 = r + r^2 P(r), |r| <= log(2) / 2.
PORTABLE float short_exponential(float r)
{
    constexpr float c[] = {  // 2^-28.2 of e^r
        0x1.fffffcp-2f, 0x1.55548cp-3f, 0x1.555858p-5f, 0x1.123dbp-7f, 0x1.6ac222p-10f};
    return fused(r * r, polynomial(r, c), r);
}

// log(1 + f) - f = f^2 P(f), 1 + f between the roots of 1/2 and 2.
PORTABLE float logarithm_curve(float f)
{
    constexpr float c[] = {  // 2^-27.3 of log(1 + f)
        -0.5f, 0x1.555554p-2f, -0x1.00022ap-2f, 0x1.99a03ap-3f, -0x1.54718p-3f, 0x1.22d4b4p-3f, -0x1.0d87c8p-3f,
        0x1.05867cp-3f, -0x1.3917ep-4f};
    return f * f * polynomial(f, c);
}

// A sum of two numbers, |low| much smaller than |high| or both small.
struct Sum {
    float high, low;
};

// n log 2 + log(1 + f) + low, 1 + f between the roots of 1/2 and 2, n an integer below 256.
PORTABLE Sum logarithm(float n, float f, float low)
{
    const float main = n * LN2_HIGH, high = main + f, error = f - (high - main);  // exact but for high's rounding
    return {high, error + (fused(n, LN2_LOW, logarithm_curve(f)) + low)};
}

// u = 2^n (1 + f), 1 + f between the roots of 1/2 and 2; u positive, finite and normal.
struct Split {
    float n, f;
    uint32_t exponent;  // n, modulo 2^32
};

PORTABLE Split split(float u)
{
    constexpr uint32_t ROOT_HALF = 0x3f3504f3;
    const uint32_t from_root = bits(u) - ROOT_HALF;
    const int32_t n = int32_t(from_root) >> 23;
    return {float(n), number((from_root & 0x7fffff) + ROOT_HALF) - 1.0f, uint32_t(n)};
}

// log x; x positive and finite.
PORTABLE Sum positive_logarithm(float x)
{
    const bool subnormal = x < 0x1p-126f;
    const Split s = split(subnormal ? x * 0x1p24f : x);
    return logarithm(subnormal ? s.n - 24.0f : s.n, s.f, 0.0f);
}

// log(1 + x), -1 < x finite: with u = 1 + x rounded and c the rest, log u + c / u, or log(1 + f) with f = x near 1.
PORTABLE float logarithm_of_one_plus(float x)
{
    const float u = 1.0f + x, c = x > 1.0f ? 1.0f - (u - x) : x - (u - 1.0f);  // Dekker 1971
    const Split s = split(u);
    const bool near = s.exponent == 0;
    const float f = near ? x : s.f, rest = near || x > 0x1p30f ? 0.0f : c * power_of_two(0u - s.exponent);
    const Sum log = logarithm(s.n, f, fused(-rest, f, rest));  // 1 / (1 + f) is about 1 - f
    return log.high + log.low;
}

// x = n pi / 2 + r + r_low (Cody & Waite 1980), |x| <= 2^22. |r| <= 0.88: n is the nearest integer only for small |x|.
PORTABLE Reduced reduce_by_half_pi(float x)
{
    const float shifted = fused(x, 0x1.45f306p-1f, ROUND), n = shifted - ROUND;
    const float rest = fused(-n, 0x1.921fb6p0f, x);  // exact: a multiple of 2^-24 below 1
    const float part = n * 0x1.777a5cp-25f, part_error = fused(n, 0x1.777a5cp-25f, -part);
    const float r = rest + part, added = r - rest;
    const float error = (rest - (r - added)) + (part - added);  // of r (Knuth 1969); either term may be the larger
    return {bits(shifted) - bits(ROUND), r, fused(n, 0x1.ee59dap-50f, error + part_error)};
}

// sin(x + quarters pi / 2).
PORTABLE float sine(float x, uint32_t quarters)
{
    const Reduced a = reduce_by_half_pi(x);
    const float z = a.r * a.r;
    constexpr float s[] = {-0x1.555556p-3f, 0x1.11115cp-7f, -0x1.a03bcep-13f, 0x1.73e328p-19f};  // 2^-32.1
    constexpr float c[] = {-0.5f, 0x1.55553ep-5f, -0x1.6c05a6p-10f, 0x1.983e18p-16f};  // 2^-31.2
    const float sin = a.r + fused(a.r * z, polynomial(z, s), a.r_low);
    const float cos = 1.0f + fused(z, polynomial(z, c), -a.r * a.r_low);
    const uint32_t n = a.n + quarters;
    const float value = number(bits(n & 1 ? cos : sin) ^ (n & 2) << 30);
    return absolute(x) <= 0x1p22f ? value : NOT_A_NUMBER;
}

}  // namespace float_parts

// e^x = 2^n e^r (Cody & Waite 1980).  Error: 1.02 ulp. Results below 2^-126 are rounded once more.
PORTABLE float exp(float x)
{
    using namespace float_parts;
    const Reduced a = reduce_by_log2(at_most(at_least(x, -104.0f), 89.0f));
    const uint32_t half = uint32_t(int32_t(a.n) >> 1);  // 2^n itself may be no normal number
    return (1.0f + short_exponential(a.r)) * power_of_two(half) * power_of_two(a.n - half);
}

// e^x - 1 = 2 (2^(n-1) (e^r - 1) + 2^(n-1) - 1/2).  Error: 1.3 ulp.
PORTABLE float expm1(float x)
{
    using namespace float_parts;
    constexpr float c[] = {  // 2^-31.0 of e^r - 1
        0.5f, 0x1.555554p-3f, 0x1.5554eap-5f, 0x1.1113acp-7f, 0x1.6d4c6ap-10f, 0x1.9c5ea2p-13f};
    const Reduced a = reduce_by_log2(at_most(at_least(x, -18.0f), 89.0f));
    const float half = power_of_two(a.n - 1u), curve = fused(a.r * a.r, polynomial(a.r, c), a.r_low);
    const float value = 2.0f * fused(half, curve, fused(half, a.r, half - 0.5f));
    return absolute(x) < 0x1p-25f ? x : value;
}

// log x = n log 2 + log(1 + f) (Cody & Waite 1980).  Error: 0.93 ulp.
PORTABLE float log(float x)
{
    using namespace float_parts;
    const Sum log = positive_logarithm(x);
    const float value = x < INF ? log.high + log.low : x;
    return x > 0.0f ? value : x == 0.0f ? -INF : NOT_A_NUMBER;
}

// log(1 + x).  Error: 1.1 ulp.
PORTABLE float log1p(float x)
{
    using namespace float_parts;
    const float value = x < INF && x != 0.0f ? logarithm_of_one_plus(x) : x;
    return x > -1.0f ? value : x == -1.0f ? -INF : NOT_A_NUMBER;
}

// tanh x = x + x^3 P(x^2) for |x| < 0.6, elsewhere 1 - 2 / (1 + e^(2 |x|)) with the sign of x (Cody & Waite 1980).
// Error: 1.23 ulp.
PORTABLE float tanh(float x)
{
    using namespace float_parts;
    constexpr float c[] = {  // 2^-28.4, |x| <= 0.6
        -0x1.55553ep-2f, 0x1.1109bep-3f, -0x1.b89ab8p-5f, 0x1.54c3a8p-6f, -0x1.8286cep-8f};
    const float size = absolute(x), square = x * x, small = fused(size * square, polynomial(square, c), size);
    const Reduced a = reduce_by_log2(2.0f * at_most(size, 10.0f));
    const float scale = power_of_two(a.n), e_plus_1 = fused(scale, short_exponential(a.r), scale + 1.0f);
    return with_sign(size < 0.6f ? small : 1.0f - 2.0f / e_plus_1, x);
}

// sin x and cos x for |x| <= 2^22.  Error: 1.21 ulp. NaN for larger |x|, unlike torch.
PORTABLE float sin(float x) { return x == 0.0f ? x : float_parts::sine(x, 0); }
PORTABLE float cos(float x) { return float_parts::sine(x, 1); }

}  // namespace portable
