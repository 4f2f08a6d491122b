"""For any configuration files, main.py runs them or reports a one-line error."""

from __future__ import annotations

import logging
import signal
import tempfile
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

import main
from tests.faults import odd_configurations as odd
from utils.core.interrupt import Interruption
from utils.results.schema import read_result

MAX_STEPS = 30
"""Steps of training and evaluation after which a call is stopped: a valid configuration may request 10^15."""


class LogCollector(logging.Handler):
    """Log handler that collects formatted lines."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture(scope="module", autouse=True)
def _registered():
    """Register the tests' environments."""
    kinds: dict[str, Any] = odd.REGISTERED
    for name, kind in kinds.items():
        gym.register(name, kind)
    yield
    for name in kinds:
        del gym.registry[name]


@pytest.fixture(scope="module", autouse=True)
def _stop_after_some_steps():
    """Request a stop after a number of steps, counted by the checks for a request at every step."""
    is_requested, checks = Interruption.is_requested, {}

    def after_some_steps(interruption: Interruption) -> bool:
        checks[interruption] = checks.get(interruption, 0) + 1
        if checks[interruption] > MAX_STEPS:
            interruption.request_stop(signal.SIGTERM)
        return is_requested(interruption)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Interruption, "is_requested", after_some_steps)
        yield


def assert_nothing_is_lost(out: Path, code: int) -> None:
    """Check that what a call leaves is as its exit code says: results, reasons of failures, checkpoints or nothing."""
    results = [path for path in out.glob("*/*.json") if not path.name.startswith(".")]
    for path in results:
        read_result(path)
    if code == 0:
        assert results
    elif code == 1:
        assert [*out.glob("*/failures/*.json")]
    elif code == 75:
        assert results or [*out.glob("*/checkpoints/*/state")]
    else:
        assert not results


def assert_clear(environment: bytes | None, agent: bytes | None, options: list[str]) -> int:
    """Call main.py on two files, None meaning a folder, and check its output. Returns the exit code."""
    collector, root = LogCollector(), logging.getLogger()
    with tempfile.TemporaryDirectory() as folder:
        sources = [Path(folder, name) for name in ("environment.json", "agent.json")]
        for path, content in zip(sources, (environment, agent), strict=True):
            path.mkdir() if content is None else path.write_bytes(content)
        arguments = ["--env-json", sources[0], "--agent-json", sources[1], "--save-dir", f"{folder}/out", *options]
        root.addHandler(collector)
        try:
            result = CliRunner().invoke(main.main, [*map(str, arguments)])
        finally:
            root.removeHandler(collector)
        assert_nothing_is_lost(Path(folder, "out"), result.exit_code)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    for text in (result.output, *collector.lines):
        assert "Traceback" not in text
    assert result.exit_code in (0, 1, 2, 75)
    if result.exit_code == 2:
        assert result.stderr.startswith("error: ")
        assert result.stderr.count("\n") == 1
        assert len(result.stderr) < 3000
    if result.exit_code == 1:
        assert any("failed: " in line for line in collector.lines)
    return result.exit_code


@pytest.mark.parametrize(
    ("base", "protocol", "parameters", "code"),
    [
        (0, {}, {"num_samples": [10**15], "batch_size": [1]}, 1),
        (0, {}, {"replay_capacity": [2**53]}, 1),
        (0, {}, {"replay_capacity": [2**62]}, 1),
        (0, {}, {"num_hidden": [10**15]}, 2),
        (0, {"total_timesteps": 10**15}, {}, 75),
        (0, {"eval_episodes": 10**15}, {}, 75),
        (0, {"env_kwargs": {"render_mode": 0}}, {}, 2),
        (2, {"env_kwargs": {"frame_skip": 0}}, {}, 2),
        (2, {"env_kwargs": {"healthy_z_range": [0]}}, {}, 2),
        (4, {"env_kwargs": {"size": 10**15}}, {}, 2),
        (6, {}, {"tilings": [2**53]}, 1),
    ],
)
def test_configurations_that_request_too_much(base, protocol, parameters, code):
    """Too much memory, too many steps, or arguments that the environment does not support."""
    env_name, agent_name, grid = odd.BASES[base]
    environment = odd.PROTOCOL | {"env_name": env_name} | protocol
    agent = {"agent_name": agent_name, "parameters": grid | parameters}
    options = ["--engine", "eager"]  # Long runs would be compiled.
    assert assert_clear(odd.encode_tree(environment), odd.encode_tree(agent), options) == code


def test_mutated_configurations(pytestconfig):
    """Try --fuzz-examples configurations and count their exit codes."""
    count = pytestconfig.getoption("--fuzz-examples")
    codes: dict[int, int] = {}

    @settings(max_examples=count, deadline=None, database=None, derandomize=True,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(st.data())
    def mutated(data: st.DataObject) -> None:
        contents = [data.draw(odd.file_contents(odd.encode_tree(tree))) for tree in data.draw(odd.configurations())]
        pair = [None if data.draw(st.integers(0, 60)) == 60 else content for content in contents]
        options = data.draw(st.sampled_from([["--runs", "2"], ["--index", "0-3"], ["--stack", "1"], []]))
        note(f"{pair} {options}")
        code = assert_clear(pair[0], pair[1], options)
        codes[code] = codes.get(code, 0) + 1

    mutated()
    print(f"{sum(codes.values())} configurations, exit codes {dict(sorted(codes.items()))}")
    assert set(codes) >= {0, 2}
