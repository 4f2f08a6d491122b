"""utils/benchmark.py and utils/benchmarking, with agents that have networks and agents that have none."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from utils import benchmark
from utils.benchmarking import cost_growth, memory, startup, timing
from utils.benchmarking.timing import TimedCall, measure_in_turn

UNITS = ("seconds", "MB")
"""Last words of header lines."""


def run(*options: str) -> list[list[str]]:
    """Run the command and return the words of each line that it prints, without the first line."""
    options = (*options, "--engine", "eager", "--repeats", "1", "--peer", "none")
    result = CliRunner().invoke(benchmark.benchmark, options)
    assert result.exit_code == 0, result.output
    return [line.split() for line in result.stdout.splitlines()[1:]]


@pytest.mark.parametrize(("agent", "multiplies"), [("SAC", True), ("linearAC", False), ("Random", False)])
def test_a_row_for_every_kind_of_agent(agent: str, multiplies: bool) -> None:
    """An agent without matrix products in its update has no limit to compare with."""
    lines = run("--agent", agent, "--stack", "2", "--seconds", "0.01")
    (row,) = (words for words in lines if words and words[0] == agent)
    *names, steps, products, faster, ratio, _, _, _, _ = row
    assert names == [agent, "Pendulum-v1", "64x2,", "b32", "eager", "2"]
    assert float(steps.replace(",", "")) > 0
    assert [products == "-", faster == "-", ratio == "-"] == [not multiplies] * 3


def test_growth_has_a_line_for_each_value(monkeypatch) -> None:
    values = {"stack": (1, 3), "batch": (8,), "hidden": (16,), "replay_capacity": (40, 200)}
    monkeypatch.setattr(cost_growth, "VARIED_VALUES", values)
    header, *lines = run("--part", "growth", "--seconds", "0.01")
    assert header[-3:] == ["varied:", "value", "eager"]
    assert [line[:2] for line in lines] == [[name, str(value)] for name in values for value in values[name]]
    assert all(float(line[2].replace(",", "")) > 0 for line in lines)


@pytest.mark.parametrize(("varied", "value"), [("stack", 3), ("batch", 8), ("hidden", 16), ("replay_capacity", 300)])
def test_one_quantity_is_varied(varied: str, value: int) -> None:
    loop = cost_growth.make_varied_loop(varied, value, "eager")
    common = loop.stack.agent.common
    found = {
        "stack": loop.runs, "batch": common.batch_size, "hidden": common.hidden_dim,
        "replay_capacity": common.replay_capacity,
    }  # fmt: skip
    base = cost_growth.BASE._asdict() | {"stack": cost_growth.BASE_STACK}
    assert found == {name: base[name] for name in found} | {varied: value}
    assert (len(loop.stack.agent.replay) == value) is (varied == "replay_capacity")


@pytest.mark.slow
def test_start_up_and_memory(monkeypatch) -> None:
    """A stack of two runs; a replay of a million HalfCheetah transitions of 26 numbers, 4 bytes each."""
    monkeypatch.setattr(memory, "SMALL_STACK", 2)
    lines = run("--part", "start-up", "--part", "memory")
    found = {" ".join(words[:-1]): float(words[-1].replace(",", "")) for words in lines if words[-1] not in UNITS}
    assert found["replay of a run, HalfCheetah-v5, 1e+06"] == 104
    assert min(found.values()) > 0
    assert {"main.py --help", "simple_combine.py --help", "main.py, first update, eager"} <= found.keys()
    assert 100 < found["stack of 2 small runs, eager"] < 2000


def test_starts_of_scripts_and_engines(monkeypatch) -> None:
    """Commands write to their cache: the empty one is empty each time, the full one has what one run has written."""
    found_in_cache: dict[str, set[frozenset[str]]] = {}

    def run_command(command: list[str], cache: Path | None) -> None:
        if cache and "compiled" in command:
            cache.mkdir(exist_ok=True)
            size = command[command.index("--stack") + 1]
            found_in_cache.setdefault(size, set()).add(frozenset(path.name for path in cache.iterdir()))
            (cache / f"code for {size}").touch()

    monkeypatch.setattr(startup, "run_command", run_command)
    rows = dict(startup.measure_startup(["eager", "compiled"], [], 2))
    compiled = "main.py, first update, compiled"
    assert [name for name in rows if "update" in name] == [
        "main.py, first update, eager", f"{compiled}, empty cache", f"{compiled}, full cache",
        f"{compiled}, full cache, stack of 8",
    ]  # fmt: skip
    assert {"main.py --help", "simple_combine.py --help"} <= rows.keys()
    assert found_in_cache == {"1": {frozenset(), frozenset({"code for 1"})}, "8": {frozenset({"code for 1"})}}


def test_the_processor_is_named_with_its_widest_vectors(monkeypatch) -> None:
    for flags, name in ((["avx", "avx2", "avx512f"], "A, AVX-512"), (["avx", "avx2"], "A, AVX2"), ([], "A")):
        monkeypatch.setattr(timing, "describe_cpu", lambda flags=flags: {"model": "A", "flags": flags})
        assert timing.describe_processor() == name


def test_calls_take_turns_and_are_counted_by_their_run_steps(monkeypatch) -> None:
    """The clock advances with each call: A makes 4 run-steps in 2 seconds, B 9 in 3."""
    calls: list[str] = []
    now = [0.0]

    def timed_call(name: str, seconds: float, run_steps: int) -> TimedCall:
        def function() -> None:
            calls.append(name)
            now[0] += seconds

        return TimedCall(function, run_steps)

    monkeypatch.setattr(timing.time, "perf_counter", lambda: now[0])
    speeds = measure_in_turn([timed_call("A", 2.0, 4), timed_call("B", 3.0, 9)], repeats=2, seconds=5.0)
    assert speeds.tolist() == [[2.0, 3.0], [2.0, 3.0]]
    assert "".join(calls) == "AAABB" * 2
