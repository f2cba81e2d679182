#!/usr/bin/env bash
# One machine with GPUs: every GPU plays, and every GPU learns from its share of each batch.
#   deploy/gpu-box.sh runs/mine --preset gpu       # and the same command resumes
set -euo pipefail

gpus=$(nvidia-smi --list-gpus | wc -l)
exec torchrun --standalone --nproc-per-node "$gpus" --no-python move37 train "$@"
