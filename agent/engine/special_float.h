// Special functions of float32 whose bits are those of this source; see elementary_float.h.

#pragma once

#include "elementary_float.h"

namespace portable {
namespace float_parts {

// e^(a^2 / 2) Phi(-a), a >= 0, Phi the standard normal distribution function, as P(u) / (a + K) with
// u = (a - K) / (a + K) in [-1, 1] (Shepherd & Laframboise 1981).
PORTABLE float scaled_normal_tail(float a)
{
    constexpr float K = 0x1.bce8p1f;  // chosen so that c[0] is nearly a float32
    constexpr float c[] = {  // 2^-27.3
        0x1.7cd27cp-1f, -0x1.205bdap-1f, 0x1.3f1854p-2f, -0x1.cd4ecep-4f, 0x1.00657cp-6f, 0x1.bd8618p-8f,
        -0x1.8badb4p-9f, -0x1.0e134ap-11f, 0x1.c9d05ap-12f, 0x1.0051d4p-14f, -0x1.9267d4p-15f, -0x1.827432p-18f};
    const float sum = a + K, larger = a > K ? a : K, smaller = a > K ? K : a;
    const float t = 1.0f / sum, sum_low = smaller - (sum - larger);
    const float t_low = t * fused(-sum_low, t, fused(-sum, t, 1.0f));  // t + t_low = 1 / (a + K)
    const float value = polynomial(fused(-2.0f * K, t_low, fused(-2.0f * K, t, 1.0f)), c);
    return fused(value, t_low, value * t);
}

// scaled e^(-a^2 / 2), 0 <= a <= 15; the rounding error of a^2 is corrected.
PORTABLE float normal_tail(float scaled, float a)
{
    const float square = a * a, error = fused(a, a, -square);
    const Reduced r = reduce_by_log2(-0.5f * square);
    const uint32_t half = uint32_t(int32_t(r.n) >> 1);  // 2^n itself may be no normal number
    const float minus_one = short_exponential(r.r), rest = fused(-0.5f, error, r.r_low);
    const float power_minus_one = minus_one + fused(minus_one, rest, rest);  // of (1 + minus_one) (1 + rest)
    return fused(scaled, power_minus_one, scaled) * power_of_two(half) * power_of_two(r.n - half);
}

// A function of a gamma variate that its gradient needs: see standard_gamma_grad.
PORTABLE float gamma_correction(float q, float w)
{
    constexpr float c[11][4] = {  // 4.4e-6 of the gradient
        {0x1.5521f4p-3f, 0x1.22384ap-6f, -0x1.b3d3aep-7f, 0x1.52e0dcp-9f},
        {-0x1.559314p-2f, 0x1.6b97c8p-10f, 0x1.12d916p-5f, -0x1.4e8f1ep-7f},
        {0x1.14667p-3f, -0x1.733e2cp-4f, 0x1.362b9cp-8f, 0x1.791b1cp-8f},
        {0x1.0f835ep-4f, 0x1.54e352p-4f, -0x1.f45f5p-5f, 0x1.985d0ap-7f},
        {-0x1.571cd6p-5f, 0x1.69a5cp-5f, -0x1.7307b8p-8f, 0x1.69df68p-10f},
        {0x1.f3590ep-8f, -0x1.fee178p-6f, 0x1.ead108p-7f, 0x1.30fb26p-9f},
        {-0x1.9750d4p-8f, -0x1.61120ap-4f, 0x1.dc268ep-4f, -0x1.aab8fcp-5f},
        {0x1.dddfb2p-7f, -0x1.a6d9d4p-6f, 0x1.a82944p-6f, -0x1.87a29ap-7f},
        {0x1.0ca2b8p-6f, 0x1.9918e8p-4f, -0x1.32c2f6p-3f, 0x1.139972p-4f},
        {-0x1.89e93cp-7f, 0x1.f902a6p-6f, -0x1.153268p-5f, 0x1.aef3a8p-7f},
        {-0x1.a998f2p-6f, -0x1.d02d3ep-7f, 0x1.287b98p-5f, -0x1.2e164ep-6f}};
    float value = 0.0f;
#pragma GCC unroll 11
    for (int i = 10; i >= 0; i--) value = fused(value, q, polynomial(w, c[i]));
    return value;
}

}  // namespace float_parts

// The error function: x + x P(x^2) for |x| < 1, elsewhere 1 - e^-P(|x| - 1) with the sign of x.  Error: 1 ulp.
PORTABLE float erf(float x)
{
    using namespace float_parts;
    constexpr float c[] = {  // 2^-29.4
        0x1.06eba8p-3f, -0x1.81273ep-2f, 0x1.ce2ce6p-4f, -0x1.b7f71ap-6f, 0x1.53f226p-8f, -0x1.a35186p-11f,
        0x1.4772c4p-14f};
    constexpr float d[] = {  // 2^-26.7, 1 <= |x| <= 4
        0x1.d97fcp0f, 0x1.51c988p1f, 0x1.afb454p-1f, 0x1.520468p-5f, -0x1.35eb2cp-7f, 0x1.875dfcp-10f,
        -0x1.942b7cp-14f};
    const float size = absolute(x);
    const Reduced a = reduce_by_log2(-polynomial(at_most(size, 4.0f) - 1.0f, d));
    const float scale = power_of_two(a.n), large = fused(-scale, short_exponential(a.r), 1.0f - scale);
    return size < 1.0f ? fused(x, polynomial(x * x, c), x) : with_sign(large, x);
}

// The inverse of the error function, x P(w) with w = -log(1 - x^2) (Giles 2010), a polynomial in w for w < 5 and in its
// root elsewhere.  Error: 2 ulp.
PORTABLE float erfinv(float x)
{
    using namespace float_parts;
    constexpr float SMALL = 0x1.413p1f, LARGE = 0x1.901916p1f;  // chosen so that c[0] and d[0] are nearly float32
    constexpr float c[] = {  // 2^-28.5
        0x1.80f24cp0f, 0x1.f8f5bcp-3f, -0x1.140b12p-8f, -0x1.464676p-10f, 0x1.c944b6p-13f, -0x1.5a0298p-18f,
        -0x1.c8b416p-19f, 0x1.f66e8ep-22f, 0x1.25d0fp-26f, -0x1.2e063ap-27f, 0x1.7b0c28p-32f};
    constexpr float d[] = {  // 2^-27.1, w < 16
        0x1.7ac36ap1f, 0x1.00f46ap0f, 0x1.cd2428p-8f, -0x1.5aa4e8p-8f, 0x1.eeb604p-9f, -0x1.499f0ep-9f,
        0x1.55f6d2p-10f, -0x1.54ebc8p-12f, -0x1.64b3c4p-13f, 0x1.10ab38p-13f};
    const float rest = fused(-x, x, 1.0f);
    const Split s = split(rest);
    const Sum log = logarithm(s.n, s.f, 0.0f);
    const float w = -(log.high + log.low);
    const float small = polynomial(w - SMALL, c), large = polynomial(square_root(at_least(w, 5.0f)) - LARGE, d);
    const float value = x * (w < 5.0f ? small : large);
    return rest > 0.0f ? value : rest == 0.0f ? with_sign(INF, x) : NOT_A_NUMBER;
}

// The logarithm of the standard normal distribution function: a polynomial for |x| < 1, with
// h = e^(x^2 / 2) Phi(-|x|) log h - x^2 / 2 below, and log(1 - e^(-x^2 / 2) h) above.  Error: 3.8 ulp.
PORTABLE float log_ndtr(float x)
{
    using namespace float_parts;
    constexpr float ORIGIN = 0x1.2dddep-1f;  // chosen so that c[0] is nearly a float32
    constexpr float c[] = {  // 2^-29.2
        -0x1.4d2c02p-2f, 0x1.db5e92p-2f, -0x1.f4f31ep-3f, 0x1.7c1f04p-5f, 0x1.a5402cp-9f, -0x1.26dadap-10f,
        -0x1.83ef4p-12f, -0x1.42e306p-18f, 0x1.7f6bc8p-16f, 0x1.71045ep-18f, 0x1.90879cp-22f};
    const bool above = x > 0.0f;
    const float size = absolute(x), scaled = scaled_normal_tail(at_most(size, 0x1p64f));
    const float tail = normal_tail(scaled, at_most(size, 15.0f));
    const Split s = split(scaled);
    const Sum log = logarithm(above ? 0.0f : s.n, above ? -tail : s.f, 0.0f);
    const float value = log.high + log.low, outer = above ? -absolute(value) : fused(-0.5f * size, size, value);
    return size < 1.0f ? polynomial(x - ORIGIN, c) : outer;
}

// log Gamma(x), x >= 0: (x - 1) (x - 2) P(x) for 1 <= x < 2.5, Stirling's series above, and log Gamma(1 + x) - log x
// below.  Error: 2.1 ulp. NaN for x < 0, unlike torch.
PORTABLE float lgamma(float x)
{
    using namespace float_parts;
    constexpr float MIDDLE = 0x1.b371ecp0f;  // chosen so that c[0] is nearly a float32
    constexpr float c[] = {  // 2^-28.3
        0x1.d30e16p-2f, -0x1.fbdd1ep-4f, 0x1.84c1e6p-5f, -0x1.56223ep-6f, 0x1.44195ep-7f, -0x1.4158bcp-8f,
        0x1.4a1e3cp-9f, -0x1.51f3e8p-10f, 0x1.42635ep-11f, -0x1.8a7b4ep-12f, 0x1.4cf0a4p-12f, -0x1.1daa68p-13f};
    constexpr float d[] = {0x1.55554cp-4f, -0x1.6bdd16p-9f, 0x1.90a39ep-11f, -0x1.82081ep-12f};  // 2^-32.0, x >= 2.5
    const bool below = x < 1.0f;
    const float y = below ? 1.0f + x : x, from_one = below ? x : x - 1.0f, from_two = below ? x - 1.0f : x - 2.0f;
    const float near = from_one * from_two * polynomial(y - MIDDLE, c) + 0.0f;  // no -0
    const Sum log = positive_logarithm(x);
    const float high = log.high + log.low, low = log.low - (high - log.high);
    const float w = 1.0f / x, factor = x - 0.5f;
    const float main = fused(factor, high - 1.0f, 0x1.acfe3ap-2f);  // (log(2 pi) - 1) / 2
    const float far = main + fused(w, polynomial(w * w, d), factor * low);
    const float value = below ? near - low - high : x < 2.5f ? near : far;
    return x > 0.0f ? (x < INF ? value : INF) : x == 0.0f ? INF : NOT_A_NUMBER;
}

// psi(x), the derivative of log Gamma, x >= 0: (x - x0) P(x) for 1 <= x < 2, x0 its zero, an asymptotic series in 1 / x
// above, and psi(1 + x) - 1 / x below.  Error: 2.3 ulp. NaN for x < 0, unlike torch.
PORTABLE float digamma(float x)
{
    using namespace float_parts;
    constexpr float ZERO = 0x1.762d86p0f, ZERO_LOW = 0x1.ab5f2p-27f;
    constexpr float MIDDLE = 0x1.78b148p0f;  // chosen so that c[0] is nearly a float32
    constexpr float c[] = {  // 2^-27.8
        0x1.ed3becp-1f, -0x1.c03cc6p-2f, 0x1.03d1d4p-2f, -0x1.47351p-3f, 0x1.ab710ep-4f, -0x1.1cc0e8p-4f,
        0x1.7cd848p-5f, -0x1.eeb374p-6f, 0x1.5fd536p-6f, -0x1.3f948p-6f, 0x1.70941ep-7f};
    constexpr float d[] = {  // 2^-31.2, x >= 2
        0x1.555534p-4f, -0x1.10dad8p-7f, 0x1.f87a28p-9f, -0x1.945b0cp-9f, 0x1.fa0426p-10f};
    const bool below = x < 1.0f;
    const float y = below ? 1.0f + x : x, rest = below ? x - (y - 1.0f) : 0.0f;
    const float near = ((y - ZERO) + (rest - ZERO_LOW)) * polynomial(y - MIDDLE, c);
    const Sum log = positive_logarithm(x);
    const float w = 1.0f / x;
    const float far = log.high + (log.low - fused(w * w, polynomial(w * w, d), 0.5f * w));
    const float value = below ? near - w : x < 2.0f ? near : far;
    return x > 0.0f ? (x < INF ? value : INF) : x == 0.0f ? -w : NOT_A_NUMBER;
}

// The derivative of a Gamma(shape, 1) variate x by its shape at a fixed value of the distribution function F,
// -(dF / dshape) / density (Figurnov, Mohamed & Mnih 2018), for shape >= 1.
// With r = x / shape it is r log r / (r - 1) for great shapes (from Temme 1979), plus r D / shape, where D is a
// polynomial in 1 / shape and q = (sqrt r - 1) / (sqrt r + 1), fitted to F's series (DLMF 8.7.1) in many digits.
// Relative error: 5e-6 where F and 1 - F exceed 1e-20; torch's: 4e-3. NaN for shape < 1, unlike torch.
PORTABLE float standard_gamma_grad(float shape, float x)
{
    using namespace float_parts;
    constexpr float MAX_Q = 0x1.6b7p-1f, MAX_RATIO = 34.0f;  // beyond, 1 - F is below e^-33
    const float w = 1.0f / shape, ratio = x * w, difference = (x - shape) * w;
    const Split s = split(at_least(ratio, 0x1p-126f));
    const Sum log = logarithm(s.n, s.exponent == 0 ? difference : s.f, 0.0f);
    const float quotient = difference == 0.0f ? 1.0f : (log.high + log.low) / difference;
    const float root = square_root(ratio), q = (root - 1.0f) / (root + 1.0f);
    const float correction = w * gamma_correction(at_most(q, MAX_Q), w) * at_most(ratio, MAX_RATIO);
    return shape >= 1.0f ? fused(ratio, quotient, correction) : NOT_A_NUMBER;
}

}  // namespace portable
