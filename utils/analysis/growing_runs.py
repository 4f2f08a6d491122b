"""The runs of an experiment to which groups are added, and their performance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
import numpy as np

from utils.analysis.combined_results import CombinedResults
from utils.analysis.ranking import SettingRanking
from utils.core.errors import BadInput
from utils.core.indices import format_indices
from utils.core.run_script import run_script
from utils.experiment.config import check_distinct_values, read_agent, read_environment
from utils.experiment.experiment import Experiment, RunId
from utils.experiment.train_command import TrainCommand, Where
from utils.results.schema import DATA_JSON, Result

AGAIN = "Run the same command again when they have ended."
"""What to do after runs have been submitted."""


class GrowingRuns:
    """An experiment to whose settings runs are added, in the order of their numbers."""

    def __init__(self, files: TrainCommand, agents: Mapping[str, Any], measure: str = "final") -> None:
        """Read the experiment.  Raises BadInput if a file is missing or invalid.

        agents: entries of `agent.AGENTS`, by name.  measure: of performance, see `SettingRanking`.
        """
        self._files, self._measure = files, measure
        environment, agent = read_environment(files.env_json), read_agent(files.agent_json, agents)
        check_distinct_values(agent, files.agent_json)
        model, sources = agents[agent.agent_name].hyperparameters, (files.env_json, files.agent_json)
        self.experiment = Experiment(environment, agent, model, sources, files.save_dir)

    def complete(self, runs: range, where: Where) -> np.ndarray | None:
        """Train the runs of every setting that have no result, and return the performance of all.

        Returns (S, n), NaN for a run that diverged or cannot be averaged; None if runs have been submitted.
        Raises BadInput if a run has no result after training; exits with the code of a command that fails.
        """
        missing = self._missing(runs)
        if missing:
            self._files.run([one.index for one in missing], runs, where)
            missing = self._missing(runs)
        if missing and where.cluster is not None:
            return None
        if missing:
            indices = format_indices([one.index for one in missing])
            raise BadInput(f"{self.experiment.directory}: found no result of indices {indices} after training")
        return self._performance(runs)

    def combine(self) -> None:
        """Combine the results of the grid.  Exits with the code of the command if it fails."""
        files = ["--agent-json", self._files.agent_json, "--env-json", self._files.env_json]
        run_script(["simple_combine.py", str(self.experiment.directory), *files])

    def _ids(self, runs: range) -> list[RunId]:
        return list(self.experiment.run_ids(range(len(self.experiment.grid)), runs))

    def _missing(self, runs: range) -> list[RunId]:
        """Return the runs that have no complete result."""
        return [one for one in self._ids(runs) if not self.experiment.file(one.key).exists()]

    def _performance(self, runs: range) -> np.ndarray:
        """Return the performance of runs that have a result, (S, n)."""
        cells: dict[str, dict[str, Any]] = {}
        for one in self._ids(runs):
            result = self.experiment.file(one.key).read()
            assert isinstance(result, Result)
            cell = cells.setdefault(str(one.setting), {"agent_params": result.agent_params, "runs": []})
            cell["runs"].append(result.run)
        described = {"environment": self.experiment.protocol, "agent": self.experiment.agent.model_dump(mode="json")}
        tree = {"experiment": described, "experiment_data": cells}
        training = self.experiment.environment.eval_episodes == 0
        combined = CombinedResults(self.experiment.directory / DATA_JSON, tree, training)
        return SettingRanking(combined, self._measure).performance


def announce_submission(looks: int) -> None:
    """Print that runs have been submitted.  looks: number of the look that they are for."""
    click.echo(f"The runs for look {looks} have been submitted. {AGAIN}")
