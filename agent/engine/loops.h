// What generated loops use besides arithmetic: partial sums, and the order of numbers.

#pragma once

#include <immintrin.h>

#include <cstdint>

// Tells a compiler that no iteration of the next loop reads what another one writes.
#ifdef __clang__
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif

namespace portable {

// While it exists, subnormal numbers (below 1.2e-38 in float) count as zero. Adam's averages for a unit that gets no
// gradient any more decay to such numbers, with which a processor computes up to a hundred times slower.
class SubnormalsAreZero {
    const unsigned before = _mm_getcsr();

public:
    SubnormalsAreZero() { _mm_setcsr(before | 0x8040); }
    ~SubnormalsAreZero() { _mm_setcsr(before); }
};

// The sum of 16 partial sums, added pairwise: i and i + 8, then i and i + 4, ...
template <class T>
inline T sum_of_lanes(T* x)
{
    for (int n = 8; n; n /= 2)
        for (int i = 0; i < n; i++) x[i] += x[i + n];
    return x[0];
}

// Whether a comes before b in descending order; NaN is the largest.
template <class T>
inline bool larger(T a, T b)
{
    return a > b || (a != a && b == b);
}

// The indices of the M largest of N numbers, from the largest down; of equal numbers, the first.
template <int N, int M>
void largest(const float* x, int64_t stride, int64_t* best)
{
    bool taken[N] = {};
    for (int m = 0; m < M; m++) {
        int at = -1;
        for (int i = 0; i < N; i++)
            if (!taken[i] && (at < 0 || larger(x[i * stride], x[at * stride]))) at = i;
        taken[at] = true, best[m] = at;
    }
}

}  // namespace portable
