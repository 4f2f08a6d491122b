"""Each package imports only packages of lower layers; nothing imports a script."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

CORE = frozenset({"core"})
EXPERIMENT = CORE | {"files", "results", "experiment"}
TRAINING = EXPERIMENT | {"checkpoint", "workers", "display"}
ANALYSIS = EXPERIMENT | {"combining", "stats"}
SLURM = TRAINING | {"training", "combining"}
WIRING = SLURM | {"slurm", "agent", "env"}

ALLOWED: dict[str, frozenset[str]] = {
    "core": frozenset(),
    "stats": frozenset(),
    "display": frozenset(),
    "files": CORE,
    "workers": CORE,
    "agent": CORE | {"files"},
    "env": CORE,
    "results": CORE | {"files"},
    "checkpoint": CORE | {"files"},
    "experiment": CORE | {"files", "results"},
    "combining": EXPERIMENT,
    "training": TRAINING,
    "analysis": ANALYSIS,
    "plot_utils": ANALYSIS | {"analysis"},
    "plotting": ANALYSIS | {"analysis", "plot_utils"},
    "reporting": ANALYSIS | {"analysis"},
    "exporting": ANALYSIS | {"analysis", "checkpoint"},
    "studies": ANALYSIS | {"plot_utils"},
    "slurm": SLURM,
    "wiring": WIRING,
    "benchmarking": WIRING | {"wiring"},
}
"""Packages that each package, and `plot_utils`, may import besides itself. Scripts may import all of them."""

SCRIPTS = {
    "main", "schedule", "simple_combine", "benchmark", "compare_agents", "compare_protocols", "compare_runs", "export",
    "plot_mse_data", "report", "run_study", "select_best", "watch",
}  # fmt: skip


def room(module: str) -> str:
    """Return the package or script that a dotted module name belongs to."""
    first, _, rest = module.partition(".")
    return rest.partition(".")[0] if first == "utils" else first


def imported_modules(path: Path) -> Iterator[str]:
    """Yield every module that a file imports, lazily and for types included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ([f"utils.{alias.name}" for alias in node.names] if node.module == "utils" else [node.module])


def source_files() -> list[Path]:
    return sorted(path for top in ("agent", "env", "utils") for path in (ROOT / top).rglob("*.py"))


def own_room(path: Path) -> str:
    return room(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_imports_only_lower_layers(package: str) -> None:
    for path in source_files():
        if own_room(path) == package:
            ours = {room(module) for module in imported_modules(path)} & (ALLOWED.keys() | SCRIPTS)
            assert ours <= ALLOWED[package] | {package}, path


def test_every_file_has_a_layer() -> None:
    assert {own_room(path) for path in source_files()} <= ALLOWED.keys() | SCRIPTS | {""}


def test_layers_have_no_circle() -> None:
    """A package that may import another is never allowed to be imported by it."""
    assert not [(a, b) for a, allowed in ALLOWED.items() for b in allowed if a != b and a in ALLOWED[b]]


def test_nothing_imports_a_script() -> None:
    scripts = [ROOT / f"{name}.py" for name in ("main", "schedule", "simple_combine")]
    for path in [*source_files(), *scripts]:
        assert not SCRIPTS & {room(module) for module in imported_modules(path)}, path
