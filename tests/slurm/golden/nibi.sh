#!/bin/bash
#SBATCH --time=3:00:00
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=8
#SBATCH --mem-per-cpu=4000M
#SBATCH --signal=B:USR1@300
#SBATCH --open-mode=append
#SBATCH --requeue

# SLURM may signal this script alone: the first signal is passed on, as USR1.
first= child=
pass_on() { trap '' USR1 TERM; first=$1; [ -z "$child" ] || kill -USR1 "$child"; }
trap 'pass_on USR1' USR1
trap 'pass_on TERM' TERM

task="${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"
log() { echo "$(date '+%Y-%m-%d %H:%M:%S') task $task $1"; }
log "on $(hostname), start $((${SLURM_RESTART_COUNT:-0} + 1))"
indices=$(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" "$1")
[ -n "$indices" ] || { echo "$1 has no line for task $task" >&2; exit 2; }
set --
cd -- '/project/def-x/a student/it'"'"'s; $(here)' || exit 2
# In the background, as bash waits for a command in the foreground before it handles a signal.
(
    trap - USR1
    trap '' TERM
    trap : EXIT # Without a trap, bash ends with the file below if that ends with "|| command".
    [ -z "$first" ] || exit 138
    . ./activate_environment.sh || exit 2
    exec python main.py '--env-json=/project/def-x/a student/it'"'"'s; $(here)/results/sweep/slurm/20260101-000000-abcdef/environment.json' --jobs=8 --index="$indices"
) &
child=$!
[ -z "$first" ] || kill -USR1 "$child" # It came before there was a child.
wait "$child"; code=$?
if [ "$code" -gt 128 ]; then wait "$child"; code=$?; fi

# 75: stopped with a checkpoint; 138: by a signal that came before main.py could take it.
if [ "$code" -ne 75 ] && [ "$code" -ne 138 ]; then exit "$code"; fi
[ "$code" -eq 75 ] || log "was told to stop (${first:-USR1}) before it trained"
# TERM while SLURM ends the job: it was cancelled, or is queued again without our doing.
if [ "$first" = TERM ] && ! scontrol --oneliner show job "$task" | grep -q " JobState=RUNNING "; then exit "$code"; fi
log "is stopped by ${first:-a signal} and queued again"
for pause in 5 15 45 0; do
    scontrol requeue "$task" && break
    sleep "$pause"
done
exit "$code"
