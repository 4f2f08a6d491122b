"""A cluster, as its JSON file describes it: what each task asks for, and what the cluster allows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from utils.files.json_model import validate
from utils.files.json_text import read_json
from utils.slurm.duration import parse_duration

AUTO = "auto"

Count = Annotated[int, Field(ge=1)]
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:,-]*$")]
"""What SLURM calls accounts, partitions and devices. It needs no quotes in a script."""

OPTION = re.compile(r"--[a-z][a-z-]*(=[A-Za-z0-9_.:,@%/*&|+-]+)?")

OURS = (
    "--account", "--partition", "--time", "--nodes", "--ntasks", "--cpus-per-task", "--mem", "--mem-per-cpu",
    "--gpus-per-node", "--array", "--job-name", "--output", "--error", "--chdir", "--signal", "--requeue",
    "--no-requeue", "--open-mode", "--parsable", "--wait", "--wrap",
)  # fmt: skip
"""Options of sbatch that have keys of their own, or that submitting relies on."""


class Cluster(BaseModel):
    """One cluster. Every key changes behaviour; clusters/TEMPLATE.md has them all."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    account: Word | None = Field(None, description="whom it is charged to; null: SBATCH_ACCOUNT, or SLURM's choice")
    partition: Word | None = Field(None, description="null: SLURM's choice, by time")
    time: str = Field("3:00:00", description="what each task asks for, or auto: what a pilot finds suitable")
    min_time: str = Field("0:01:00", description="the shortest time that the cluster takes")
    max_time: str = Field("7-00:00:00", description="the longest")
    cpus_per_task: Count = Field(8, description="cores of a task, and processes that it trains with")
    mem_per_cpu: Annotated[str, Field(pattern=r"^[1-9][0-9]*[MG]$")] | None = Field(
        "4000M", description="memory a core; null: none is asked for, as where nodes are given whole"
    )
    gpus_per_node: Word | None = Field(None, description="devices of a task, such as l40s:1")
    stack: Count | None = Field(None, description="main.py's --stack; null: auto")
    runs_per_task: Count | None = Field(None, description="runs in a task; null: as many as fill its time")
    throttle: Count | None = Field(None, description="tasks of an array that run at the same time; null: no limit")
    max_jobs: Count | None = Field(None, description="a user's jobs queued and running, where SLURM does not tell")
    max_array_size: Count = Field(1001, description="MaxArraySize, where SLURM does not tell")
    warning_seconds: Annotated[int, Field(ge=10)] = Field(300, description="from the warning to the time limit")
    activate: str | None = Field("activate_environment.sh", description="what a task sources first; null: nothing")
    options: list[str] = Field([], description="more options of sbatch")
    replaced_by: Word | None = Field(None, description="the cluster that took a retired one's place")

    @field_validator("time", "min_time", "max_time")
    @classmethod
    def _a_time(cls, text: str) -> str:
        """Times are SLURM's."""
        if text != AUTO:
            parse_duration(text)
        return text

    @field_validator("min_time", "max_time")
    @classmethod
    def _a_bound(cls, text: str) -> str:
        """Only what is asked for can be found out."""
        if text == AUTO:
            raise ValueError("allowed: a time such as 3:00:00")
        return text

    @field_validator("activate")
    @classmethod
    def _a_path(cls, path: str | None) -> str | None:
        """A file's name stands on one line."""
        if path is not None and not (path and path.isprintable()):
            raise ValueError("allowed: the path of a file")
        return path

    @field_validator("options")
    @classmethod
    def _safe(cls, options: list[str]) -> list[str]:
        """Options stand in the script as they are, and beside the program's own."""
        for option in options:
            if not OPTION.fullmatch(option):
                raise ValueError(f"'{option}' is none; allowed: options such as --qos=high, without spaces or quotes")
            if option.partition("=")[0] in OURS:
                raise ValueError(f"'{option}' is set by other keys or by schedule.py itself; allowed: any other option")
        return options

    @model_validator(mode="after")
    def _check_time(self) -> Cluster:
        """The time is one that the cluster takes, and leaves some before the warning."""
        if self.time == AUTO:
            return self
        if not self.min_seconds <= parse_duration(self.time) <= self.max_seconds:
            raise ValueError(f"time is {self.time}; allowed: from min_time {self.min_time} to max_time {self.max_time}")
        if parse_duration(self.time) <= self.warning_seconds:
            raise ValueError(
                f"warning_seconds is {self.warning_seconds}, all of time {self.time}; allowed: less than that"
            )
        return self

    @property
    def min_seconds(self) -> int:
        """The shortest time."""
        return parse_duration(self.min_time)

    @property
    def max_seconds(self) -> int:
        """The longest time."""
        return parse_duration(self.max_time)

    @property
    def mib_per_cpu(self) -> int | None:
        """Memory a core, MiB; None where none is asked for."""
        if self.mem_per_cpu is None:
            return None
        return int(self.mem_per_cpu[:-1]) * (1024 if self.mem_per_cpu.endswith("G") else 1)


def read_cluster(path: str) -> Cluster:
    """The cluster in a file.  Raises BadInput."""
    return validate(Cluster, read_json(path), path)


def retirement(cluster: Cluster, path: str) -> str | None:
    """What to say of a cluster that is no more; None for one that is."""
    if cluster.replaced_by is None:
        return None
    name, successor = Path(path).stem, cluster.replaced_by
    return f"{name} is retired and {successor} took its place: {Path(path).with_name(successor + '.json')} describes it"


def account_notice(cluster: Cluster, exported: str | None) -> str | None:
    """What to say of two accounts.  exported: SBATCH_ACCOUNT, which SLURM prefers to a script's."""
    if not exported or cluster.account == exported:
        return None
    if cluster.account is None:
        return f"account {exported}, from SBATCH_ACCOUNT, as the cluster file has none"
    return f"account {cluster.account}, as the cluster file says; SBATCH_ACCOUNT={exported} is not used"
