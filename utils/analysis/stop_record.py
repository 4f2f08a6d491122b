"""The record of a rule that added runs until it stopped, next to data.json; captions and sidecars repeat it."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from utils.files.json_model import validate
from utils.files.json_text import encode_json, read_json
from utils.files.overwrite import write_out

STOP_FILE = ".stop.json"
"""Name of the record; a name that begins with a dot is not taken for a result."""


class Stop(BaseModel):
    """How a rule has added runs, and where it has stopped.

    rule: "half-width" or "decision".  group, most: number of runs that a look adds, and the largest number.
    alpha: error rate of all looks together.  looks: number of looks taken.  first_run, runs: the first run number,
    and the number of runs.  reached: whether the rule has reached its aim.  text: all of it in words.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    rule: str
    group: int
    most: int
    alpha: float
    looks: int
    first_run: int
    runs: int
    reached: bool
    text: str

    @property
    def run_numbers(self) -> range:
        """The runs that the rule has looked at."""
        return range(self.first_run, self.first_run + self.runs)


def write_stop(directory: Path, stop: Stop) -> None:
    """Write the record into an experiment's directory.  Raises BadInput if it cannot be written."""
    write_out(directory / STOP_FILE, encode_json(stop.model_dump()))


def read_stop(directory: Path) -> Stop | None:
    """Return the record in an experiment's directory; None if there is none.  Raises BadInput if it is not valid."""
    path = directory / STOP_FILE
    return validate(Stop, read_json(path), str(path)) if path.exists() else None
