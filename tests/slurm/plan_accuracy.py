"""Compare plans of sweeps with the time that their tasks take, and print a table.

    python tests/slurm/plan_accuracy.py
    python tests/slurm/plan_accuracy.py --slurm

For each of ten sweeps, the runs of one task are planned by rule and after a pilot. Then main.py trains them as the task
would do it, and the processor time is compared, so that a busy machine does not matter much. With --slurm, schedule.py
submits them to a SLURM that this file starts, and the time from the start of the task to its end is compared, which
SLURM gives in whole seconds; nothing else should run then.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import click

from tests.slurm.instance import Sweep, job_time, queue, reason_to_skip, running_slurm, wait_for
from utils.core.indices import format_indices
from utils.core.markdown import markdown_table
from utils.core.process_setup import limit_threads
from utils.experiment.main_command import MainCommand
from utils.slurm import pilot
from utils.slurm.cluster import Cluster
from utils.slurm.commands import EMPTY_QUEUE
from utils.slurm.request import Request
from utils.slurm.sweep_plan import find_sweeps, make_plan
from utils.slurm.task_plan import Plan
from utils.slurm.task_time import POOL_STARTS
from utils.wiring.scheduling import engine_for, measure_shapes, read_experiments

ROOT = Path(__file__).resolve().parents[2]

PILOT_SECONDS = 8.0
"""Duration of the second stretch of pilots here, s: tasks are short, too."""


class Case(NamedTuple):
    """A sweep of one task.

    runs: number of runs of each setting.  engine: main.py's.  cores: cores of the task.
    """

    name: str
    env_name: str
    agent_name: str
    parameters: dict[str, list[Any]]
    timesteps: int
    runs: int
    engine: str
    cores: int = 1


SMALL: dict[str, list[Any]] = {"batch_size": [32], "hidden_dim": [64], "critic_lr": [1e-3]}
LARGE: dict[str, list[Any]] = {"batch_size": [256], "hidden_dim": [256], "critic_lr": [3e-4]}

CASES = [
    Case("SAC, 64 units, compiled", "Pendulum-v1", "SAC", SMALL, 6000, 20, "compiled"),
    Case("SAC, 64 units, eager", "Pendulum-v1", "SAC", SMALL, 1000, 24, "eager"),
    Case("SAC, two sizes, two cores", "Pendulum-v1", "SAC", SMALL | {"hidden_dim": [32, 64]}, 1000, 12, "eager", 2),
    Case("SAC, 256 units, compiled", "HalfCheetah-v5", "SAC", LARGE, 1200, 6, "compiled"),
    Case("SAC, 256 units, eager", "HalfCheetah-v5", "SAC", LARGE, 500, 3, "eager"),
    Case("GreedyAC, eager", "MountainCarContinuous-v0", "GreedyAC", SMALL, 500, 12, "eager"),
    Case("SACDiscrete, compiled", "CartPole-v1", "SACDiscrete", SMALL, 6000, 16, "compiled"),
    Case("VAC, Humanoid, eager", "Humanoid-v5", "VAC", SMALL, 600, 8, "eager"),
    Case("linearAC, 36 settings", "Pendulum-v0", "linearAC", {}, 2500, 1, "auto", 2),
    Case("Random, MinAtar", "MinAtarBreakout", "Random", {}, 100_000, 4, "auto"),
]


def trees_of(case: Case) -> dict[str, dict[str, Any]]:
    """Return the configurations of a case, `environment` and `agent`."""
    protocol = {
        "env_name": case.env_name, "total_timesteps": case.timesteps, "steps_per_episode": 200,
        "eval_interval_timesteps": max(1, case.timesteps // 5), "eval_episodes": 2, "gamma": 0.99,
    }  # fmt: skip
    grid = case.parameters or json.loads((ROOT / f"config/agent/{case.agent_name}.json").read_text())["parameters"]
    return {"environment": protocol, "agent": {"agent_name": case.agent_name, "parameters": grid}}


def planned_core_seconds(plan: Plan) -> float:
    """Return the core-seconds that a plan of one task gives it, with the start of each process."""
    (time,) = plan.times
    processes = min(plan.cluster.cpus_per_task, len(time.stacks))
    return time.used + processes * time.start / (POOL_STARTS if processes > 1 else 1.0)


def planned_elapsed_seconds(plan: Plan) -> float:
    """Return the seconds from the start to the end of the task that a plan of one task gives it."""
    (time,) = plan.times
    return plan.elapsed_seconds(time)


def train(case: Case, sweep: Sweep, indices: list[int]) -> float:
    """Train runs as a task does and return the processor seconds of all its processes."""
    command = MainCommand(
        sweep.env_json, sweep.agent_json, format_indices(indices), save_dir=str(sweep.save_dir), jobs=case.cores,
        stack="auto", engine=case.engine,
    )  # fmt: skip
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command.joined_words(python=sys.executable), cwd=ROOT, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def submit(case: Case, sweep: Sweep, indices: list[int]) -> float:
    """Train runs in a task of SLURM and return the seconds from its start to its end."""
    sweep.schedule("--yes", "--engine", case.engine, **limits_of(case))
    wait_for(lambda: not queue())
    (job,) = sweep.jobs()
    task = f"{job}_0"
    assert job_time(task, "JobState") == "COMPLETED", sweep.log(0)
    assert len(list(sweep.directory.glob("*_*.json"))) == len(indices)
    start, end = (datetime.fromisoformat(job_time(task, name)) for name in ("StartTime", "EndTime"))
    return (end - start).total_seconds()


def limits_of(case: Case) -> dict[str, Any]:
    """Return the keys of the cluster's file."""
    return {"cpus_per_task": case.cores, "mem_per_cpu": "3000M", "runs_per_task": 1000}


@contextmanager
def started_slurm() -> Iterator[None]:
    """Start a SLURM, and end it afterwards.  Raises click.ClickException if there is none."""
    reason = reason_to_skip()
    if reason is not None:
        raise click.ClickException(reason)
    with tempfile.TemporaryDirectory() as folder, running_slurm(Path(folder)):
        yield


def compare(case: Case, folder: Path, planned: Callable[[Plan], float], take: Callable[..., float]) -> list[str]:
    """Plan a sweep, train its task, and return a row of the table.

    planned: returns the seconds that a plan gives the task.  take: trains and returns the seconds that it took.
    """
    trees = trees_of(case)
    sweep = Sweep(folder, "sweep", case.runs, trees["agent"], trees["environment"])
    cluster = Cluster(**limits_of(case))
    request = Request(
        "cluster.json", "main.py", str(ROOT), sweep.env_json, str(sweep.save_dir), (sweep.agent_json,),
        range(case.runs), engine=case.engine,
    )  # fmt: skip
    experiments = read_experiments(request)
    sweeps = find_sweeps(request, experiments, EMPTY_QUEUE)
    engine = engine_for(request, experiments[0])
    rule = planned(make_plan(sweeps[0], cluster, engine))
    measure_shapes(request, cluster, sweeps, None)
    plan = make_plan(sweeps[0], cluster, engine)
    measured = planned(plan)
    (task,) = plan.tasks
    seconds = take(case, sweep, [run_id.index for run_id in task])
    stacks = "+".join(str(runs) for _, runs in plan.times[0].stacks)
    stacks = stacks if len(plan.times[0].stacks) <= 4 else f"{len(plan.times[0].stacks)} stacks"
    return [
        case.name, case.env_name, str(len(task)), stacks, f"{rule:.0f}", f"{measured:.1f}", f"{seconds:.1f}",
        f"{rule / seconds:.2f}", f"{measured / seconds:.2f}",
    ]  # fmt: skip


@click.command(help="Compare the plans of ten sweeps with the time of their tasks.")
@click.option("--case", "chosen", type=int, multiple=True, help="Only these sweeps, by number from 0.")
@click.option("--slurm", is_flag=True, help="Compare with the time of tasks of a SLURM instead of processor time.")
def main(chosen: tuple[int, ...], slurm: bool) -> None:
    """Run the command line."""
    limit_threads()
    pilot.SECONDS = PILOT_SECONDS
    planned, take, unit = (
        (planned_elapsed_seconds, submit, "task") if slurm else (planned_core_seconds, train, "CPU")
    )  # fmt: skip
    header = [
        "sweep", "environment", "runs", "stacks", "rule, s", "pilot, s", f"{unit}, s", f"rule / {unit}",
        f"pilot / {unit}",
    ]  # fmt: skip
    rows = []
    with started_slurm() if slurm else nullcontext():
        for number in chosen or range(len(CASES)):
            with tempfile.TemporaryDirectory() as name:
                rows.append(compare(CASES[number], Path(name), planned, take))
            click.echo(" | ".join(rows[-1]))
    click.echo(f"\n{markdown_table(header, rows)}")


if __name__ == "__main__":
    main()
