#!/bin/sh
# cluster/slurm.sh on a cluster of one node that has no Slurm, in namespaces of its own.
#
# Needs root, `unshare` and the project's environment: sh tests/manual/slurm.sh FOLDER
# Slurm's two commands are stood in for; the script, `ray symmetric-run` with the `ray stop` at its
# end, and the study are real. The namespaces keep that `ray stop` from other processes.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
[ "$(id -u)" = 0 ] || { echo "error: namespaces need root" >&2; exit 2; }
folder=$(mkdir -p "$1" && cd "$1" && pwd)
ln -sfn "$here/.venv" "$folder/.venv"
mkdir -p "$folder/bin"
printf '#!/bin/sh\necho node-1\n' >"$folder/bin/scontrol"
printf '#!/bin/sh\nwhile case "$1" in --*) ;; *) false ;; esac do shift; done\nexec "$@"\n' >"$folder/bin/srun"
chmod +x "$folder/bin/scontrol" "$folder/bin/srun"

export SLURM_SUBMIT_DIR="$folder" SLURM_JOB_NODELIST=node-1 SLURM_JOB_NUM_NODES=1
export SLURM_CPUS_PER_TASK=2 PYTHONPATH="$here" HERE="$here" PATH="$folder/bin:$PATH"
# shellcheck disable=SC2016 # expanded within
exec unshare --pid --fork --mount-proc --net sh -euc '
    ip link set lo up
    ip link add kbn0 type veth peer name kbn1
    ip addr add 10.77.1.1/24 dev kbn0
    ip link set kbn0 up
    ip link set kbn1 up
    sh "$HERE/cluster/slurm.sh" --data digits --epochs 2 --final-epochs 2 --cycle 2epochs
'
