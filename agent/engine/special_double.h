// Special functions of double precision whose bits are those of this source; see elementary_double.h.
//
// Where singularities of a function are near, its polynomial is in t = (y - g) / (y + g): an interval of positive y
// becomes a small one around 0, and singularities at y <= 0 are moved away, to |t| >= 1. Two thirds of the degree then
// suffice.

#pragma once

#include "elementary_double.h"

namespace portable {

// The error function: x + x P(x^2) below 1, else 1 - e^P(x - 1), P close to log erfc. An error of P matters most where
// erfc is greatest, at 1, so P is expanded there.  Error: 1.2 ulp.
PORTABLE double erf(double x)
{
    using namespace double_parts;
    constexpr double near[] = {  // 2^-62.8
        0x1.06eba8214db69p-3, -0x1.812746b0379e6p-2, 0x1.ce2f21a042b34p-4, -0x1.b82ce31284f25p-6, 0x1.565bcd0dbd637p-8,
        -0x1.c02db3db40d99p-11, 0x1.f9a321e3b4f62p-14, -0x1.f4d1e420adcefp-17, 0x1.b9df2f5469ecdp-20,
        -0x1.5f1f38037f691p-23, 0x1.f7b93adc20a93p-27, -0x1.38aaeb62d78b0p-30, 0x1.0623ffb75d8ecp-34};
    constexpr double far[] = {  // 2^-57.0
        -0x1.d97fbf27aa2a1p+0, -0x1.51c9b0006c21dp+1, -0x1.afabc11a2ad21p-1, -0x1.5477f099ec694p-5,
        0x1.48c9d3882f286p-7, -0x1.033f5adb0f7ddp-9, 0x1.f1b07a4f652a5p-13, 0x1.b929fa6721d7ep-16,
        -0x1.c84b979c96115p-16, 0x1.4471c6eafc8bfp-17, -0x1.1ddcea96741c8p-19, 0x1.b4a8b08b86485p-23,
        0x1.f8d905db63426p-25, -0x1.214025fdb03f5p-25, 0x1.2736fd9535b7cp-27, -0x1.6e0b1558460fap-30,
        0x1.09372acf7437ap-33, -0x1.5a7784c76c910p-38};
    const double size = absolute(x), t = at_most(size, 6.0);
    const double inner = fused(t, polynomial(t * t, near), t);
    const Exponential e = exponential(polynomial(t - 1, far));
    const double scale = number((1023 + e.n) << 52), outer = 1 - scale * (1 + (e.r + e.curve));
    return with_sign(size < 1 ? inner : outer, x);
}

// The inverse of erf, NaN for |x| > 1. For |x| < 0.8427 it is x + x P(1 - x^2), else v + P(v), v = sqrt(-log(1 - |x|)).
// Error: 2.1 ulp.
PORTABLE double erfinv(double x)
{
    using namespace double_parts;
    constexpr double near[] = {  // 2^-60.3
        0x1.0e75aa4ee4d9bp-5, -0x1.f2b0dc683cc92p-2, 0x1.ce328e8e2d728p-6, -0x1.2400429e547aep-3, 0x1.3905d20549c8fp-6,
        -0x1.440deaf3139fcp-4, 0x1.e0b2ea270a602p-7, -0x1.b6055d568678cp-5, 0x1.88c67bf576857p-7,
        -0x1.46828b2b60938p-5, 0x1.4d437732e9ba7p-7, -0x1.0224702dd89bap-5, 0x1.21e17b5746ef0p-7,
        -0x1.a829b046d0f78p-6, 0x1.03af012fa20aap-7, -0x1.6b85593bd0213p-6, 0x1.a004e6bb3f515p-8,
        -0x1.1186ca0783998p-6, 0x1.42108ec95babep-7, -0x1.ae276ae8df1d4p-6};
    constexpr double far[] = {  // 2^-59.7
        -0x1.44a196ba76f97p-2, 0x1.ca0570ee95d6dp-3, 0x1.3791ac58f270dp-3, -0x1.9d3a5e1c63599p-3, 0x1.9c9e1a3b37aa5p-3,
        -0x1.cf2db543fbf30p-4, 0x1.d66172b3c9230p-6, 0x1.8c086366e3be0p-5, -0x1.408513810ddc5p-4, 0x1.33f16139283c2p-4,
        -0x1.3a8fc4ac13d85p-5, -0x1.9115d4721684fp-9, 0x1.3a50b7d0bec41p-5, -0x1.9280f5c04d8b6p-5,
        0x1.4501aef774fbbp-5, -0x1.a4b88213fba2ap-7, -0x1.e5b4fc124e1c2p-7, 0x1.1186375b7a38dp-5,
        -0x1.e99e098aa64e3p-6, 0x1.a7a99d6fca6bfp-7};
    const double size = absolute(x);
    const bool inside = size < 0.8427;  // below which erfinv is less than 1
    const Logarithm l = log_parts(1 - size);
    const double v = square_root(-(l.high + l.low));
    const double y = inside ? fused(-size, size, 1) : v, g = inside ? 0.54 : 2.3, t = (y - g) / (y + g);
    const double value = inside ? fused(size, polynomial(t, near), size) : v + polynomial(t, far);
    return with_sign(size < 1 ? value : size == 1 ? INF : NOT_A_NUMBER, x);
}

// log Gamma(x) for x >= 0: (y - 1) (y - 2) P(y), which keeps relative accuracy around the zeros at 1 and 2, for y = x
// in [0.75, 3) and, less log x, for y = x + 1 below that; Stirling's formula (DLMF 5.11.1) with a minimax remainder
// above.  Error: 2.8 ulp. NaN for x < 0 (torch: log |Gamma(x)|, and infinity at poles and -infinity).
PORTABLE double lgamma(double x)
{
    using namespace double_parts;
    constexpr double window[] = {  // 2^-59.5
        0x1.eeb95b094c191p-2, -0x1.c0638869c10cfp-2, 0x1.06ce2b0811ac6p-3, -0x1.34d888b7a1cccp-3, 0x1.5d697320e0beap-4,
        -0x1.7dca512a00178p-4, 0x1.0570a295a322dp-4, -0x1.1547408be7bc6p-4, 0x1.a11a1536dded7p-5,
        -0x1.b3c55a385ec3ap-5, 0x1.5abd66d81d9e4p-5, -0x1.6706bc6b82e0fp-5, 0x1.28ac14d9b9a26p-5,
        -0x1.315e3ec64b4c1p-5, 0x1.027e4ffb7473cp-5, -0x1.08ea798723c02p-5, 0x1.d9ed852bc9e0dp-6,
        -0x1.e4af9cb87df04p-6, 0x1.460b710f22655p-6, -0x1.4a8149b6dd3fep-6, 0x1.513af78475969p-5,
        -0x1.589dd4a231754p-5};
    constexpr double remainder[] = {  // 2^-57.4
        0x1.5555555555203p-4, -0x1.6c16c16278f03p-9, 0x1.a019ed0adb526p-11, -0x1.380dc9bd49372p-11,
        0x1.b85de38377be5p-11, -0x1.e96e6bb107e02p-10, 0x1.64f24c396d449p-8, -0x1.0a6964e5328ccp-6,
        0x1.309cdc554d8bep-5, -0x1.661b0ec9eb7fcp-5};
    constexpr double GREATEST = 0x1.754d9278b51a7p+1014;  // the greatest x with a finite result
    constexpr double LARGEST = 0x1.fffffffffffffp+1023;
    const bool small = x < 0.75, large = x >= 3;
    const Logarithm l = log_parts(x);

    const double from_one = small ? x : x - 1, zeros = fused(from_one, from_one, -from_one);
    const double above = small ? x - 0.5 : x - 1.5, below = small ? x + 2.5 : x + 1.5;
    const double w = (large ? 1 : above) / (large ? x : below);  // one division for both
    const double near = zeros * polynomial(w, window);
    const double moved = (near - l.low) - l.high;

    const double a = x - 0.5, b = l.high - 1, b_low = ((l.high - b) - 1) + l.low;
    const double product = a * b, main = at_most(product, LARGEST), main_low = fused(a, b, -main);
    const double rest = fused(w, polynomial(w * w, remainder), 0x1.acfe390c97d69p-2);  // log(2 pi) / 2 - 1 / 2
    const double far = x <= GREATEST ? main + (fused(a, b_low, main_low) + rest) : INF;

    const double value = small ? moved : large ? far : near;
    return x > 0 ? value : x == 0 ? INF : NOT_A_NUMBER;
}

// The derivative of log Gamma(x) for x >= 0: (y - ROOT) P(y) for y = x in [1, 3) and, less 1 / x, for y = x + 1 below;
// log x - 1 / (2 x) - ... (DLMF 5.11.2) with a minimax remainder above.  Error: 2.5 ulp, also near the zero.
// -infinity at 0, infinity at -0 (as torch), NaN for x < 0.
PORTABLE double digamma(double x)
{
    using namespace double_parts;
    constexpr double window[] = {  // 2^-59.3
        0x1.b763ca67112a0p-1, -0x1.2452fb45047fcp+0, 0x1.90cf1e698a518p-1, -0x1.a41118afb439bp-1, 0x1.8ac56fb1a0db0p-1,
        -0x1.95dcd0681d671p-1, 0x1.8cec6c5014830p-1, -0x1.930942fefa81ep-1, 0x1.8e47b197fea8fp-1,
        -0x1.91fd019c000ddp-1, 0x1.8efcb3a411ea0p-1, -0x1.9176d85f3d5a0p-1, 0x1.8f67275c05a04p-1,
        -0x1.90f8fc936028dp-1, 0x1.8f3d023f6be20p-1, -0x1.9409f2cf1ccb2p-1, 0x1.95a304af1f85bp-1,
        -0x1.6fe8c72101929p-1, 0x1.5bbfd8295cbb2p-1, -0x1.272946ac34032p+0, 0x1.4337b7bea38b9p+0};
    constexpr double remainder[] = {  // 2^-57.6
        -0x1.5555555554f40p-4, 0x1.1111110b4fe45p-7, -0x1.0410391b96ea0p-8, 0x1.110e43e442189p-8,
        -0x1.efe395e6736e8p-8, 0x1.5446df812258fp-6, -0x1.348c272a8f4f4p-4, 0x1.32440bf876a55p-2,
        -0x1.0ac3ec8f513dap+0, 0x1.4387f8ab3383ep+1, -0x1.8047aa2ad89f2p+1};
    constexpr double ROOT = 0x1.762d86356be3fp+0, ROOT_LOW = 0x1.b86a722197829p-54;
    const bool small = x < 1, large = x >= 3;
    const Logarithm l = log_parts(x);
    const double w = 1 / x, z = w * w;

    const double from_root = (x - (small ? ROOT - 1 : ROOT)) - ROOT_LOW;
    const double t = (small ? x - 0.75 : x - 1.75) / (small ? x + 2.75 : x + 1.75);
    const double near = from_root * polynomial(t, window);

    const double far = l.high + (fused(z, polynomial(z, remainder), l.low) - 0.5 * w);
    const double value = small ? near - w : large ? far : near;
    return x < 0 ? NOT_A_NUMBER : x == INF ? x : value;
}

}  // namespace portable
