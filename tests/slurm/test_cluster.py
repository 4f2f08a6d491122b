"""utils/slurm/cluster.py: files that are accepted, files that are refused, and notices."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from utils.core.errors import BadInput
from utils.slurm.cluster import Cluster, account_notice, add_options, gpu_notice, read_cluster, retirement_notice

FOLDER = Path(__file__).resolve().parents[2] / "clusters"
NAMES = [
    "beluga", "cedar", "fir", "graham", "killarney", "narval", "niagara", "nibi", "rorqual", "slurm", "tamia",
    "trillium", "vulcan",
]  # fmt: skip
RETIRED = {"cedar": "fir", "graham": "nibi", "beluga": "rorqual", "niagara": "trillium"}


def test_these_are_shipped():
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_file_loads_and_says_whether_it_is_retired(name):
    path = str(FOLDER / f"{name}.json")
    cluster = read_cluster(path)
    assert cluster.replaced_by == RETIRED.get(name)
    notice = retirement_notice(cluster, path)
    assert (notice is None) == (name not in RETIRED)
    if notice is not None:
        assert notice.startswith(f"{name} is retired and was replaced by {RETIRED[name]}: use")
        assert (FOLDER / f"{RETIRED[name]}.json").exists()


@pytest.mark.parametrize(("retired", "present"), RETIRED.items())
def test_a_retired_cluster_asks_for_what_its_successor_does(retired, present):
    old, new = (json.loads((FOLDER / f"{name}.json").read_text()) for name in (retired, present))
    assert old == new | {"replaced_by": present}


def test_trillium_gives_whole_nodes_for_a_day_and_takes_no_memory():
    cluster = read_cluster(str(FOLDER / "trillium.json"))
    assert (cluster.cpus_per_task, cluster.mem_per_cpu) == (192, None)
    assert (cluster.min_seconds, cluster.max_seconds) == (900, 86400)


def test_options_of_the_command_line_replace_those_of_the_same_name():
    cluster = Cluster(options=["--qos=high", "--exclusive"])
    assert add_options(cluster, ["--qos=low", "--constraint=a&b"]).options == [
        "--exclusive",
        "--qos=low",
        "--constraint=a&b",
    ]
    assert add_options(cluster, []) == cluster


@pytest.mark.parametrize("option", ["--time=1:00:00", "--mail-type=END --hold", "mail", "--comment=$(touch hurt)"])
def test_options_of_the_command_line_are_checked(option):
    with pytest.raises(BadInput, match=r"^--sbatch: key 'options'"):
        add_options(Cluster(), [option])


def test_tamia_gives_whole_nodes_for_an_hour_to_a_day():
    cluster = read_cluster(str(FOLDER / "tamia.json"))
    assert (cluster.cpus_per_task, cluster.mem_per_cpu, cluster.max_jobs) == (64, None, 1000)
    assert (cluster.min_seconds, cluster.max_seconds) == (3600, 86400)


def test_killarney_gives_a_gpu_with_a_quarter_of_its_nodes_cores():
    cluster = read_cluster(str(FOLDER / "killarney.json"))
    assert (cluster.cpus_per_task, cluster.gpus_per_node, cluster.asks_for_gpu) == (16, "l40s:1", True)


def test_the_template_documents_every_key_and_its_default():
    rows = re.findall(r"^\| `(\w+)` \| `(.+?)` \|", (FOLDER / "TEMPLATE.md").read_text(), re.MULTILINE)
    assert [name for name, _ in rows] == list(Cluster.model_fields)
    assert {name: json.loads(default) for name, default in rows} == Cluster().model_dump(mode="json")


def test_the_templates_example_loads(tmp_path):
    (example,) = re.findall(r"```json\n(.*?)```", (FOLDER / "TEMPLATE.md").read_text(), re.DOTALL)
    path = tmp_path / "example.json"
    path.write_text(example)
    read_cluster(str(path))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cpus": 4}, ["unknown key 'cpus'", "cpus_per_task"]),
        ({"time": "3:00"}, ["key 'time'", '"3:00"', "H:MM:SS"]),
        ({"time": 3}, ["key 'time'", "found 3"]),
        ({"max_time": "auto"}, ["key 'max_time'"]),
        ({"time": "8-00"}, ["time is 8-00", "7-00:00:00"]),
        ({"time": "0:05:00"}, ["warning_seconds is 300", "0:05:00"]),
        ({"time": "0:01:00", "min_time": "0:15:00"}, ["from min_time 0:15:00"]),
        ({"account": "def-a; rm -rf ~"}, ["key 'account'"]),
        ({"account": "def-a\n#SBATCH --wrap=x"}, ["key 'account'"]),
        ({"account": "def-a\n"}, ["key 'account'"]),
        ({"partition": "a b"}, ["key 'partition'"]),
        ({"mem_per_cpu": "4000"}, ["key 'mem_per_cpu'"]),
        ({"mem_per_cpu": "0M"}, ["key 'mem_per_cpu'"]),
        ({"cpus_per_task": 0}, ["key 'cpus_per_task'", "greater than or equal to 1"]),
        ({"options": ["--qos=a b"]}, ["--qos=a b", "without spaces"]),
        ({"options": ["--qos=$(x)"]}, ["allowed: options"]),
        ({"options": ["--comment=`x`"]}, ["allowed: options"]),
        ({"options": ["--comment=it's"]}, ["allowed: options"]),
        ({"options": ["--comment=x\n#SBATCH --wrap=y"]}, ["allowed: options"]),
        ({"options": ["--=x"]}, ["allowed: options"]),
        ({"options": ["--array=0-9"]}, ["--array=0-9", "other keys"]),
        ({"options": ["--arr=0-9"]}, ["--arr=0-9", "other keys"]),
        ({"activate": "a\nb"}, ["key 'activate'", "path of a file"]),
        ({"activate": ""}, ["key 'activate'"]),
    ],
)
def test_what_is_refused(tmp_path, changes, words):
    path = tmp_path / "cluster.json"
    path.write_text(json.dumps(changes))
    with pytest.raises(BadInput) as error:
        read_cluster(str(path))
    assert "\n" not in str(error.value)
    for word in [str(path), *words]:
        assert word in str(error.value)


@pytest.mark.parametrize(
    "option",
    [
        "--exclude=fc[10101-10105]", "--export=ALL,WANDB_MODE=offline", "--constraint=[rack1*2&rack2*4]",
        "--constraint=(cascade|skylake)&!old", "--dependency=afterok:12?afterany:13", "--gpus=2", "--hold",
        "--licenses=matlab@server:2", "--nodelist=c[1-3,7]",
    ],
)  # fmt: skip
def test_options_with_brackets_and_equals_signs(option):
    assert Cluster(options=[option]).options == [option]


@pytest.mark.parametrize("account", ["def-someone", "rrg-someone-ab", "rpp-x", "aip-x", "lab_7.cpu"])
def test_accounts_of_any_kind(account):
    assert Cluster(account=account).account == account


@pytest.mark.parametrize(
    ("account", "exported", "expected"),
    [
        (None, None, "set 'account' in the cluster file, or SBATCH_ACCOUNT"),
        (None, "", "no account"),
        ("def-a", None, None),
        ("def-a", "def-a", None),
        (None, "def-b", "account def-b, from SBATCH_ACCOUNT"),
        ("def-a", "def-b", "SBATCH_ACCOUNT=def-b is not used"),
    ],
)
def test_accounts_that_contradict_each_other_are_pointed_out(account, exported, expected):
    notice = account_notice(Cluster(account=account), exported)
    assert notice is None if expected is None else expected in str(notice)


@pytest.mark.parametrize(("text", "mib"), [("4000M", 4000), ("2G", 2048), (None, None)])
def test_memory(text, mib):
    assert Cluster(mem_per_cpu=text).mib_per_cpu == mib


@pytest.mark.parametrize(
    ("changes", "asks"),
    [
        ({}, False),
        ({"gpus_per_node": "l40s:1"}, True),
        ({"options": ["--gpus=1"]}, True),
        ({"options": ["--gres=tmpfs:5G,gpu:h100:1"]}, True),
        ({"options": ["--gres=tmpfs:5G"]}, False),
    ],
)
def test_agents_that_need_a_gpu_and_tasks_that_request_none(changes, asks):
    cluster = Cluster(**changes)
    assert cluster.asks_for_gpu == asks
    notice = gpu_notice(cluster, "agent.json", True)
    assert notice is None if asks else "agent.json: 'cuda' is true" in str(notice)
    assert gpu_notice(cluster, "agent.json", False) is None


@pytest.mark.parametrize(
    ("options", "qos"),
    [([], None), (["--nice"], None), (["--qos=high"], "high"), (["--qo=a", "--qos=b"], "b"), (["--quiet"], None)],
)
def test_the_qos_that_tasks_ask_for(options, qos):
    assert Cluster(options=options).qos == qos
