"""Runs that begin from learned parameters: they have them to the bit, and are otherwise runs like others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from main import main
from schedule import main as schedule
from tests.support.experiments import assert_same_bits, train
from tests.support.resuming import assert_resumes_exactly
from tests.support.starts import AGENTS, configure, learn, read
from utils.results.run_diff import first_run_difference, read_comparable
from utils.results.schema import read_result
from utils.wiring import build
from utils.wiring.rebuild import load_agent
from utils.wiring.run import train as train_and_write

ENGINES = ["eager", pytest.param("compiled", marks=pytest.mark.slow)]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("agent", AGENTS)
def test_parameters_at_timestep_0_are_those_of_the_start(agent, engine, files):
    """In a stack whose runs begin from different starts."""
    starts = learn(files, agent, "0-1")
    experiment = read(files, configure(files, agent, starts[0].result.path.parent))
    stack = build.build_stack(experiment, [experiment.run(index) for index in (0, 1)])
    build.start_stack(stack, engine, 60)
    for slot, start in enumerate(starts):
        learned = stack.agent.learned_params(slot)
        assert learned.keys() == start.arrays.keys()
        for name, array in start.arrays.items():
            expected = array
            if name == "alpha" and agent != "SAC":
                expected = np.array([stack.agent.settings[slot].alpha], np.float32)
            np.testing.assert_array_equal(learned[name], expected, err_msg=name)
    assert starts[0].sha256 != starts[1].sha256


@pytest.mark.parametrize("agent", ["SAC", "GreedyAC", "VAC", "SACDiscrete"])
def test_optimizers_and_replay_are_new(agent, files):
    (start,) = learn(files, agent)
    experiment = read(files, configure(files, agent, start.result.path))
    new = read(files, configure(files, agent, None))
    found, expected = (build.build_stack(e, [e.run(0)]).agent.state_dict() for e in (experiment, new))
    assert len(build.build_stack(experiment, [experiment.run(0)]).agent.replay) == 0
    for part in ("actor", "critic", *(["proposal"] if agent == "GreedyAC" else [])):
        assert not (found[part]["params"] == expected[part]["params"]).all()
        for name, moment in found[part]["optimizer"].items():
            np.testing.assert_array_equal(np.asarray(moment), np.asarray(expected[part]["optimizer"][name]))
    assert found["updates"] == 0


def test_a_tuned_temperature_continues(files):
    (start,) = learn(files, "SAC")
    experiment = read(files, configure(files, "SAC", start.result.path))
    temperature = build.build_stack(experiment, [experiment.run(0)]).agent.temperature
    assert start.arrays["alpha"][0] != np.float32(0.2)
    np.testing.assert_allclose(temperature.log_alpha.numpy(), np.log(start.arrays["alpha"][0]), rtol=1e-6)
    assert not any(temperature.optimizer.mean.flatten())


def test_a_fixed_temperature_is_the_settings(files):
    """Also that of a tuned one whose start did not tune it."""
    fixed = {"automatic_entropy_tuning": [False], "alpha": [0.7]}
    (start,) = learn(files, "SAC", parameters=fixed)
    for own in ({"automatic_entropy_tuning": [False], "alpha": [0.4]}, {"alpha": [0.4]}):
        experiment = read(files, configure(files, "SAC", start.result.path, parameters=own))
        agent = build.build_stack(experiment, [experiment.run(0)]).agent
        assert agent.alpha.item() == np.float32(0.4)


def test_statistics_of_observations_continue(files):
    """The 60 observations of the start count on, over two starts in a row."""
    (first,) = learn(files, "SAC")
    second = configure(files, "SAC", first.result.path)
    (result,) = train_and_write(*second, save_dir=str(files.folder / "second"), engine="eager")
    third = read(files, configure(files, "SAC", result.path))
    for experiment, count in ((read(files, configure(files, "SAC", first.result.path)), 60), (third, 120)):
        statistics = build.build_stack(experiment, [experiment.run(0)]).agent.statistics
        assert statistics.count.tolist() == [count]
    assert third.run(0).start.timesteps == 120
    before, obs = statistics.mean.copy(), np.array([[0.5, 0.5, 3.0]], np.float32)
    statistics.add(obs)
    np.testing.assert_allclose(statistics.mean, before + (obs - before) / 121)


@pytest.mark.parametrize("rate", [0.0, 0.1])
def test_an_average_reward_continues_if_it_is_learned(rate, files):
    (start,) = learn(files, "linearAC", parameters={"avg_reward_lr": [0.1]})
    experiment = read(files, configure(files, "linearAC", start.result.path, parameters={"avg_reward_lr": [rate]}))
    agent = build.build_stack(experiment, [experiment.run(0)]).agent
    assert agent.avg_reward[0] == (start.arrays["avg_reward"] if rate else 0.0)
    assert start.arrays["avg_reward"] != 0.0
    assert not any(agent.traces.norms().flat)


@pytest.mark.parametrize("agent", ["SAC", "linearAC"])
def test_stacked_and_resumed_runs_have_the_same_bits(agent, files, tmp_path):
    """Runs from three starts, with different temperatures and numbers of observations, stopped at two timesteps."""
    learn(files, agent, "0-1")
    learn(files, agent, "2", total_timesteps=45)
    folder = next((tmp_path / "start").glob("*"))
    experiment = read(files, configure(files, agent, folder))
    stacked = assert_resumes_exactly(experiment, [2, 0, 1], [17, 41], tmp_path / "checkpoints")
    for index, record in zip([2, 0, 1], stacked, strict=True):
        assert_same_bits(train(experiment, [index])[0], record)


def run_main(files, configured, *more: object) -> Result:
    """Call main.py with the eager engine."""
    options = ["--agent-json", configured[0], "--env-json", configured[1], "--engine", "eager"]
    return CliRunner().invoke(main, [*options, "--save-dir", str(files.folder / "out"), *map(str, more)])


@pytest.mark.parametrize("agent", ["SAC", "linearAC"])
def test_a_run_acts_at_first_as_its_start_did_at_last(agent, files):
    (start,) = learn(files, agent)
    experiment = read(files, configure(files, agent, start.result.path))
    new = build.build_stack(experiment, [experiment.run(0)]).agent
    trained, episodes = load_agent(start)
    episodes.env.close()
    for obs in np.random.default_rng(0).uniform(-1.0, 1.0, (20, 1, 3)).astype(np.float32):
        np.testing.assert_array_equal(new.act_eval(obs, True), trained.act_eval(obs, True))


def test_a_result_records_its_start_and_is_verified(files):
    (start,) = learn(files, "linearAC")
    path = start.result.path
    configured = configure(files, "linearAC", path)
    assert run_main(files, configured).exit_code == 0
    (made,) = (files.folder / "out").glob("*/*.json")
    result = read_result(made)
    assert result.experiment["agent"]["start_from"] == str(path)
    assert result.run["provenance"]["start_from"] == {
        "path": str(path), "key": path.stem.rpartition("_")[2], "sha256": start.sha256, "timesteps": 60,
    }  # fmt: skip
    done = CliRunner().invoke(main, ["--verify", str(made)])
    assert done.stdout == f"{made}: identical\n"
    moved = path.rename(path.with_name("moved.json"))
    done = CliRunner().invoke(main, ["--verify", str(made)])
    assert done.exit_code == 2
    assert f"{made}: cannot be repeated without the result that it began from: " in done.output
    shutil.copy(learn(files, "linearAC", "1")[0].result.path, path)
    done = CliRunner().invoke(main, ["--verify", str(made)])
    assert done.exit_code == 2
    assert "cannot be repeated: it began from learned parameters with SHA-256 " in done.output
    assert moved.exists()


def test_moving_the_start_trains_nothing_again(files):
    (start,) = learn(files, "linearAC")
    assert run_main(files, configure(files, "linearAC", start.result.path)).exit_code == 0
    folder = shutil.copytree(start.result.path.parent, files.folder / "elsewhere")
    start.result.path.unlink()
    done = run_main(files, configure(files, "linearAC", folder / start.result.path.name))
    assert done.exit_code == 0
    assert len(list((files.folder / "out").glob("*/*.json"))) == 1


def test_an_extended_run_is_a_straight_one(files):
    (start,) = learn(files, "linearAC")
    configured = configure(files, "linearAC", start.result.path, total_timesteps=40)
    assert run_main(files, configured, "--keep-checkpoint").exit_code == 0
    assert run_main(files, configured, "--extend", 90).exit_code == 0
    straight = configure(files, "linearAC", start.result.path, total_timesteps=90)
    (expected,) = train_and_write(*straight, save_dir=str(files.folder / "straight"), engine="eager")
    (extended,) = (files.folder / "out").glob(f"*/{expected.path.name}")
    assert first_run_difference(read_comparable(extended), read_comparable(expected.path)) is None


@pytest.mark.parametrize(
    ("agent", "own", "message"),
    [
        ("VAC", {}, "its agent is GreedyAC; allowed: VAC, as here"),
        ("GreedyAC", {"hidden_dim": [32]}, "its hidden_dim is 16; allowed: 32, as here"),
        ("GreedyAC", {"policy_type": ["Beta"]}, 'its policy_type is "Gaussian"; allowed: "Beta", as here'),
        ("GreedyAC", {"layer_norm": [True]}, "its layer_norm is false; allowed: true, as here"),
    ],
)
def test_another_agent_or_network_is_refused(agent, own, message, files):
    (start,) = learn(files, "GreedyAC")
    configured = configure(files, agent, start.result.path, parameters=own)
    done = run_main(files, configured)
    assert done.exit_code == 2
    assert done.output.splitlines()[-1] == f"error: {configured[0]}: start_from: {start.result.path}: {message}"


@pytest.mark.parametrize(
    ("agent", "first", "own", "message"),
    [
        ("VAC", {}, {"env_name": "InvertedPendulum-v5"}, "its 'actor/weight_0' has shape [3, 16], and here [4, 16]"),
        ("linearAC", {}, {"use_tile_coding": False}, "its 'critic/value' has shape ["),
    ],
)
def test_other_shapes_are_refused_before_training(agent, first, own, message, files):
    (start,) = learn(files, agent, **first)
    done = run_main(files, configure(files, agent, start.result.path, **own))
    assert done.exit_code == 2
    line = done.output.splitlines()[-1]
    assert line.startswith(f"error: start_from: {start.result.path}: {message}")
    assert line.endswith("; allowed: learned parameters of the same shapes")


def test_one_critic_does_not_begin_from_two(files):
    (start,) = learn(files, "SAC")
    done = run_main(files, configure(files, "SAC", start.result.path, parameters={"double_q": [False]}))
    assert done.exit_code == 2
    assert "its learned parameters have 'critic_1/weight_0'; allowed" in done.output


def test_parameters_that_change_meanwhile_are_refused(files):
    one, other = learn(files, "linearAC", "0-1")
    experiment = read(files, configure(files, "linearAC", one.result.path))
    run = experiment.run(0)
    shutil.copy(other.result.path.with_suffix(".npz"), one.result.path.with_suffix(".npz"))
    with pytest.raises(Exception, match="its learned parameters have changed since this process began"):
        build.build_stack(experiment, [run])


def test_a_relative_start_is_refused_if_tasks_run_elsewhere(files):
    (start,) = learn(files, "linearAC")
    cluster = Path("clusters/fir.json").resolve()
    (files.folder / "main.py").touch()
    for path, refused in (("start.json", True), (str(start.result.path), False)):
        agent_json, env_json = configure(files, "linearAC", path)
        arguments = ["--runs", 1, "--dry-run", cluster, "main.py", files.folder, env_json, "out", agent_json]
        done = CliRunner().invoke(schedule, [*map(str, arguments)])
        assert ("start_from: found start.json, a relative path, with main.py in another" in done.output) == refused
        assert done.exit_code == (2 if refused else 0), done.output


def test_schedule_plans_such_runs(files):
    """The keys that a plan looks for are those that main.py writes."""
    learn(files, "linearAC", "0-1")
    folder = next((files.folder / "start").glob("*"))
    configured = configure(files, "linearAC", folder, parameters={"critic_lr": [0.1, 0.01]})
    experiment = read(files, configured)
    ids = list(experiment.run_ids([0, 1], [0, 1]))
    assert [run_id.key for run_id in ids] == [experiment.run(index).key for index in range(4)]
    assert run_main(files, configured, "--runs", 2).exit_code == 0
    keys = {json.loads(path.read_bytes())["experiment_data"].popitem()[1]["runs"][0]["key"]
            for path in (files.folder / "out").glob("*/*.json")}  # fmt: skip
    assert keys == {run_id.key for run_id in ids}
