#!/bin/sh
# Installs PyTorch, after asking pip what that would bring: on a machine without a GPU, several gigabytes of CUDA
# libraries are not what anybody wants. Called by `make install`, which sets the variables.
set -eu
if "$PYTHON" -m pip show --quiet torch 2>/dev/null; then
    exit 0
fi
set -- --quiet "$TORCH"
if [ -n "${TORCH_INDEX:-}" ]; then
    set -- --extra-index-url "$TORCH_INDEX" "$@"
fi
if [ -z "${ALLOW_CUDA:-}" ] && ! command -v nvidia-smi >/dev/null 2>&1; then
    if "$PYTHON" -m pip install --dry-run --quiet --report - "$@" | grep -Eq '"name": *"(nvidia-[a-z0-9-]*|cuda-[a-z0-9-]*|triton)"'; then
        {
            echo "$TORCH would bring several gigabytes of CUDA libraries, and this machine shows no NVIDIA GPU."
            echo "Name the PyTorch project's package index for CPU builds:  make install TORCH_INDEX=URL"
            echo "or take the CUDA build all the same:                      make install ALLOW_CUDA=1"
        } >&2
        exit 1
    fi
fi
exec "$PYTHON" -m pip install "$@"
