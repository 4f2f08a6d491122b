"""Command lines of main.py, for messages, job scripts and child processes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MainCommand:
    """A command line of main.py; an option that is None or False is left out.

    index: a list of indices such as "0-9,36".
    runs: number of runs of every setting.
    jobs, stack: a number or "auto".
    """

    env_json: str
    agent_json: str
    index: str | None = None
    runs: int | None = None
    save_dir: str | None = None
    jobs: int | str | None = None
    stack: int | str | None = None
    engine: str | None = None
    force: bool = False
    accept_mixed: bool = False
    no_copy: bool = False
    extend: int | None = None
    keep_checkpoint: bool = False

    def words(self, script: str = "main.py", python: str = "python") -> list[str]:
        """Return the words of the command line; an option and its value are two words."""
        return [python, script, *(word for option in self._options() for word in option), *self._flags()]

    def joined_words(self, script: str = "main.py", python: str = "python") -> list[str]:
        """Return the words of the command line, each option as --name=value, so that values may begin with a dash."""
        return [python, script, *("=".join(option) for option in self._options()), *self._flags()]

    def _options(self) -> list[tuple[str, str]]:
        values = {
            "--env-json": self.env_json,
            "--agent-json": self.agent_json,
            "--index": self.index,
            "--runs": self.runs,
            "--save-dir": self.save_dir,
            "--jobs": self.jobs,
            "--stack": self.stack,
            "--engine": self.engine,
            "--extend": self.extend,
        }
        return [(name, str(value)) for name, value in values.items() if value is not None]

    def _flags(self) -> list[str]:
        flags = {
            "--force": self.force,
            "--accept-mixed": self.accept_mixed,
            "--no-copy": self.no_copy,
            "--keep-checkpoint": self.keep_checkpoint,
        }
        return [name for name, given in flags.items() if given]
