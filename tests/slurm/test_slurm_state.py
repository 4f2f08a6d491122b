"""utils/slurm/slurm_state.py: what SLURM's configuration allows."""

from __future__ import annotations

import pytest

from utils.slurm.slurm_state import has_expedited_requeue


@pytest.mark.parametrize(
    ("version", "parameters", "expected"),
    [
        ("25.11.0", "cloud_dns,enable_expedited_requeue", True),
        ("26.05.4", "enable_expedited_requeue", True),
        ("25.11.0", "cloud_dns", False),
        ("25.11.0", "(null)", False),
        ("25.05.9", "enable_expedited_requeue", False),
        ("22.05.8", "", False),
        ("unknown", "enable_expedited_requeue", False),
    ],
)
def test_where_nodes_that_fail_are_expedited(version, parameters, expected):
    assert has_expedited_requeue({"SLURM_VERSION": version, "SlurmctldParameters": parameters}) == expected


def test_a_configuration_that_says_nothing():
    assert not has_expedited_requeue({})


def test_a_cluster_file_that_asks_for_it_in_vain_is_noted(project, slurm):
    project.cluster(expedite=True)
    result = project.call("--dry-run")
    assert "SLURM has no --requeue=expedite here" in result.stderr
    assert "#SBATCH --requeue\n" in result.output


def test_a_cluster_file_can_ask_for_it(project, slurm):
    version, feature = "SLURM_VERSION = 25.11.1", "SlurmctldParameters = enable_expedited_requeue"
    (slurm.folder / "array_size").write_text(f"9\n{version}\n{feature}")
    project.cluster(expedite=True)
    result = project.call("--dry-run")
    assert result.stderr.count("expedite") == 0
    assert "#SBATCH --requeue=expedite\n" in result.output
    project.cluster(expedite=False)
    assert "#SBATCH --requeue\n" in project.call("--dry-run").output
