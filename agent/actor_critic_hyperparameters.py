"""Hyperparameters of the actor-critics with networks: types, ranges, defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from agent.experience_hyperparameters import ExperienceHyperparameters
from agent.hyperparameters import (
    ACTION_UNITS_FIELD,
    ActionUnit,
    Count,
    Decay,
    Fraction,
    NonNegative,
    Positive,
    check_clip_stddev,
)
from agent.policy import POLICIES
from agent.replay.layout import transition_bytes

POLICY_OPTIONS = ("entropic_index", "num_components", "component_policy", "scale_exponentiated_twice")
"""Hyperparameters that only some policies have."""

POLICIES_WITHOUT_SIGMA = ("Beta", "Kumaraswamy")
"""Policies without a standard deviation that `clip_stddev` could limit."""

BOUNDED = ("SquashedGaussian", "Beta", "Kumaraswamy", "TruncatedGaussian")
"""Policies whose actions all lie inside the bounds."""

BOX_POLICIES = tuple(name for name, entry in POLICIES.items() if not entry.discrete)
"""Names of the policies over an action box."""

COMPONENT_POLICIES = tuple(name for name in BOX_POLICIES if "num_components" not in POLICIES[name].options)
"""Names of the policies over an action box that are not mixtures."""

if TYPE_CHECKING:
    PolicyType = str
    ComponentPolicy = str
else:
    PolicyType = Literal[*BOX_POLICIES]
    ComponentPolicy = Literal[*COMPONENT_POLICIES]

PRODUCTS_PER_UNIT = 2**19
"""Multiplications in one forward pass of a batch whose cost equals a run's fixed cost; see `step_cost`."""


class ActorCriticHyperparameters(ExperienceHyperparameters):
    """Hyperparameters of every agent with networks and a replay buffer."""

    compiles = True
    critic_lr: Positive = Field(1e-3, description="Adam step size of the critic")
    actor_lr_scale: NonNegative = Field(1.0, description="step size of the actor / step size of the critic")
    tau: Fraction = Field(0.005, description="weight of the critic in its target's average")
    target_update_interval: Count = Field(1, description="updates between target averagings")
    n_step: Count = Field(1, description="number of rewards in the critic's target; see agent.replay.n_step")
    batch_size: Count = 32
    replay_capacity: Count = 100_000
    num_hidden: Annotated[int, Field(ge=1, le=1000)] = Field(2, description="hidden layers of each network")
    hidden_dim: Annotated[int, Field(ge=1, le=2**20)] = Field(64, description="units per hidden layer")
    activation: Literal["relu", "tanh"] = "relu"
    layer_norm: bool = Field(False, description="layer normalization of each hidden layer before its activation")
    weight_init: Literal["xavier_uniform", "xavier_normal", "uniform", "normal", "orthogonal", "none"] = (
        "xavier_uniform"
    )
    clip_stddev: float = Field(1000.0, description="sigma is clamped to [1/clip, clip]; <= 0: unlimited")
    betas: tuple[Decay, Decay] = Field((0.9, 0.999), description="decay rates of Adam")
    cuda: bool = Field(False, description="train on a GPU")
    separate_batches: bool = Field(
        False, description="draw a batch for the critics and another for the actor, as the published qexp code does"
    )

    structural: ClassVar[tuple[str, ...]] = (
        "policy_type", "target_update_interval", "n_step", "batch_size", "replay_capacity", "num_hidden", "hidden_dim",
        "activation", "layer_norm", "betas", "cuda", "separate_batches", *ExperienceHyperparameters.structural,
    )  # fmt: skip
    parameterization: ClassVar[tuple[str, ...]] = (
        "policy_type", "num_hidden", "hidden_dim", "activation", "layer_norm", "normalize_observations",
    )  # fmt: skip
    values_before: ClassVar[dict[str, Any]] = {
        **ExperienceHyperparameters.values_before, "n_step": 1, "layer_norm": False, "separate_batches": False,
    }  # fmt: skip

    @model_validator(mode="after")
    def _check_limits(self) -> ActorCriticHyperparameters:
        """Refuse a batch larger than the buffer, a bound on sigma that excludes every sigma, normalizing one unit."""
        if self.batch_size > self.replay_capacity:
            raise ValueError(
                f"batch_size {self.batch_size} exceeds replay_capacity {self.replay_capacity}; allowed: at most that"
            )
        check_clip_stddev(self.clip_stddev)
        if self.layer_norm and self.hidden_dim == 1:
            raise ValueError("hidden_dim is 1 with layer_norm, which makes it a constant; allowed: at least 2")
        return self

    @property
    def step_cost(self) -> float:
        """One unit plus the products of the hidden layers; measured with SAC."""
        return 1.0 + self.batch_size * self.num_hidden * self.hidden_dim**2 / PRODUCTS_PER_UNIT

    def replay_bytes(self, obs_dim: int, action_dim: int, timesteps: int) -> int:
        """Return the bytes of the replay buffer's rows that are written; the system allocates no others."""
        return min(self.replay_capacity, timesteps) * transition_bytes(self.replay_capacity, obs_dim, action_dim)


class BoxHyperparameters(ActorCriticHyperparameters):
    """Hyperparameters of an actor-critic whose actions are in a box: the policy and its options."""

    policy_type: PolicyType = "SquashedGaussian"
    entropic_index: Annotated[float, Field(lt=3.0)] = Field(
        1.5, description="q of QGaussian: above 1 heavy tails, 1 the Gaussian, below 1 a compact support"
    )
    num_components: Count = Field(2, description="number of components of GaussianMixture and Mixture")
    component_policy: ComponentPolicy | None = Field(
        None, validate_default=True, description="policy of Mixture's components; null becomes SquashedGaussian for it"
    )
    action_units: ActionUnit = ACTION_UNITS_FIELD
    clip_before_scoring: bool = Field(
        False,
        description="score a draw at the action that it is clipped to, as the published codes do: a density that the "
        "clipped action does not have",
    )
    scale_exponentiated_twice: bool = Field(
        False, description="the scale of Student is e^(e^s), never below 1, as in the published qexp code"
    )

    structural: ClassVar[tuple[str, ...]] = (
        *ActorCriticHyperparameters.structural, "entropic_index", "num_components", "component_policy", "action_units",
        "clip_before_scoring", "scale_exponentiated_twice",
    )  # fmt: skip
    parameterization: ClassVar[tuple[str, ...]] = (
        *ActorCriticHyperparameters.parameterization, "entropic_index", "num_components", "component_policy",
        "action_units", "scale_exponentiated_twice",
    )  # fmt: skip
    values_before: ClassVar[dict[str, Any]] = {
        **ActorCriticHyperparameters.values_before, "action_units": "environment", "component_policy": None,
        "clip_before_scoring": False, "scale_exponentiated_twice": False,
    }  # fmt: skip

    def without_effect(self) -> dict[str, str]:
        """Add the options of other policies."""
        reason = f"policy_type is {self.policy_type}"
        effective, family = POLICIES[self.policy_type].options, self.policy_type
        if family == "Mixture":
            family = self.component_policy or family
            reason, effective = (
                f"{reason} of {family}",
                ("num_components", "component_policy", *POLICIES[family].options),
            )
        options = [name for name in POLICY_OPTIONS if name not in effective]
        sigma = ["clip_stddev"] if family in POLICIES_WITHOUT_SIGMA else []
        clipped = {"clip_before_scoring": f"{family} draws no action outside the bounds"} if family in BOUNDED else {}
        return super().without_effect() | dict.fromkeys([*options, *sigma], reason) | clipped

    @field_validator("component_policy", mode="after")
    @classmethod
    def _resolve_component_policy(cls, requested: str | None, info: ValidationInfo) -> str | None:
        """Return the value in effect for a mixture of any family."""
        return "SquashedGaussian" if requested is None and info.data.get("policy_type") == "Mixture" else requested

    @field_validator("policy_type", mode="before")
    @classmethod
    def _refuse_discrete_policy(cls, policy_type: object) -> object:
        """Refuse a policy over discrete actions, with the reason."""
        if policy_type == "Softmax":
            raise ValueError(
                "Softmax is for discrete actions; use it with SACDiscrete, GreedyACDiscrete or VACDiscrete"
            )
        return policy_type


class DiscreteHyperparameters(ActorCriticHyperparameters):
    """Hyperparameters of an actor-critic with discrete actions; `clip_stddev` is accepted without effect."""

    clip_before_scoring: ClassVar[bool] = False
    entropy_gradient: ClassVar[str] = "likelihood_ratio"

    policy_type: Literal["Softmax"] = "Softmax"

    def without_effect(self) -> dict[str, str]:
        """Add the limit on sigma."""
        return super().without_effect() | {"clip_stddev": "actions are discrete"}

    @field_validator("policy_type", mode="before")
    @classmethod
    def _refuse_box_policy(cls, policy_type: object) -> object:
        """Refuse a policy over a box, with the reason."""
        if policy_type in BOX_POLICIES:
            raise ValueError(
                f"{policy_type} is for actions in a box; use it with SAC, GreedyAC or VAC; allowed: Softmax"
            )
        return policy_type


class EntropyHyperparameters(ActorCriticHyperparameters):
    """Hyperparameters of an actor-critic with entropy regularization."""

    alpha: NonNegative = Field(0.2, description="entropy temperature; for SAC, its initial value if it is tuned")


class LikelihoodRatioHyperparameters(EntropyHyperparameters, BoxHyperparameters):
    """Hyperparameters of GreedyAC and VAC, whose entropy has a likelihood-ratio gradient."""

    entropy_gradient: Literal["likelihood_ratio", "plain_score"] = Field(
        "likelihood_ratio",
        description="gradient of the entropy: its likelihood-ratio estimate, or as in the published code the score of "
        "one draw, whose expectation is 0, so that alpha adds noise and no entropy",
    )

    structural: ClassVar[tuple[str, ...]] = (*BoxHyperparameters.structural, "entropy_gradient")
    values_before: ClassVar[dict[str, Any]] = {
        **BoxHyperparameters.values_before, "entropy_gradient": "likelihood_ratio",
    }  # fmt: skip


TUNING = ("alpha_lr", "target_entropy", "target_entropy_fraction")
"""Hyperparameters of a tuned temperature."""


class SoftHyperparameters(EntropyHyperparameters):
    """Hyperparameters of SAC with either kind of actions."""

    automatic_entropy_tuning: bool = Field(False, description="tune the temperature towards the target entropy")
    alpha_lr: NonNegative = Field(0.0, description="Adam step size of the temperature, if it is tuned")
    soft_q: bool = Field(True, description="include the entropy in the critic's target")
    double_q: bool = Field(True, description="minimum of two critics; false: one critic")

    def without_effect(self) -> dict[str, str]:
        """Add the step size and the target of a temperature that is not tuned."""
        names = [name for name in TUNING if name in type(self).model_fields and not self.automatic_entropy_tuning]
        return super().without_effect() | dict.fromkeys(names, "automatic_entropy_tuning is false")

    @model_validator(mode="after")
    def _check_tuning(self) -> SoftHyperparameters:
        """Refuse a tuned temperature without a step size or a logarithm."""
        if self.automatic_entropy_tuning and self.alpha_lr == 0.0:
            raise ValueError("alpha_lr is 0 with automatic_entropy_tuning; allowed: above 0")
        if self.automatic_entropy_tuning and self.alpha == 0.0:
            raise ValueError("alpha is 0 with automatic_entropy_tuning; allowed: above 0, as its logarithm is tuned")
        return self


SOFT_STRUCTURE = ("automatic_entropy_tuning", "soft_q", "double_q")
"""Structural hyperparameters of SAC with either kind of actions."""


class SACHyperparameters(SoftHyperparameters, BoxHyperparameters):
    """Hyperparameters of the soft actor-critic."""

    target_entropy: float | None = Field(None, description="target entropy in nats; null: -A for A action dimensions")
    reparameterized: bool = Field(
        True,
        validate_default=True,
        description="pathwise actor gradient, else likelihood-ratio; becomes false if the policy has no pathwise one",
    )
    num_samples: Count = Field(1, description="actions per state in the actor's loss")
    baseline_actions: Annotated[int, Field(ge=-1)] = Field(
        0, description="extra actions whose mean value is the baseline of the likelihood ratio; <= 0: none"
    )

    structural: ClassVar[tuple[str, ...]] = (
        *BoxHyperparameters.structural, *SOFT_STRUCTURE, "reparameterized", "num_samples", "baseline_actions",
    )  # fmt: skip
    values_before: ClassVar[dict[str, Any]] = {**BoxHyperparameters.values_before, "target_entropy": None}

    def entropy_target(self, action_dim: int, max_entropy: float) -> float:
        """Return the entropy that the temperature is tuned towards, in nats, for A = action_dim."""
        return -float(action_dim) if self.target_entropy is None else self.target_entropy

    def without_effect(self) -> dict[str, str]:
        """Add what the policy's gradient leaves out."""
        no_choice = not POLICIES[self.policy_type].pathwise
        gradient = {"reparameterized": f"{self.policy_type} has no pathwise gradient"} if no_choice else {}
        baseline = {"baseline_actions": "reparameterized is true"} if self.reparameterized else {}
        return super().without_effect() | gradient | baseline

    @field_validator("reparameterized", mode="after")
    @classmethod
    def _resolve_reparameterized(cls, requested: bool, info: ValidationInfo) -> bool:
        """Return the value in effect: false for a policy without a pathwise gradient."""
        policy = POLICIES.get(info.data.get("policy_type", ""))
        return requested and policy is not None and policy.pathwise


class SACDiscreteHyperparameters(SoftHyperparameters, DiscreteHyperparameters):
    """Hyperparameters of the soft actor-critic with every action enumerated."""

    target_entropy_fraction: Annotated[float, Field(gt=0.0, lt=1.0)] = Field(
        0.3, description="target entropy of the tuned temperature, as a fraction of log n, which n equal actions have"
    )
    reparameterized: ClassVar[bool] = False
    num_samples: ClassVar[int] = 1
    baseline_actions: ClassVar[int] = 0
    structural: ClassVar[tuple[str, ...]] = (*DiscreteHyperparameters.structural, *SOFT_STRUCTURE)
    values_before: ClassVar[dict[str, Any]] = {**DiscreteHyperparameters.values_before, "target_entropy_fraction": 0.98}

    def entropy_target(self, action_dim: int, max_entropy: float) -> float:
        """Return the entropy that the temperature is tuned towards, in nats."""
        return self.target_entropy_fraction * max_entropy


class GreedyACHyperparameters(LikelihoodRatioHyperparameters):
    """Hyperparameters of the greedy actor-critic."""

    policy_type: PolicyType = "Gaussian"
    n_rho: tuple[Count, Fraction] = Field((30, 0.1), description="proposals per state, and the fraction of them kept")

    structural: ClassVar[tuple[str, ...]] = (*LikelihoodRatioHyperparameters.structural, "n_rho")

    @property
    def proposals(self) -> int:
        """Number of draws per state from the proposal policy."""
        return self.n_rho[0]

    @property
    def rho(self) -> float:
        """Fraction of the proposals kept."""
        return self.n_rho[1]


class GreedyACDiscreteHyperparameters(DiscreteHyperparameters):
    """Hyperparameters of the greedy actor-critic with every action proposed: no proposal policy, no temperature."""

    rho: Fraction = Field(0.1, description="fraction of the actions kept, at least one")
    proposals: ClassVar[int] = 1
    alpha: ClassVar[float] = 0.0
    structural: ClassVar[tuple[str, ...]] = (*DiscreteHyperparameters.structural, "rho")


class VACHyperparameters(LikelihoodRatioHyperparameters):
    """Hyperparameters of the vanilla actor-critic."""

    policy_type: PolicyType = "Gaussian"
    num_samples: Count = Field(30, description="actions per state in the baseline")
    reparameterized: Literal[False] = Field(False, description="only false: the gradient is the likelihood-ratio one")

    structural: ClassVar[tuple[str, ...]] = (*LikelihoodRatioHyperparameters.structural, "num_samples")


class VACDiscreteHyperparameters(EntropyHyperparameters, DiscreteHyperparameters):
    """Hyperparameters of the vanilla actor-critic with every action enumerated; `num_samples` has no effect."""

    num_samples: Count = Field(30, description="accepted without effect: no action is drawn")

    def without_effect(self) -> dict[str, str]:
        """Add the number of draws."""
        return super().without_effect() | {"num_samples": "actions are discrete"}
