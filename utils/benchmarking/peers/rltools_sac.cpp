// SAC of RLtools on its own Pendulum, with a fixed temperature and one update per step. SIZE_OF_BATCH, SIZE_OF_HIDDEN
// and SIZE_OF_REPLAY are macros, since RLtools fixes all sizes when it is compiled; its step size is 0.001.

// The order matters: Adam's operations must follow those of all layers and models.
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

namespace {

using Device = rl_tools::devices::DEVICE_FACTORY<>;
using Index = Device::index_t;
using Random = Device::SPEC::RANDOM::ENGINE<>;
using Numbers = rl_tools::numeric_types::Policy<float>;

namespace environments = rl_tools::rl::environments;
namespace sac = rl_tools::rl::algorithms::sac;

using Pendulum = environments::Pendulum<environments::pendulum::Specification<float, Index>>;

struct Parameters : sac::loop::core::DefaultParameters<Numbers, Index, Pendulum> {
    struct SAC_PARAMETERS : sac::DefaultParameters<Numbers, Index, Pendulum::ACTION_DIM> {
        static constexpr Index ACTOR_BATCH_SIZE = SIZE_OF_BATCH, CRITIC_BATCH_SIZE = SIZE_OF_BATCH;
        static constexpr bool ADAPTIVE_ALPHA = false;
        static constexpr float ALPHA = 0.2;
    };
    // Layers include the output layer: 3 means two hidden ones, the default.
    static constexpr Index ACTOR_HIDDEN_DIM = SIZE_OF_HIDDEN, CRITIC_HIDDEN_DIM = SIZE_OF_HIDDEN;
    static constexpr Index N_WARMUP_STEPS = SIZE_OF_BATCH;
    static constexpr Index N_WARMUP_STEPS_ACTOR = SIZE_OF_BATCH, N_WARMUP_STEPS_CRITIC = SIZE_OF_BATCH;
    static constexpr Index STEP_LIMIT = 1'000'000'000, EPISODE_STEP_LIMIT = 1000;
    static constexpr Index REPLAY_BUFFER_CAP = SIZE_OF_REPLAY;
};

using Config = sac::loop::core::Config<Numbers, Index, Random, Pendulum, Parameters>;

Device device;
Config::State<Config> state;

}  // namespace

extern "C" void start()
{
    rl_tools::malloc(device, state);
    rl_tools::init(device, state, 0);
}

extern "C" void train(int steps)
{
    for (int i = 0; i < steps; i++) rl_tools::step(device, state);
}
