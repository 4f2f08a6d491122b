// Special functions whose bits are those of this source; see arithmetic.h.

#pragma once

#include "arithmetic.h"

namespace portable {

// e^(t^2) erfc(t), t >= 0, as P(u) / (1 + 2 t), u = (t - K) / (t + K) (Shepherd & Laframboise 1981).
inline float scaled_erfc(float t)
{
    constexpr float c[] = {
        0x1.40c522p+0f, -0x1.15c07ep-3f, -0x1.85a122p-5f, 0x1.0982b8p-3f, -0x1.e88cf0p-4f, 0x1.17d4c4p-4f,
        -0x1.855ac2p-6f, 0x1.470f8ep-9f, 0x1.ebc73ep-10f, -0x1.7abe98p-11f, -0x1.85c66ap-14f, 0x1.3dca78p-14f};
    return polynomial((t - 3.0f) / (t + 3.0f), c) / (1 + 2 * t);
}
inline double scaled_erfc(double t)
{
    constexpr double c[] = {
        0x1.3ccda0b5d5dc2p+0, -0x1.1f367683f89a5p-3, 0x1.d5f29481628bbp-9, 0x1.510169d096638p-4,
        -0x1.bda9309a35a66p-4, 0x1.7a14188a9d5c3p-4, -0x1.e0d0fa6c12719p-5, 0x1.d0b0037cf4f3dp-6,
        -0x1.3f603c7f0975bp-7, 0x1.cc3a0e8f1f319p-10, 0x1.33fb5ac7dd42ep-12, -0x1.303fa5f6a54d2p-12,
        0x1.b13e099d4163cp-15, 0x1.778bd58e1326ap-16, -0x1.7fcbc2c0ed4fap-17, -0x1.055e7c1260452p-20,
        0x1.d398d0ef2831fp-20, -0x1.ea47d56899571p-25, -0x1.0adc796f60731p-22, 0x1.8dcfe6d6f478cp-26,
        0x1.128f14f28b01cp-25, -0x1.fc43e09a2407ep-29, -0x1.681796b34f24bp-29, 0x1.4cc4870947873p-32};
    return polynomial((t - 3.75) / (t + 3.75), c) / (1 + 2 * t);
}

inline float erf_series(float z)
{
    constexpr float c[] = {
        0x1.20dd74p+0f, -0x1.81273ep-2f, 0x1.ce2cf8p-4f, -0x1.b7f90cp-6f, 0x1.5405b2p-8f, -0x1.a3f700p-11f,
        0x1.496a30p-14f};
    return polynomial(z, c);
}
inline double erf_series(double z)
{
    constexpr double c[] = {
        0x1.20dd750429b6dp+0, -0x1.812746b0379e7p-2, 0x1.ce2f21a042bddp-4, -0x1.b82ce3128899bp-6,
        0x1.565bcd0e64ab7p-8, -0x1.c02db3fed8f6ep-11, 0x1.f9a326bfb7250p-14, -0x1.f4d255e147e3ap-17,
        0x1.b9e64d07dab17p-20, -0x1.5f6d6b525301cp-23, 0x1.fc41172162e46p-27, -0x1.4e55ccc9d07b4p-30,
        0x1.7ecbf8379d2bcp-34, -0x1.2928f43a136c6p-38};
    return polynomial(z, c);
}

// e^(-w t^2), w a power of 2; the rounding error of t^2 is corrected.
template <class T> inline T gaussian(T t, T w = 1)
{
    const T square = t * t, error = fused(t, t, -square), value = exponential(-w * square);
    return fused(value, -w * error, value);
}

// The error function.  Error: float 2.5 ulp, double 1.5 ulp.
template <class T> inline T error_function(T x)
{
    const T t = absolute(x), limited = at_most(t, T(28));
    const T far = 1 - gaussian(limited) * scaled_erfc(limited);
    return t < 1 ? x * erf_series(x * x) : with_sign(far, x);
}
inline float erf(float x) { return error_function(x); }
inline double erf(double x) { return error_function(x); }

// The log of the standard normal distribution function: log(h) - x^2/2 with h = e^(x^2/2) Phi(x) for x < 0, and
// log(1 - e^(-x^2/2) h(-x)) for x >= 0.  Error: float 6 ulp, double 5 ulp.
template <class T> inline T log_normal_cdf(T x)
{
    const T far = T(sizeof(T) == 4 ? 0x1p60 : 0x1p500), size = at_most(absolute(x), far);
    const T h = T(0.5) * scaled_erfc(size * T(0x1.6a09e667f3bcdp-1));
    const T tail = gaussian(at_most(size, T(40)), T(0.5)) * h;
    const T u = x < 0 ? h : 1 - tail, c = x < 0 ? T(0) : (1 - u) - tail;
    const T value = logarithm(u, c);
    return x < 0 ? value - T(0.5) * x * x : value;
}
inline float log_ndtr(float x) { return log_normal_cdf(x); }
inline double log_ndtr(double x) { return log_normal_cdf(x); }

// The inverse of the error function: a first guess (Winitzki 2008), and two steps of Halley's method on erf or, where
// that is near 1, on erfc.  Error: 2 ulp, but 12 within 10^-14 of -1 and 1.
inline double erfinv(double x)
{
    constexpr double A = 0.147, HALF_ROOT_PI = 0x1.c5bf891b4ef6bp-1;
    const double size = absolute(x), rest = 1 - size;
    const double l = log_one_plus(-size * size), half = 2 / (3.141592653589793 * A) + 0.5 * l;
    const double guess = square_root(square_root(half * half - l / A) - half);
    const double first = size < 0.25 ? size * HALF_ROOT_PI * (1 + size * size * 0.2617993877991494) : guess;
    const auto improved = [=](double y) {
        const double bell = gaussian(y);
        const double excess = size < 0.5 ? error_function(y) - size : rest - bell * scaled_erfc(y);
        const double newton = excess * HALF_ROOT_PI / bell;
        return y - newton / (1 + y * newton);
    };
    const double value = size < 1 ? improved(improved(first)) : size == 1 ? (double)INFINITY : (double)NAN;
    return with_sign(value, x);
}
inline float erfinv(float x) { return (float)erfinv((double)x); }

// log Gamma(x), x > 0: Stirling's series at x >= 8, where smaller x are moved by the recurrence.
// Error: 2e-14 for results below 20, else 2 ulp (double). NaN for x < 0.
inline double lgamma(double x)
{
    constexpr double c[] = {
        0x1.5555555555555p-4, -0x1.6c16c16c16c17p-9, 0x1.a01a01a01a01ap-11, -0x1.3813813813814p-11,
        0x1.b951e2b18ff23p-11, -0x1.f6ab0d9993c7dp-10, 0x1.a41a41a41a41ap-8, -0x1.e4286cb0f5398p-6};
    const bool small = x < 8;
    const double y = small ? x + 8 : x;
    const double shift = small ? x * (x + 1) * (x + 2) * (x + 3) * (x + 4) * (x + 5) * (x + 6) * (x + 7) : 1.0;
    const double w = 1 / y, series = w * polynomial(w * w, c);
    const double value = (y - 0.5) * logarithm(y, 0.0) - y + 0x1.d67f1c864beb5p-1 + series;
    const double result = small ? value - natural_log(shift) : value;
    return y == (double)INFINITY ? y : x >= 0 ? result : (double)NAN;
}
inline float lgamma(float x) { return (float)lgamma((double)x); }

// The derivative of log Gamma(x), x > 0, as above.  Error: 4e-15 for results below 20, else 2 ulp
// (double). NaN for x < 0.
inline double digamma(double x)
{
    constexpr double c[] = {
        -0x1.5555555555555p-4, 0x1.1111111111111p-7, -0x1.0410410410410p-8, 0x1.1111111111111p-8,
        -0x1.f07c1f07c1f08p-8, 0x1.5995995995996p-6, -0x1.5555555555555p-4, 0x1.c5e5e5e5e5e5ep-2};
    const bool small = x < 8;
    const double moved = 1 / x + 1 / (x + 1) + 1 / (x + 2) + 1 / (x + 3) + 1 / (x + 4) + 1 / (x + 5) + 1 / (x + 6) + 1 / (x + 7);
    const double y = small ? x + 8 : x, w = 1 / y, z = w * w;
    const double value = logarithm(y, 0.0) - 0.5 * w + z * polynomial(z, c);
    const double result = small ? value - moved : value;
    return y == (double)INFINITY ? y : x >= 0 ? result : (double)NAN;
}
inline float digamma(float x) { return (float)digamma((double)x); }

// The derivative of a Gamma(shape, 1) variate by its shape at a fixed value of the distribution function F,
// -(dF/dshape) / density, from F's series (DLMF 8.7.1) term by term: sum_n c_n (psi(shape + n + 1) - log x),
// c_0 = x / shape, c_n = c_(n-1) x / (shape + n).  shape, x > 0.  Error: 1e-6 relative, up to 1e-9 from the upper tail.
inline float standard_gamma_grad(float shape, float x)
{
    const double a = shape, log_x = natural_log((double)x);
    double term = x / a, psi = digamma(a + 1), sum = 0;
    for (int n = 1; n < 100000; n++) {
        sum += term * (psi - log_x);
        if (!(term > 1e-17 * absolute(sum)) && a + n > x) break;
        psi += 1 / (a + n);
        term *= x / (a + n);
    }
    return (float)sum;
}

}  // namespace portable
