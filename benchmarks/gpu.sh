#!/bin/sh
# The GPU part of the benchmark, in one call of under ten minutes: is the fast path right there, how
# fast is it, and where does the time go? Needs torch with CUDA, transformers, tokenizers, psutil and
# platformdirs; neither textual nor a network. Results go to $OUT, or to build/bench. Arguments are
# handed on: --device cpu --model tiny tries it without a GPU.
set -eu
cd "$(dirname "$0")/.."
export HF_HUB_OFFLINE=1 PYTHONPATH=.
nvidia-smi || true
exec "${PYTHON:-python3}" -m benchmarks.gpu --out "${OUT:-build/bench}" "$@"
