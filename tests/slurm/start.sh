#!/usr/bin/env bash
# Starts a SLURM of one node on the loopback, for tests:  start.sh FOLDER
# Prints the path of its slurm.conf, which SLURM's commands find through SLURM_CONF. As root; stop.sh ends it.
# SLURM_CPUS (8) cores are pretended to be there; arrays have at most SLURM_ARRAY (10) tasks.
set -euo pipefail
folder=$(mkdir -p "$1" && cd "$1" && pwd -P)
conf=$folder/slurm.conf
# munged refuses a socket that others cannot reach; pytest's folders are closed to them.
munge=$(mktemp -d /tmp/munge.XXXXXX)
chmod 755 "$munge"
echo "$munge" >"$folder/munge"
(umask 077; head -c 128 /dev/urandom >"$munge/key")
mkdir -p "$folder/state" "$folder/spool"
: >"$folder/plugstack.conf"
# Mail is a line of mails: the subject and the receiver.
# shellcheck disable=SC2016
printf '#!/bin/sh\nshift\necho "$*" >>"%s/mails"\n' "$folder" >"$folder/mail"
chmod 755 "$folder/mail"

# Real clusters track processes by cgroup, so that signals reach the batch script alone.
track=linuxproc
freezer=/sys/fs/cgroup/freezer
if mkdir "$freezer/probe.$$" 2>/dev/null; then rmdir "$freezer/probe.$$"; track=cgroup; fi
printf 'CgroupPlugin=cgroup/v1\nCgroupMountpoint=/sys/fs/cgroup\nCgroupAutomount=no\n' >"$folder/cgroup.conf"

read -r controller_port node_port < <(python3 -c '
import socket
sockets = [socket.socket() for _ in range(2)]
for one in sockets:
    one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in sockets))')

cat >"$conf" <<CONF
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=$controller_port
SlurmdPort=$node_port
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$munge/socket,cred_expire=5
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
PlugStackConfig=$folder/plugstack.conf
MailProg=$folder/mail
MpiDefault=none
SwitchType=switch/none
ProctrackType=proctrack/$track
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
MaxArraySize=${SLURM_ARRAY:-10}
FirstJobId=$((controller_port % 1000 * 1000 + 1))
JobRequeue=1
MinJobAge=3600
KillWait=30
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0,bf_interval=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
NodeName=localhost NodeAddr=127.0.0.1 CPUs=${SLURM_CPUS:-8} RealMemory=8192 Feature=fast State=UNKNOWN
PartitionName=main Nodes=localhost Default=YES PriorityTier=1 MaxTime=INFINITE State=UP
PartitionName=urgent Nodes=localhost PriorityTier=10 MaxTime=INFINITE State=UP
CONF

munged --key-file="$munge/key" --socket="$munge/socket" --pid-file="$munge/pid" --log-file="$munge/log" \
    --seed-file="$munge/seed" --num-threads=1
export SLURM_CONF=$conf
slurmctld -f "$conf" >>"$folder/start.log" 2>&1
slurmd -f "$conf" >>"$folder/start.log" 2>&1
for _ in $(seq 300); do
    if [ "$(sinfo --noheader --format=%T 2>/dev/null)" = idle ]; then
        echo "$conf"
        exit 0
    fi
    sleep 0.1
done
tail -n 20 "$folder"/*.log >&2
echo "$0: the node is not idle after 30 s" >&2
exit 1
