""".ci/run and the pre-commit hooks make the same checks."""

from __future__ import annotations

import re

from tests.support.documentation import ROOT

RUN = (ROOT / ".ci/run").read_text()


def test_the_hooks_are_the_checks_of_ci() -> None:
    checks = re.findall(r"^step \.ci/venv/bin/((?:ruff|mypy).*)$", RUN, re.MULTILINE)
    assert len(checks) == 3
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    assert re.findall(r"^ +entry: (.*)$", hooks, re.MULTILINE) == checks
    assert set(re.findall(r"^ +language: (.*)$", hooks, re.MULTILINE)) == {"system"}  # They need no network.


def test_ci_runs_the_slow_tests_after_the_readmes_command() -> None:
    readme, slow = RUN.index("grep -m 1 'requirements-dev.txt' README.md"), RUN.index("-m pytest --slow -m slow")
    assert readme < slow < RUN.index(".ci/wheelhouse/run\n")
