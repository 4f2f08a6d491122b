"""Peers with an environment of their own, with a stand-in for the script that trains a library."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from utils import benchmark
from utils.benchmarking import pipeline_speed, startup
from utils.benchmarking.peers import PEERS, processes
from utils.benchmarking.peers.catalogue import ISOLATED, PeerRuns, make_peer_calls
from utils.benchmarking.peers.environments import NotAvailable, environment_path, last_error, peer_python
from utils.benchmarking.peers.installed import INSTALLED
from utils.benchmarking.peers.processes import IsolatedPeer, PeerProcess, peer_sizes
from utils.benchmarking.peers.serving import Sizes, parse_sizes
from utils.benchmarking.timing import BenchmarkTask

TASK = BenchmarkTask("SAC", "Pendulum-v1", 64, 32)

SCRIPT = """
import sys
from pathlib import Path

from utils.benchmarking.peers.serving import Training, serve


def make_training(sizes):
    log = Path(__file__).with_suffix(".log")
    log.write_text(sys.prefix + "\\n")

    def train():
        print("what a library prints")
        with log.open("a") as file:
            file.write(f"{sizes.steps} steps of {sizes.runs}, replay {sizes.replay}\\n")

    return Training(train, 1.5)


serve(make_training)
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "policy_params" / "peers"


@pytest.fixture
def requirements(tmp_path: Path) -> Path:
    """Requirements that need no network: none."""
    path = tmp_path / "requirements-fake.txt"
    path.write_text("# nothing\n")
    return path


def make_peer(requirements: Path, script: str = SCRIPT) -> IsolatedPeer:
    path = requirements.with_name("fake_sac.py")
    path.write_text(script)
    return IsolatedPeer(path, requirements, ("Pendulum-v1",), "fake", stacks=True, small_replay=1000)


@pytest.fixture
def peer(requirements: Path, monkeypatch: pytest.MonkeyPatch) -> IsolatedPeer:
    """A peer that needs no environment."""
    monkeypatch.setattr(processes, "peer_python", lambda requirements: sys.executable)
    return make_peer(requirements)


def test_every_peer_has_a_column_and_its_files() -> None:
    assert (*INSTALLED, *ISOLATED) == PEERS
    for peer in ISOLATED.values():
        assert peer.script.is_file()
        pins = [line for line in peer.requirements.read_text().splitlines() if not line.startswith("#")]
        assert pins
        assert all("==" in pin for pin in pins)


def test_a_peer_trains_in_an_environment_of_its_own(cache: Path, requirements: Path) -> None:
    peer = make_peer(requirements)
    process = PeerProcess(peer, peer_sizes(TASK, 8))
    process.close()
    (made,) = cache.iterdir()
    assert made == environment_path(requirements)
    assert made.name.startswith("fake-")
    assert peer.script.with_suffix(".log").read_text().splitlines()[0] == str(made)
    (made / "kept").touch()
    assert peer_python(requirements) == made / "bin" / "python"
    assert (made / "kept").exists()
    requirements.write_text("# changed\n")
    assert environment_path(requirements) != made


def test_an_installation_that_fails_leaves_a_reason_and_nothing_else(cache: Path, requirements: Path) -> None:
    requirements.write_text("/no/such/folder/package.whl\n")
    with pytest.raises(NotAvailable) as raised:
        peer_python(requirements)
    reason = str(raised.value)
    assert "package.whl" in reason
    assert "/" not in reason
    assert "\n" not in reason
    assert [*cache.iterdir()] == []


def test_a_cache_that_cannot_be_written(cache: Path, requirements: Path) -> None:
    cache.parent.parent.write_text("a file")
    with pytest.raises(NotAvailable, match=r"File exists|Not a directory"):
        peer_python(requirements)


def test_a_process_trains_until_its_first_update_and_then_on_request(peer: IsolatedPeer) -> None:
    """It has made an update once it has more than 32 transitions: after 5 times 7 steps."""
    process = PeerProcess(peer, peer_sizes(TASK, 3, steps=7))
    assert process.compile_seconds == 1.5
    log = peer.script.with_suffix(".log")
    assert log.read_text().splitlines()[1:] == ["7 steps of 3, replay 100000"] * 5
    assert process.train() == 21
    assert len(log.read_text().splitlines()) == 1 + 6
    process.close()


def test_a_script_that_cannot_start(requirements: Path, peer: IsolatedPeer) -> None:
    with pytest.raises(NotAvailable, match="no such game"):
        PeerProcess(make_peer(requirements, "raise ValueError('no such game')"), peer_sizes(TASK, 1))


def test_a_process_that_ends_while_it_trains(requirements: Path, peer: IsolatedPeer) -> None:
    dies = SCRIPT.replace(
        'with log.open("a")', "if log.with_name('die').exists(): exit('it died')\n        with log.open('a')"
    )
    process = PeerProcess(make_peer(requirements, dies), peer_sizes(TASK, 1))
    requirements.with_name("die").touch()
    with pytest.raises(NotAvailable, match="it died"):
        process.train()


def test_the_last_error_is_one_short_line_without_folders() -> None:
    text = "Traceback\nERROR: a /home/someone/cache/x.whl: bad\n\n[notice] a new release\n"
    assert last_error(text) == "ERROR: a x.whl: bad"
    assert last_error("") == "no reason given"
    assert len(last_error("error " * 99)) == 150


def test_stacks_and_a_small_replay(peer: IsolatedPeer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ISOLATED, "rejax", peer)
    with ExitStack() as opened:
        calls = make_peer_calls("rejax", TASK, (1, 8), opened)
        assert {row: call.run_steps for row, call in calls.items()} == {
            PeerRuns("rejax", "fake", 1, 100_000): 480,
            PeerRuns("rejax", "fake", 8, 100_000): 480,
            PeerRuns("rejax", "fake", 1, 1000): 480,
        }
        assert make_peer_calls("rejax", TASK._replace(env_name="HalfCheetah-v5"), (1,), opened) == {}


def test_sizes_survive_the_command_line() -> None:
    sizes = Sizes(8, 64, 32, 1000, 60)
    assert parse_sizes(sizes.words()) == sizes


def test_a_peer_is_compared_by_its_fastest_stack_within_a_round() -> None:
    """Two rounds. The median of two numbers is their mean."""
    speeds = {
        PeerRuns("rejax", "fake", 1, 100_000): np.array([10.0, 40.0]),
        PeerRuns("rejax", "fake", 8, 100_000): np.array([20.0, 20.0]),
        PeerRuns("rejax", "fake", 1, 1000): np.array([500.0, 500.0]),
        ("eager", 2): np.array([100.0, 120.0]),
        ("BLAS", 2): np.array([200.0, 100.0]),
        ("own", 2): np.array([150.0, 160.0]),
    }
    (row,) = pipeline_speed.our_rows(TASK, [("eager", 2)], speeds)
    assert row[:5] == ("SAC", "Pendulum-v1", "64x2, b32", "eager", 2)
    assert row[5:9] == (110.0, 180.0, "own", (100 / 200 + 120 / 160) / 2)
    ratios = dict(zip(PEERS, row[9:], strict=True))
    assert ratios.pop("rejax") == (100 / 20 + 120 / 40) / 2
    assert all(np.isnan(ratio) for ratio in ratios.values())


def test_the_tables_have_rows_and_reasons(
    peer: IsolatedPeer, requirements: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = requirements.with_name("broken.py")
    broken.write_text("raise ValueError('no compiler')")
    monkeypatch.setitem(ISOLATED, "rejax", peer)
    monkeypatch.setitem(ISOLATED, "RLtools", peer._replace(script=broken))
    monkeypatch.setattr(startup, "run_command", lambda command, cache: None)
    options = ["--agent=SAC", "--hidden=16", "--batch=8", "--stack=2", "--engine=eager", "--repeats=1"]
    options += ["--peer=rejax", "--peer=RLtools", "--seconds=0.01", "--part=speed", "--part=start-up"]
    result = CliRunner().invoke(benchmark.benchmark, options)
    assert result.exit_code == 0, result.output
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert lines[0].endswith("; medians of 1 measurements")
    assert [line.rpartition(" ")[0] for line in lines if line.startswith("rejax")] == [
        "rejax fake 16x2, b8 2", "rejax, replay 1000 fake 16x2, b8 1", "rejax, first update", "rejax, compiling",
    ]  # fmt: skip
    assert [line for line in lines if line.startswith("RLtools")] == [
        "RLtools not available: ValueError: no compiler"
    ] * 2
    (ours,) = (line.split() for line in lines if line.startswith("SAC"))
    assert ours[-1] == "-"
    assert ours[-2] != "-"
