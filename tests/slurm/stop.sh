#!/usr/bin/env bash
# Ends the jobs and the processes of the SLURM that start.sh has started:  stop.sh FOLDER
set -uo pipefail
folder=$(cd "$1" && pwd -P)
munge=$(cat "$folder/munge")
export SLURM_CONF=$folder/slurm.conf

if squeue --noheader >/dev/null 2>&1; then
    scontrol update PartitionName=main State=DOWN   # Nothing new starts, nor again.
    squeue --noheader --format=%A | sort -u | xargs --no-run-if-empty scancel
    for _ in $(seq 200); do
        [ -n "$(squeue --noheader)" ] || break
        sleep 0.1
    done
fi
for file in "$folder/slurmd.pid" "$folder/slurmctld.pid" "$folder/slurmdbd.pid" "$folder/mariadbd.pid" "$munge/pid"; do
    pid=$(cat "$file" 2>/dev/null) || continue
    # The number may be another's by now. The command line of slurmdbd has no path, its environment has.
    cat "/proc/$pid/cmdline" "/proc/$pid/environ" 2>/dev/null | tr '\0' ' ' | grep -qF -e "$folder" -e "$munge" || continue
    kill "$pid"
    for _ in $(seq 100); do
        [ -e "/proc/$pid" ] || break
        sleep 0.1
    done
done
rm -rf "$munge"
