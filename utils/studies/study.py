"""A study's JSON file: the arms that are compared, where, with how many runs, and the claims that are tested."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from utils.experiment.config import Count
from utils.files.json_model import check_file_names, find_repeated, validate
from utils.files.json_text import read_json

MIN_REPORTED = 2
"""Fewest runs on fresh seeds of which there is an interval."""

ArmName = Annotated[str, Field(pattern=r"^[\w(][\w ,.()+=-]*$", max_length=100)]
"""Name of an arm, which is part of file names and of tables; the pattern is in pydantic's syntax."""


class Arm(BaseModel):
    """One of the agents that are compared: its name, and its grid besides the study's common hyperparameters."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    agent_name: str
    parameters: dict[str, Annotated[list[Any], Field(min_length=1)]] = {}


class Claim(BaseModel):
    """A claim about two arms, and the kind of statistic that tests it (see `utils.studies.claims`)."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    claim: str = Field(description="the claim, in words")
    kind: Literal["better", "less_sensitive", "better_on_average"]
    a: str = Field(description="arm that is claimed to be better, less sensitive or better over all settings")
    b: str
    to: str | None = Field(None, description="hyperparameter, for less_sensitive")

    @model_validator(mode="after")
    def _check_hyperparameter(self) -> Claim:
        """Refuse a claim about sensitivity that does not say to what, and the reverse."""
        if (self.to is None) == (self.kind == "less_sensitive"):
            raise ValueError(
                f"'to' is {self.to!r} with kind {self.kind}; allowed: a hyperparameter for less_sensitive only"
            )
        return self

    @model_validator(mode="after")
    def _check_two_arms(self) -> Claim:
        """Refuse a claim that compares an arm with itself."""
        if self.a == self.b:
            raise ValueError(f"claim '{self.claim}': found arm '{self.a}' as a and as b; allowed: two arms")
        return self


class Study(BaseModel):
    """The content of a study's file."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    title: str
    source: str = Field(description="what is re-obtained, with its citation")
    notes: list[str] = Field([], description="what differs from the publication, a paragraph each")
    environments: Annotated[list[str], Field(min_length=1)] = Field(description="environment configurations")
    parameters: dict[str, Annotated[list[Any], Field(min_length=1)]] = Field({}, description="common to all arms")
    arms: Annotated[dict[ArmName, Arm], Field(min_length=1)] = Field(
        description="by the names that claims and figures use"
    )
    choosing_runs: Count = Field(description="runs of every setting, seeds 0, 1, ..., to choose the best setting")
    reporting_runs: Annotated[int, Field(ge=MIN_REPORTED)] = Field(description="runs of the best setting, fresh seeds")
    claims: list[Claim] = []

    @model_validator(mode="after")
    def _check_names(self) -> Study:
        """Refuse a claim about an arm or a hyperparameter that the study does not have."""
        for claim in self.claims:
            for arm in (claim.a, claim.b):
                if arm not in self.arms:
                    raise ValueError(f"claim '{claim.claim}': found arm '{arm}'; allowed: {', '.join(self.arms)}")
                if claim.to is not None and claim.to not in self.grid(arm):
                    raise ValueError(f"claim '{claim.claim}': '{claim.to}' is not in the grid of {arm}")
                if claim.to is not None and len(self.grid(arm)[claim.to]) == 1:
                    raise ValueError(f"claim '{claim.claim}': '{claim.to}' has one value in the grid of {arm}")
        return self

    @model_validator(mode="after")
    def _check_repetitions(self) -> Study:
        """Refuse environments of one name, whose runs would be mixed, and one claim twice, which Holm would count."""
        check_file_names("environments", self.environments)
        for kind, a, b, to in find_repeated((one.kind, one.a, one.b, one.to) for one in self.claims):
            found = f"{kind}, a '{a}', b '{b}'" + ("" if to is None else f", to '{to}'")
            raise ValueError(f"key 'claims': found twice: {found}; allowed: each claim once")
        return self

    def grid(self, arm: str) -> dict[str, list[Any]]:
        """Return an arm's whole grid: the common hyperparameters, then its own, which replace common ones."""
        return {**self.parameters, **self.arms[arm].parameters}


def read_study(path: Path) -> Study:
    """Read a study's JSON file.  Raises BadInput if it cannot be read or is not valid."""
    return validate(Study, read_json(path, unique_keys=True), str(path))
