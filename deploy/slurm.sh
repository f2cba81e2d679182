#!/usr/bin/env bash
# A run on a SLURM cluster with a shared file system: one learner, an actor on every other node.
#   sbatch --nodes 8 deploy/slurm.sh /shared/run --preset cluster
# A job that ran out of time is submitted again and goes on; nodes may be lost in between.
#SBATCH --job-name=move37
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --output=move37-%j.log
set -euo pipefail

run=$1
export OMP_WAIT_POLICY=PASSIVE

# The first node learns; the others help as soon as the run exists.
srun --nodes=1 --ntasks=1 --exact move37 train "$@" &
learner=$!

if ((SLURM_JOB_NUM_NODES > 1)); then
    until [[ -e $run/config.json ]] || ! kill -0 "$learner" 2>/dev/null; do sleep 1; done
    actors=$((SLURM_JOB_NUM_NODES - 1))
    srun --nodes="$actors" --ntasks="$actors" --exact --kill-on-bad-exit=0 \
        move37 train "$run" --actor &
fi

wait "$learner"
