#!/bin/bash
#SBATCH --time=0:30:00
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --mem-per-cpu=8000M
#SBATCH --gpus-per-node=l40s:1
#SBATCH --open-mode=append
#SBATCH --requeue

log() { echo "$(date '+%Y-%m-%d %H:%M:%S') closing job $SLURM_JOB_ID $1"; }
log "on $(hostname), start $((${SLURM_RESTART_COUNT:-0} + 1))"
cd -- '/project/def-x/it'"'"'s; $(here)' || exit 2
. ./activate_environment.sh || exit 2

# 1: done, but something was left out, as the log says; the next step can be made.
code=0
step() { [ "$code" -gt 1 ] || "$@" || code=$?; }
step python simple_combine.py '--agent-json=/project/def-x/it'"'"'s; $(here)/results/sweep/Pendulum-v1_SAC/slurm/20260101-000000-abcdef/agent.json' '--env-json=/project/def-x/it'"'"'s; $(here)/results/sweep/Pendulum-v1_SAC/slurm/20260101-000000-abcdef/environment.json' -- '/project/def-x/it'"'"'s; $(here)/results/sweep/Pendulum-v1_SAC'
step python utils/report.py -- '/project/def-x/it'"'"'s; $(here)/results/sweep/Pendulum-v1_SAC'
log "ends with exit code $code"
exit "$code"
