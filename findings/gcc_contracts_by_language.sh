#!/usr/bin/env bash
# gcc 12.2.0 and clang 14.0.6 with -O2 -mfma, x86-64 with FMA; 2026-11-28.
#
# Guess: -std=c17 and -std=c++17 both ask for a standard's arithmetic, so one compiler gives a * b + c the same bits in
# C and in C++; and "#pragma STDC FP_CONTRACT OFF", which is standard C, ends contraction to a fused multiply-add.
# What happens: gcc contracts in C++ with -std=c++17, in C with -std=gnu17, its default, but not with -std=c17. It
# contracts across statements, and ignores the pragma. clang contracts in both languages with any standard, only within
# an expression, and obeys the pragma. So the same lines in a .c and a .cpp file differ; only -ffp-contract=off is the
# same everywhere.
set -euo pipefail
grep -qw fma /proc/cpuinfo || { echo "this processor has no FMA: nothing to see"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat > one.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#ifdef PRAGMA
#pragma STDC FP_CONTRACT OFF
#endif
/* The rounding error of a product if the sum is contracted, and 0 if it is not. */
__attribute__((noinline)) double expression(double a, double b, double c) { return a * b + c; }
__attribute__((noinline)) double statements(double a, double b, double c)
{
    double product = a * b;
    return product + c;
}
int main(int argc, char** argv)
{
    double a = atof(argv[1]), square = atof(argv[2]);
    printf("%d %d\n", expression(a, a, -square) != 0.0, statements(a, a, -square) != 0.0);
    return argc != 3;
}
C
cp one.c one.cpp
# a = 1 + 2**-30, whose square needs 61 bits, and the square rounded to 53.
numbers=(1.000000000931322574615478515625 1.00000000186264514923095703125)

contracted() {
    "$@" -O2 -mfma -w -o program
    ./program "${numbers[@]}"
}
{
    for compilers in 'gcc g++' 'clang clang++'; do
        read -r c cpp <<< "$compilers"
        echo "$c -std=c17: $(contracted "$c" -std=c17 one.c)"
        echo "$c -std=gnu17: $(contracted "$c" -std=gnu17 one.c)"
        echo "$c -std=gnu17, with the pragma: $(contracted "$c" -std=gnu17 -DPRAGMA one.c)"
        echo "$cpp -std=c++17: $(contracted "$cpp" -std=c++17 one.cpp)"
        echo "$cpp -std=c++17 -ffp-contract=off: $(contracted "$cpp" -std=c++17 -ffp-contract=off one.cpp)"
    done
} > found
echo "contracted (1) or not (0) within an expression, and across statements:"
cat found
[ "$(sed 's/.*: //' found | tr '\n' ',')" = '0 0,1 1,1 1,1 1,0 0,1 0,1 0,0 0,1 0,0 0,' ]
