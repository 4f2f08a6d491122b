"""Results from runs of Stable-Baselines3, so that they can be combined and compared like others.

A result is written for each run, next to the runs' directories. It is marked as foreign: whatever the files do not say
is null, and the protocol has the notes that a reader needs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import click

from utils.combining.listing import ResultListing
from utils.combining.sb3_files import Sb3Run, read_sb3_runs
from utils.core.errors import BadInput
from utils.experiment.config import EnvironmentConfig, read_environment
from utils.files.atomic import write_atomically
from utils.files.json_text import canonical_json, encode_json
from utils.results.foreign import FOREIGN, OWN_KEYS
from utils.results.result_file import KEY_DIGITS, ResultFile, experiment_name
from utils.results.schema import SCHEMA_VERSION, parse_result

PROGRAM = "Stable-Baselines3"

ALWAYS_FOUND = ("total_timesteps", "eval_episodes", "eval_interval_timesteps")
"""Keys of a protocol whose values are those of the files, whatever is stated."""

TIMESTEPS_NOTE = (
    "timesteps are steps of all its environments together, as num_timesteps; total_timesteps is the last one recorded"
)

ROUNDING_NOTE = "Monitor rounds returns to six decimals"


def write_all_sb3_results(
    directories: Iterable[Path], agent_name: str, agent_json: str | None, env_json: str | None, agents: Collection[str]
) -> int:
    """Write the results of the runs in several directories, and report runs that are left out.

    agent_json: must be None, as other programs' hyperparameters are not known.
    env_json: the file of the protocol that the runs are known to have; None if it is not.
    Returns how many runs are left out.  Raises BadInput.
    """
    if agent_json is not None:
        raise BadInput("--agent-json: found with --sb3; allowed: --env-json, as hyperparameters are not recorded")
    stated = None if env_json is None else read_environment(env_json).model_dump(mode="json")
    return sum(write_sb3_results(directory, agent_name, stated, agents) for directory in directories)


def write_sb3_results(directory: Path, agent_name: str, stated: dict[str, Any] | None, agents: Collection[str]) -> int:
    """Write a result for each run of Stable-Baselines3 in a directory, and remove those of runs that have changed.

    Runs that have not ended are reported and left out.

    agent_name: the agent's name in figures.  stated: the protocol that the runs are known to have; None if it is not.
    agents: names of this program's agents.
    Returns how many runs are left out.  Raises BadInput if the directory has no runs, they contradict each other or the
    protocol, it has results of this program, or it cannot be written.
    """
    if agent_name in agents or not agent_name.strip():
        raise BadInput(
            f"--sb3: found '{agent_name}'; allowed: a name that is not one of this program's agents, such as SB3-SAC"
        )
    found = read_sb3_runs(directory)
    runs, unfinished = split_ended(found)
    protocol = make_protocol(directory, runs, stated)
    if unfinished:
        ends = ", ".join(f"{run.path.relative_to(directory).as_posix()} at {run.end}" for run in unfinished)
        protocol[FOREIGN]["notes"].append(f"runs are left out, as their records end before the others': {ends}")
    stem = experiment_name(protocol["env_name"], agent_name, None)
    experiment = {"environment": protocol, "agent": {"agent_name": agent_name, "parameters": {}}}
    earlier = _earlier_results(directory)
    written = []
    try:
        for number, run in enumerate(runs):
            data = _run_data(directory, run, number, agent_name, protocol)
            file = ResultFile(directory, f"{stem}_{data['key']}")
            tree = {"experiment": experiment, "experiment_data": {"0": {"agent_params": {}, "runs": [data]}}}
            content = encode_json(tree)
            if not file.json.exists() or file.json.read_bytes() != content:
                write_atomically(file.json, content)
            written.append(file.json)
        for path in set(earlier) - set(written):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise BadInput(f"{directory}: cannot be written: {error.strerror}; allowed: a writable directory") from error
    for run in unfinished:
        click.echo(
            f"left out: {run.path}: found records that end at timestep {run.end}; allowed: a run that has ended, as "
            f"others do at {runs[0].end}",
            err=True,
        )
    return len(unfinished)


def split_ended(runs: Sequence[Sb3Run]) -> tuple[list[Sb3Run], list[Sb3Run]]:
    """Return the runs that go on as long as the longest one, but for what their files cannot show, and the others.

    At most half an interval between evaluations may lie between a run's last one and the longest run's: with several
    environments, timesteps are rounded. Of runs without evaluations, an episode of each environment may be under way at
    the end, and is in no file.
    """
    longest = max(runs, key=lambda run: run.end)
    slack = 0.0
    if longest.evaluations:
        before, last = [0, *longest.evaluations.timesteps.tolist()][-2:]
        slack = (last - before) / 2
    ended: list[Sb3Run] = []
    others: list[Sb3Run] = []
    for run in runs:
        own = slack if run.evaluations else run.environments * max(run.lengths, default=0)
        (ended if longest.end - run.end <= own else others).append(run)
    return ended, others


def _earlier_results(directory: Path) -> list[Path]:
    """Return the paths of the results that an earlier call wrote.  Raises BadInput if others are there."""
    listing, found = ResultListing(directory), []
    for name in listing.files:
        try:
            result = parse_result(directory / name, listing.read(name, False).content)
        except BadInput:
            continue  # Combining reports it.
        if FOREIGN not in result.experiment["environment"]:
            raise BadInput(f"{directory / name}: found a result of main.py; allowed with --sb3: a directory of its own")
        found.append(directory / name)
    return found


def make_protocol(directory: Path, runs: Sequence[Sb3Run], stated: dict[str, Any] | None) -> dict[str, Any]:
    """Return the protocol of some runs: what their files say, what is stated, and null for everything else.

    Raises BadInput if the files contradict each other or what is stated.
    """
    lengths = {length for run in runs for length in run.lengths}
    found = {
        "env_name": _common(directory, "environments", {run.env_name for run in runs} - {None}),
        "total_timesteps": max(max(run.timesteps for run in runs), 1),
        "eval_episodes": _common(
            directory, "numbers of episodes in an evaluation", {_episodes_per_evaluation(run) for run in runs}
        ),
        "eval_interval_timesteps": _evaluation_interval(runs),
        "steps_per_episode": max(lengths) if len(lengths) == 1 and _episode_count(runs) > 1 else None,
    }
    if stated:
        _check_stated(directory, stated, found, max(lengths, default=0))
    elif found["env_name"] is None:
        raise BadInput(f"{directory}: no monitor.csv names the environment; allowed: with --env-json, whose file does")
    known = found | (stated or {}) | {name: found[name] for name in ALWAYS_FOUND}
    protocol = {name: known.get(name) for name in EnvironmentConfig.model_fields if name not in OWN_KEYS}
    return protocol | {FOREIGN: {"program": PROGRAM, "notes": list(_notes(runs, stated))}}


def _episode_count(runs: Sequence[Sb3Run]) -> int:
    return sum(len(run.episodes) + (run.evaluations.returns.size if run.evaluations else 0) for run in runs)


def _episodes_per_evaluation(run: Sb3Run) -> int:
    return run.evaluations.returns.shape[1] if run.evaluations else 0


def _common(directory: Path, what: str, values: set[Any]) -> Any:
    """Return the only value; None if there is none.  Raises BadInput if there are several."""
    if len(values) > 1:
        texts = ", ".join(sorted(map(str, values)))
        raise BadInput(f"{directory}: found runs of different {what}: {texts}; allowed: a directory for each")
    return next(iter(values), None)


def _evaluation_interval(runs: Sequence[Sb3Run]) -> int | None:
    """Return the timesteps between two evaluations; None if there are none, or they are not always the same."""
    starts = [[0, *run.evaluations.timesteps.tolist()] for run in runs if run.evaluations]
    gaps = {after - before for timesteps in starts for before, after in pairwise(timesteps) if after > 0}
    return gaps.pop() if len(gaps) == 1 else None


def _check_stated(directory: Path, stated: dict[str, Any], found: dict[str, Any], longest: int) -> None:
    """Raise BadInput if the stated protocol contradicts the files."""
    if found["env_name"] not in (None, stated["env_name"]):
        raise BadInput(
            f"{directory}: found monitor files of {found['env_name']}; allowed with --env-json: {stated['env_name']}"
        )
    limit = stated["steps_per_episode"]
    if longest > limit or found["steps_per_episode"] not in (None, limit):
        every = "every episode" if found["steps_per_episode"] else "an episode"
        raise BadInput(
            f"{directory}: found {every} to have {longest} steps; allowed with --env-json: a protocol whose "
            f"steps_per_episode, here {limit}, agrees with that"
        )


def _notes(runs: Sequence[Sb3Run], stated: dict[str, Any] | None) -> Iterator[str]:
    """Yield what a reader must know about the numbers."""
    yield TIMESTEPS_NOTE
    if any(run.episodes for run in runs):
        yield ROUNDING_NOTE
    counts = sorted({run.environments for run in runs if run.environments})
    if counts and counts[-1] > 1:
        yield (
            f"trained in {' or '.join(map(str, counts))} environments at once, so a training episode ends at the steps "
            "of all episodes that had ended, which is before its true timestep"
        )
    last = sorted({int(run.evaluations.timesteps[-1]) for run in runs if run.evaluations})
    if len(last) > 1:
        yield f"runs have their last evaluations at different timesteps, {last[0]} to {last[-1]}"
    if stated:
        yield "its protocol is stated by the user, as far as its files do not record it"


def _run_data(directory: Path, run: Sb3Run, number: int, agent_name: str, protocol: dict[str, Any]) -> dict[str, Any]:
    """Return a run as its result holds it."""
    evaluations = run.evaluations
    steps = None if evaluations is None or evaluations.steps is None else evaluations.steps.tolist()
    return {
        "schema_version": SCHEMA_VERSION,
        "index": number,
        "key": _key(run, number, agent_name, protocol["env_name"]),
        "status": "completed",
        "run_number": number,
        "random_seed": None,
        "total_timesteps": protocol["total_timesteps"],
        "timesteps_done": run.timesteps,
        "eval_interval_timesteps": protocol["eval_interval_timesteps"],
        "episodes_per_eval": protocol["eval_episodes"],
        "eval_episode_rewards": [] if evaluations is None else evaluations.returns.tolist(),
        "eval_episode_steps": [] if evaluations is None else steps,
        "timesteps_at_eval": [] if evaluations is None else evaluations.timesteps.tolist(),
        "train_episode_rewards": [episode.episode_return for episode in run.episodes],
        "train_episode_steps": [episode.steps for episode in run.episodes],
        "last_episode_complete": True,
        "total_train_episodes": len(run.episodes),
        "train_time": None,
        "eval_time": None,
        "learned_params": {},
        "diagnostics": {},
        "provenance": {
            FOREIGN: {
                "program": PROGRAM,
                "source": run.path.relative_to(directory).as_posix(),
                "environments": run.environments or None,
            }
        },
    }


def _key(run: Sb3Run, number: int, agent_name: str, env_name: str) -> str:
    """Return the run's key: of the content of its files, as what it would be computed from is not known."""
    contents = [hashlib.sha256(path.read_bytes()).hexdigest() for path in run.files]
    identity = {"program": PROGRAM, "agent_name": agent_name, "env_name": env_name, "run": number, "files": contents}
    return hashlib.sha256(canonical_json(identity)).hexdigest()[:KEY_DIGITS]
