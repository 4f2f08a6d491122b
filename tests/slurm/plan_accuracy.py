"""Compare plans of sweeps with the processor time that their tasks take, and print a table.

    python tests/slurm/plan_accuracy.py

For each of ten sweeps, the runs of one task are planned by rule and after a pilot, and trained by main.py as the task
would do it. Processor time is compared, not time on the clock, so that a busy machine does not matter much.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])

import click

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
    Case("Random, MinAtar", "MinAtarBreakout", "Random", {}, 20000, 4, "auto"),
]


def files_of(case: Case, folder: Path) -> tuple[str, str]:
    """Write the configurations of a case and return their paths: the environment's and the agent's."""
    protocol = {
        "env_name": case.env_name, "total_timesteps": case.timesteps, "steps_per_episode": 200,
        "eval_interval_timesteps": max(1, case.timesteps // 5), "eval_episodes": 2, "gamma": 0.99,
    }  # fmt: skip
    grid = case.parameters or json.loads((ROOT / f"config/agent/{case.agent_name}.json").read_text())["parameters"]
    trees = {"environment": protocol, "agent": {"agent_name": case.agent_name, "parameters": grid}}
    for name, tree in trees.items():
        (folder / f"{name}.json").write_text(json.dumps(tree))
    return str(folder / "environment.json"), str(folder / "agent.json")


def planned_seconds(plan: Plan) -> float:
    """Return the core-seconds that a plan of one task gives it, with the start of each process."""
    (time,) = plan.times
    processes = min(plan.cluster.cpus_per_task, len(time.stacks))
    return time.used + processes * time.start / (POOL_STARTS if processes > 1 else 1.0)


def train(case: Case, env_json: str, agent_json: str, indices: list[int], folder: Path) -> float:
    """Train runs as a task does and return the processor seconds of all its processes."""
    command = MainCommand(
        env_json, agent_json, format_indices(indices), save_dir=str(folder / "task"), jobs=case.cores, stack="auto",
        engine=case.engine,
    )  # fmt: skip
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command.joined_words(python=sys.executable), cwd=ROOT, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare(case: Case, folder: Path) -> list[str]:
    """Plan a sweep, train its task, and return a row of the table."""
    env_json, agent_json = files_of(case, folder)
    cluster = Cluster(cpus_per_task=case.cores, mem_per_cpu="3000M", runs_per_task=1000)
    request = Request(
        "cluster.json", "main.py", str(ROOT), env_json, str(folder / "sweep"), (agent_json,), range(case.runs),
        engine=case.engine,
    )  # fmt: skip
    experiments = read_experiments(request)
    sweeps = find_sweeps(request, experiments, EMPTY_QUEUE)
    engine = engine_for(request, experiments[0])
    rule = planned_seconds(make_plan(sweeps[0], cluster, engine))
    measure_shapes(request, cluster, sweeps, None)
    plan = make_plan(sweeps[0], cluster, engine)
    measured = planned_seconds(plan)
    (task,) = plan.tasks
    seconds = train(case, env_json, agent_json, [run_id.index for run_id in task], folder)
    stacks = "+".join(str(runs) for _, runs in plan.times[0].stacks)
    stacks = stacks if len(plan.times[0].stacks) <= 4 else f"{len(plan.times[0].stacks)} stacks"
    return [
        case.name, case.env_name, str(len(task)), stacks, f"{rule:.0f}", f"{measured:.1f}", f"{seconds:.1f}",
        f"{rule / seconds:.2f}", f"{measured / seconds:.2f}",
    ]  # fmt: skip


@click.command(help="Compare the plans of ten sweeps with the processor time of their tasks.")
@click.option("--case", "chosen", type=int, multiple=True, help="Only these sweeps, by number from 0.")
def main(chosen: tuple[int, ...]) -> None:
    """Run the command line."""
    limit_threads()
    pilot.SECONDS = PILOT_SECONDS
    header = ["sweep", "environment", "runs", "stacks", "rule, s", "pilot, s", "CPU, s", "rule / CPU", "pilot / CPU"]
    rows = []
    for number in chosen or range(len(CASES)):
        with tempfile.TemporaryDirectory() as name:
            rows.append(compare(CASES[number], Path(name)))
        click.echo(" | ".join(rows[-1]))
    click.echo(f"\n{markdown_table(header, rows)}")


if __name__ == "__main__":
    main()
