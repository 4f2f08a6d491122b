"""Whatever stands in configuration files, main.py says what is wrong with it in a line, or does it."""

from __future__ import annotations

import logging
import signal
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

import main
from tests.faults import odd
from utils.core.interrupt import Interruption

MOST_STEPS = 30
"""Of training and evaluation, after which a call is told to stop: a valid configuration may ask for 10^15."""


class Said(logging.Handler):
    """Collects what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture(scope="module", autouse=True)
def _stopped_soon():
    """The question whether to stop, asked at every step, is answered by how often it was asked."""
    requested, asked = Interruption.is_requested, {}

    def after_some_steps(interruption: Interruption) -> bool:
        asked[interruption] = asked.get(interruption, 0) + 1
        if asked[interruption] > MOST_STEPS:
            interruption.request_stop(signal.SIGTERM)
        return requested(interruption)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Interruption, "is_requested", after_some_steps)
        yield


def assert_clear(environment: bytes | None, agent: bytes | None, options: list[str]) -> int:
    """Call main.py on two files, None being a folder. Returns the exit code."""
    said, root = Said(), logging.getLogger()
    with tempfile.TemporaryDirectory() as folder:
        sources = [Path(folder, name) for name in ("environment.json", "agent.json")]
        for path, content in zip(sources, (environment, agent), strict=True):
            path.mkdir() if content is None else path.write_bytes(content)
        arguments = ["--env-json", sources[0], "--agent-json", sources[1], "--save-dir", f"{folder}/out", *options]
        root.addHandler(said)
        try:
            result = CliRunner().invoke(main.main, [*map(str, arguments)])
        finally:
            root.removeHandler(said)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    for text in (result.output, *said.lines):
        assert "Traceback" not in text
    assert result.exit_code in (0, 1, 2, 75)
    if result.exit_code == 2:
        assert result.stderr.startswith("error: ")
        assert result.stderr.count("\n") == 1
        assert len(result.stderr) < 3000
    if result.exit_code == 1:
        assert any("failed: " in line for line in said.lines)
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
def test_configurations_that_ask_too_much(base, protocol, parameters, code):
    """Too much memory, too long, or what an environment cannot do."""
    env_name, agent_name, grid = odd.BASES[base]
    environment = odd.PROTOCOL | {"env_name": env_name} | protocol
    agent = {"agent_name": agent_name, "parameters": grid | parameters}
    assert assert_clear(odd.written(environment), odd.written(agent), []) == code


def test_mutated_configurations(pytestconfig):
    """--fuzz-examples says how many; their exit codes are counted."""
    count = pytestconfig.getoption("--fuzz-examples")
    codes: dict[int, int] = {}

    @settings(max_examples=count, deadline=None, database=None, derandomize=True,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(st.data())
    def mutated(data: st.DataObject) -> None:
        pair = [data.draw(odd.files(odd.written(tree))) for tree in data.draw(odd.trees())]
        pair = [None if data.draw(st.integers(0, 60)) == 60 else content for content in pair]
        options = data.draw(st.sampled_from([["--runs", "2"], ["--index", "0-3"], ["--stack", "1"], []]))
        note(f"{pair} {options}")
        code = assert_clear(*pair, options)
        codes[code] = codes.get(code, 0) + 1

    mutated()
    print(f"{sum(codes.values())} configurations, exit codes {dict(sorted(codes.items()))}")
    assert set(codes) >= {0, 2}
