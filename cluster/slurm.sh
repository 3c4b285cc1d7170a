#!/bin/bash
# A study on the nodes of a Slurm allocation. Explained in docs/cluster.md.
#
#   sbatch cluster/slurm.sh --data cifar10 --data-dir "$HOME/cifar10"
#
# is submitted from a checkout with its .venv, in a folder that all nodes see. What follows the
# script's name goes to the study. Submitted again, it goes on where it was stopped.
#SBATCH --job-name=kbn-search
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --mem=8G
#SBATCH --exclusive
#SBATCH --time=02:00:00
#SBATCH --output=kbn-search-%j.log

set -eu
cd "$SLURM_SUBMIT_DIR"
export PATH="$PWD/.venv/bin:$PATH" RAY_USAGE_STATS_ENABLED=0
export RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT=300 # seconds for nodes to come

# The first node is the head. Its name becomes a number here, because a node may know itself as
# 127.0.1.1.
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
address=$(srun --nodes=1 --ntasks=1 --nodelist="$head" hostname --all-ip-addresses | awk '{print $1}')

# One `ray symmetric-run` a node: the head starts Ray, waits for the others, runs the study and
# ends them all. At the end each does `ray stop`, which is why the nodes are asked for exclusively.
exec srun --nodes="$SLURM_JOB_NUM_NODES" --ntasks="$SLURM_JOB_NUM_NODES" \
  ray symmetric-run --address "$address:6379" --min-nodes "$SLURM_JOB_NUM_NODES" \
  --num-cpus "$SLURM_CPUS_PER_TASK" -- \
  python -m search.lambda_coarse_fine --address auto --out "$SLURM_SUBMIT_DIR/runs" "$@"
