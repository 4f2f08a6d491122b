"""A cluster's JSON file: the resources of each task, and the limits of the cluster."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from utils.files.json_model import validate
from utils.files.json_text import read_json
from utils.slurm.duration import parse_duration

AUTO = "auto"

Count = Annotated[int, Field(ge=1)]
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:,-]*$")]
"""Names of accounts, partitions and devices in SLURM; they need no quotes in a script."""

OPTION = re.compile(r"(--[a-z][a-z-]*)(=[A-Za-z0-9_.:,@%/*&|+=~^?!()\[\]-]+)?")
"""Form of an option: a name, and a value without what a shell expands, such as spaces, quotes, $ and backticks."""

GPU_OPTION = re.compile(r"--gpus|--gres=(.*,)?gpu")
"""Options of sbatch that request GPUs."""

QOS_OPTION = re.compile(r"--qos?=(.+)")
"""Option of sbatch that requests a QOS."""

OURS = (
    "--account", "--partition", "--time", "--nodes", "--ntasks", "--cpus-per-task", "--mem", "--mem-per-cpu",
    "--gpus-per-node", "--array", "--job-name", "--output", "--error", "--chdir", "--signal", "--requeue",
    "--no-requeue", "--open-mode", "--parsable", "--wait", "--wrap",
)  # fmt: skip
"""Options of sbatch that have their own keys or that schedule.py sets itself."""

COMPLETE = ("--gpus",)
"""Options of sbatch that are no abbreviation, although one of OURS begins like them."""


class Cluster(BaseModel):
    """One cluster. Every key changes behaviour; clusters/TEMPLATE.md documents them."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    account: Word | None = Field(None, description="account to charge; null: SBATCH_ACCOUNT, or SLURM's default")
    partition: Word | None = Field(None, description="null: SLURM's choice by time")
    time: str = Field("3:00:00", description="time limit of each task; auto: chosen from a pilot's measurements")
    min_time: str = Field("0:01:00", description="shortest time limit that the cluster accepts")
    max_time: str = Field("7-00:00:00", description="longest time limit that the cluster accepts")
    cpus_per_task: Count = Field(8, description="cores of a task, and number of its training processes")
    mem_per_cpu: Annotated[str, Field(pattern=r"^[1-9][0-9]*[MG]$")] | None = Field(
        "4000M", description="memory per core; null: not requested, as on clusters that allocate whole nodes"
    )
    gpus_per_node: Word | None = Field(None, description="devices of a task, such as l40s:1")
    stack: Count | None = Field(None, description="main.py's --stack; null: auto")
    runs_per_task: Count | None = Field(None, description="runs per task; null: as many as fit its time")
    throttle: Count | None = Field(None, description="tasks of an array that may run at the same time; null: no limit")
    max_jobs: Count | None = Field(
        None,
        description="a user's limit on queued and running jobs; smaller ones of SLURM's database precede it",
    )
    max_array_size: Count = Field(1001, description="MaxArraySize, if SLURM does not report it")
    warning_seconds: Annotated[int, Field(ge=10)] = Field(
        300, description="seconds from the warning signal to the time limit"
    )
    expedite: bool = Field(False, description="requeue tasks of a failed node before other jobs, if SLURM can")
    activate: str | None = Field("activate_environment.sh", description="file that a task sources first; null: none")
    options: list[str] = Field([], description="further options of sbatch")
    replaced_by: Word | None = Field(None, description="successor of a retired cluster")

    @field_validator("time", "min_time", "max_time")
    @classmethod
    def _check_time_format(cls, text: str) -> str:
        """Check that a time is in SLURM's format."""
        if text != AUTO:
            parse_duration(text)
        return text

    @field_validator("min_time", "max_time")
    @classmethod
    def _check_bound(cls, text: str) -> str:
        """Check that a bound is a time: only `time` may be auto."""
        if text == AUTO:
            raise ValueError("allowed: a time such as 3:00:00")
        return text

    @field_validator("activate")
    @classmethod
    def _check_activate(cls, path: str | None) -> str | None:
        """Check that a path prints on one line."""
        if path is not None and not (path and path.isprintable()):
            raise ValueError("allowed: the path of a file")
        return path

    @field_validator("options")
    @classmethod
    def _check_options(cls, options: list[str]) -> list[str]:
        """Check options, which stand in the script next to schedule.py's own. SLURM takes abbreviations of names."""
        for option in options:
            found = OPTION.fullmatch(option)
            if not found:
                raise ValueError(
                    f"{option!r} is not an option; allowed: options such as --qos=high, without spaces, quotes and "
                    "what a shell expands"
                )
            name = found[1]
            if name not in COMPLETE and any(ours.startswith(name) for ours in OURS):
                raise ValueError(f"'{option}' is set by other keys or by schedule.py itself; allowed: any other option")
        return options

    @model_validator(mode="after")
    def _check_time_fits(self) -> Cluster:
        """Check that the cluster accepts the time limit, and that the warning comes after the start."""
        if self.time == AUTO:
            return self
        if not self.min_seconds <= parse_duration(self.time) <= self.max_seconds:
            raise ValueError(f"time is {self.time}; allowed: from min_time {self.min_time} to max_time {self.max_time}")
        if parse_duration(self.time) <= self.warning_seconds:
            raise ValueError(f"warning_seconds is {self.warning_seconds}; allowed: less than time {self.time}")
        return self

    @property
    def min_seconds(self) -> int:
        """Shortest time limit, seconds."""
        return parse_duration(self.min_time)

    @property
    def max_seconds(self) -> int:
        """Longest time limit, seconds."""
        return parse_duration(self.max_time)

    @property
    def asks_for_gpu(self) -> bool:
        """Whether tasks request a GPU, by a key or by an option of sbatch."""
        return self.gpus_per_node is not None or any(GPU_OPTION.match(option) for option in self.options)

    @property
    def qos(self) -> str | None:
        """QOS that tasks ask for by an option of sbatch; None: SLURM's choice."""
        found = [match[1] for option in self.options if (match := QOS_OPTION.match(option))]
        return found[-1] if found else None

    @property
    def mib_per_cpu(self) -> int | None:
        """Memory per core, MiB; None if none is requested."""
        if self.mem_per_cpu is None:
            return None
        return int(self.mem_per_cpu[:-1]) * (1024 if self.mem_per_cpu.endswith("G") else 1)


def read_cluster(path: str) -> Cluster:
    """Read a cluster's file.  Raises BadInput if it is missing or invalid."""
    return validate(Cluster, read_json(path), path)


def add_options(cluster: Cluster, options: Sequence[str]) -> Cluster:
    """Return a cluster with further options of sbatch, which replace those of the same name.

    Raises BadInput for what the key `options` does not allow.
    """
    names = {option.partition("=")[0] for option in options}
    kept = [option for option in cluster.options if option.partition("=")[0] not in names]
    return validate(Cluster, cluster.model_dump() | {"options": [*kept, *options]}, "--sbatch")


def retirement_notice(cluster: Cluster, path: str) -> str | None:
    """Return a notice for a retired cluster; None for any other."""
    if cluster.replaced_by is None:
        return None
    name, successor = Path(path).stem, cluster.replaced_by
    return f"{name} is retired and was replaced by {successor}: use {Path(path).with_name(successor + '.json')}"


def account_notice(cluster: Cluster, exported: str | None) -> str | None:
    """Return a notice about which account is charged, unless the cluster file alone decides it.

    exported: value of SBATCH_ACCOUNT, which SLURM prefers to the account in a script.
    """
    if not exported and cluster.account is None:
        return (
            "no account: SLURM charges your default account, or refuses the tasks if it needs one; set 'account' in "
            "the cluster file, or SBATCH_ACCOUNT"
        )
    if not exported or cluster.account == exported:
        return None
    if cluster.account is None:
        return f"account {exported}, from SBATCH_ACCOUNT, because the cluster file names none"
    return f"account {cluster.account}, from the cluster file; SBATCH_ACCOUNT={exported} is not used"


def gpu_notice(cluster: Cluster, source: str, cuda: bool) -> str | None:
    """Return a notice if an agent needs a GPU and its tasks request none; else None.

    source: the agent's file.  cuda: whether one of its settings has `cuda`.
    """
    if not cuda or cluster.asks_for_gpu:
        return None
    return (
        f"{source}: 'cuda' is true, but the cluster file requests no GPU, without which main.py refuses to train; set "
        "'gpus_per_node', such as \"l40s:1\", unless nodes of the partition give it unasked"
    )
