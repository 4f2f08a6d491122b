#!/usr/bin/env bash
# trackio 0.43.0 (SQLite 3.40 or later), Python 3.11, x86-64; 2026-11-28.
#
# Guess: SQLiteStorage.bulk_log appends a run to the project's database, so the cost of 1,000 runs is that of their rows.
# What happens: each call opens the database and closes it again. As no other connection is open, SQLite then copies the
# write-ahead journal into the database, flushes both to the disk and removes the journal: two waits for the disk for
# each run, ten times the cost of its rows. If the caller keeps a connection of its own open, the journal stays, and
# calls do not wait for the disk.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet trackio==0.43.0 2> /dev/null

cat > "$work/log.py" <<'PY'
import sqlite3
import sys
import time

from trackio.sqlite_storage import SQLiteStorage

RUNS = 50


def log_runs(project):
    start, journals = time.perf_counter(), 0
    for run in range(RUNS):
        SQLiteStorage.bulk_log(project, f"run {run}", [{"loss": 0.5}] * 20, list(range(20)), run_id=str(run))
        path = SQLiteStorage.get_project_db_path(project)
        journals += path.with_name(f"{path.name}-wal").exists()
    return journals, (time.perf_counter() - start) / RUNS * 1000


alone = log_runs("alone")
connection = sqlite3.connect(SQLiteStorage.init_db("held"))
connection.execute("SELECT count(*) FROM metrics").fetchone()
held = log_runs("held")
for name, (journals, milliseconds) in (("no other connection", alone), ("a connection held open", held)):
    print(f"{name}: journal left after {journals} of {RUNS} calls; {milliseconds:.1f} ms per call")
sys.exit(not (alone[0] == 0 and held[0] == RUNS))
PY
TRACKIO_DIR="$work/data" "$work/venv/bin/python" "$work/log.py"
