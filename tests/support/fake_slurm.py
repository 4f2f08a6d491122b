"""SLURM's commands as scripts that keep a queue in a folder and run nothing, or run each task at once."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from pathlib import Path

COMMANDS = {
    "sbatch": """\
        if (folder / "refuses").exists() and len(calls("sbatch")) > int((folder / "refuses").read_text()):
            sys.exit("sbatch: error: Batch job submission failed: Socket timed out on send/recv operation")
        options = dict(word[2:].split("=", 1) for word in sys.argv[1:] if word.startswith("--") and "=" in word)
        job = 100 + len(calls("sbatch"))
        def run(words, log, ids):
            with open(log.replace("%%", "%"), "ab") as log:
                subprocess.run(["bash", *words], cwd=options["chdir"], env=os.environ | ids, stdout=log, stderr=log)
        def queue(number, reason):
            with open(folder / "queue", "a") as lines:
                print(f"{number}|PENDING|{reason}|{options['job-name']}", file=lines)
        if "array" not in options:
            if (folder / "at_once").exists():
                run(sys.argv[-1:], options["output"], {"SLURM_JOB_ID": str(job)})
            else:
                queue("N/A", "Dependency")
        else:
            for number in range(int(options["array"].partition("%")[0].partition("-")[2]) + 1):
                ids = {"SLURM_ARRAY_JOB_ID": str(job), "SLURM_ARRAY_TASK_ID": str(number)}
                if (folder / "at_once").exists():
                    run(sys.argv[-2:], options["output"].replace("%a", str(number)), ids)
                else:
                    queue(number, "Priority")
        print(job)
    """,
    "squeue": """\
        if (folder / "broken").exists():
            sys.exit("squeue: error: Unable to contact slurm controller")
        for line in (folder / "queue").read_text().splitlines():
            user, _, rest = line.partition("@") if "@" in line else (pwd.getpwuid(os.getuid()).pw_name, "", line)
            if user in sys.argv[1].removeprefix("--user=").split(","):
                print(f"{user}|{rest}")
    """,
    "scontrol": """\
        if (folder / "broken").exists():
            sys.exit("slurm_load_ctl_conf error: Unable to contact slurm controller")
        print("MaxArraySize            = " + (folder / "array_size").read_text())
    """,
    "sacctmgr": """\
        if not (folder / "limits").exists():
            sys.exit("no database")
        if "assoc" in sys.argv:
            print((folder / "limits").read_text(), end="")
    """,
}

SCRIPT = """\
#!{python}
import json, os, pwd, subprocess, sys
from pathlib import Path
folder = Path({folder!r})
def calls(name):
    path = folder / (name + ".calls")
    return path.read_text().splitlines() if path.exists() else []
with open(folder / "{name}.calls", "a") as record:
    print(json.dumps(sys.argv[1:]), file=record)
{body}
"""


class FakeSlurm:
    """Fake commands of SLURM with a queue that tests fill and empty."""

    def __init__(self, folder: Path) -> None:
        """folder: for its files and commands."""
        self.folder, self.commands = folder, folder / "bin"
        self.commands.mkdir(parents=True)
        (folder / "queue").touch()
        self.allow_arrays_of(1001)
        for name, body in COMMANDS.items():
            lines = "\n".join(line[8:] for line in body.splitlines())
            path = self.commands / name
            path.write_text(SCRIPT.format(python=sys.executable, folder=str(folder), name=name, body=lines))
            path.chmod(0o755)

    @property
    def path(self) -> str:
        """PATH with its commands first."""
        return f"{self.commands}{os.pathsep}{os.environ['PATH']}"

    def calls(self, name: str) -> list[list[str]]:
        """Return the arguments of each call of a command so far."""
        path = self.folder / f"{name}.calls"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def allow_arrays_of(self, tasks: int) -> None:
        """Set MaxArraySize."""
        (self.folder / "array_size").write_text(str(tasks))

    def limit_jobs(self, lines: str) -> None:
        """Set the associations of the accounting database, lines with the columns of ASSOCIATION_FORMAT."""
        (self.folder / "limits").write_text(lines)

    def refuse_after(self, calls: int) -> None:
        """Make sbatch fail after this number of calls."""
        (self.folder / "refuses").write_text(str(calls))

    def run_at_once(self) -> None:
        """Make sbatch run the tasks one after the other before it returns; they are never queued."""
        (self.folder / "at_once").touch()

    def break_down(self) -> None:
        """Make squeue and scontrol fail, as without a controller."""
        (self.folder / "broken").touch()

    def edit(self, pattern: str, replacement: str, count: int = 0) -> None:
        """Change the queue's lines, `[user@]number|state|reason|name`, by a regular expression."""
        path = self.folder / "queue"
        path.write_text(re.sub(pattern, replacement, path.read_text(), count=count, flags=re.MULTILINE))

    def empty(self) -> None:
        """Empty the queue."""
        (self.folder / "queue").write_text("")


def shown_command(output: str, word: str) -> list[str]:
    """Return the arguments of the schedule.py command in the output that contains a word."""
    (line,) = (line for line in output.splitlines() if line.startswith("  python schedule.py") and word in line)
    return shlex.split(line)[2:]
