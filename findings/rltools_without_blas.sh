#!/usr/bin/env bash
# rltools 2.2.1, mkl 2026.2.0, g++ with -O3 -march=native -ffast-math, Python 3.11, x86-64; 2026-11-28.
#
# Guess: RLtools' own matrix products are as fast as a BLAS for layers of 64 units, since all sizes are known when it is
# compiled, and its documentation promises heavy optimization for that; so its speed does not depend on a BLAS.
# What happens: SAC on its own Pendulum, with its default sizes, is several times as fast with MKL as with its own
# products. `pip install rltools` installs no BLAS. Compare with `rltools[mkl]`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet rltools==2.2.1 mkl==2026.2.0 mkl-include==2026.2.0 2> /dev/null

cat > "$work/sac.cpp" <<'CPP'
#include <rl_tools/operations/cpu_mux.h>

#include <rl_tools/nn/optimizers/adam/instance/operations_generic.h>

#include <rl_tools/nn/operations_cpu_mux.h>

#include <rl_tools/nn/layers/sample_and_squash/operations_generic.h>
#include <rl_tools/nn_models/mlp/operations_generic.h>
#include <rl_tools/nn_models/random_uniform/operations_generic.h>
#include <rl_tools/nn_models/sequential/operations_generic.h>

#include <rl_tools/nn/optimizers/adam/operations_generic.h>

#include <rl_tools/rl/environments/pendulum/operations_cpu.h>

#include <rl_tools/rl/algorithms/sac/loop/core/config.h>

#include <rl_tools/rl/algorithms/sac/loop/core/operations_generic.h>

#include <cstdio>
#include <ctime>

namespace rlt = rl_tools;
using Device = rlt::devices::DEVICE_FACTORY<>;
using Index = Device::index_t;
using Numbers = rlt::numeric_types::Policy<float>;
using Pendulum = rlt::rl::environments::Pendulum<rlt::rl::environments::pendulum::Specification<float, Index>>;
using Config = rlt::rl::algorithms::sac::loop::core::Config<
    Numbers, Index, Device::SPEC::RANDOM::ENGINE<>, Pendulum,
    rlt::rl::algorithms::sac::loop::core::DefaultParameters<Numbers, Index, Pendulum>>;

Device device;
Config::State<Config> state;

int main()
{
    rlt::malloc(device, state);
    rlt::init(device, state, 0);
    for (int i = 0; i < 500; i++) rlt::step(device, state);
    const std::clock_t start = std::clock();
    for (int i = 0; i < 5000; i++) rlt::step(device, state);
    std::printf("%.0f\n", 5000.0 * CLOCKS_PER_SEC / double(std::clock() - start));
}
CPP
flags=(-std=c++17 -O3 -march=native -ffast-math -w "$work/sac.cpp")
flags+=("-I$(echo "$work"/venv/lib/python3*/site-packages/rltools/external/rl_tools/include)" "-I$work/venv/include")
g++ "${flags[@]}" -o "$work/own"
libraries=()
for name in intel_lp64 sequential core; do libraries+=("$(echo "$work"/venv/lib/libmkl_$name.so*)"); done
g++ "${flags[@]}" -DRL_TOOLS_BACKEND_ENABLE_MKL -DRL_TOOLS_DISABLE_UNALIGNED_MEMORY_ALLOCATIONS \
    -Wl,--no-as-needed "${libraries[@]}" "-Wl,-rpath,$work/venv/lib" -o "$work/mkl"

own=$("$work/own" | tail -n 1)
mkl=$(MKL_NUM_THREADS=1 "$work/mkl" | tail -n 1)
echo "steps per second of CPU time: own products $own, with MKL $mkl"
[ "$mkl" -gt $((3 * own)) ]
