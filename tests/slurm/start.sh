#!/usr/bin/env bash
# Starts a SLURM of one node on the loopback, for tests:  start.sh FOLDER
# Prints the path of its slurm.conf, which SLURM's commands find through SLURM_CONF. As root; stop.sh ends it.
# SLURM_CPUS (8) cores are pretended to be there; arrays have at most SLURM_ARRAY (10) tasks. With SLURM_DATABASE=1 it
# has an accounting database (slurmdbd, mariadbd), whose limits are enforced, and a second partition with a QOS.
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

read -r controller_port node_port database_port storage_port < <(python3 -c '
import socket
sockets = [socket.socket() for _ in range(4)]
for one in sockets:
    one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in sockets))')

accounting="AccountingStorageType=accounting_storage/none"
if [ -n "${SLURM_DATABASE:-}" ]; then
    accounting="AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=$database_port
AccountingStoragePass=$munge/socket
AccountingStorageEnforce=associations,limits,qos
PartitionName=limited Nodes=localhost QOS=partition_qos MaxTime=INFINITE State=UP"
fi

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
$accounting
CONF

munged --key-file="$munge/key" --socket="$munge/socket" --pid-file="$munge/pid" --log-file="$munge/log" \
    --seed-file="$munge/seed" --num-threads=1
export SLURM_CONF=$conf

# Runs statements of SQL as the database's administrator.
sql() { mariadb --no-defaults --socket="$folder/storage.socket" --user=root --execute="$1"; }
if [ -n "${SLURM_DATABASE:-}" ]; then
    mariadb-install-db --no-defaults --datadir="$folder/storage" --user="$(id -un)" \
        --auth-root-authentication-method=normal --skip-test-db >>"$folder/start.log" 2>&1
    mariadbd --no-defaults --datadir="$folder/storage" --user="$(id -un)" --socket="$folder/storage.socket" \
        --bind-address=127.0.0.1 --port="$storage_port" --pid-file="$folder/mariadbd.pid" \
        --innodb-buffer-pool-size=64M >>"$folder/start.log" 2>&1 &
    for _ in $(seq 300); do sql "SELECT 1" >/dev/null 2>&1 && break; sleep 0.1; done
    sql "CREATE DATABASE slurm; CREATE USER slurm IDENTIFIED BY 'x'; GRANT ALL ON slurm.* TO slurm;"
    (umask 077; cat >"$folder/slurmdbd.conf") <<CONF
AuthType=auth/munge
AuthInfo=socket=$munge/socket
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort=$database_port
SlurmUser=root
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort=$storage_port
StorageUser=slurm
StoragePass=x
StorageLoc=slurm
LogFile=$folder/slurmdbd.log
PidFile=$folder/slurmdbd.pid
CONF
    slurmdbd >>"$folder/start.log" 2>&1
    for _ in $(seq 300); do sacctmgr --noheader show cluster >/dev/null 2>&1 && break; sleep 0.1; done
    sacctmgr --immediate --quiet add cluster test >>"$folder/start.log"
    sacctmgr --immediate --quiet add qos partition_qos >>"$folder/start.log"
fi

slurmctld -f "$conf" >>"$folder/start.log" 2>&1
slurmd -f "$conf" >>"$folder/start.log" 2>&1
for _ in $(seq 300); do
    if [ "$(sinfo --noheader --format=%T 2>/dev/null | sort -u)" = idle ]; then
        echo "$conf"
        exit 0
    fi
    sleep 0.1
done
tail -n 20 "$folder"/*.log >&2
echo "$0: the node is not idle after 30 s" >&2
exit 1
