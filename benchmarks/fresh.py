"""A cold process: from its first instruction to a first token, and the memory that took.

Run as ``python -m benchmarks.fresh CONTENDER FOLDER DTYPE DEVICE``; writes one line of JSON.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path


def first_token(contender: str, folder: Path, dtype: str, device: str) -> dict[str, float]:
    """Start a process for ``contender``; return its seconds to a token and its peak in GB."""
    command = [sys.executable, "-m", "benchmarks.fresh", contender, str(folder), dtype, device]
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        if process.stdout is None:
            raise RuntimeError("a pipe was asked for")
        line = process.stdout.readline()
        elapsed = time.perf_counter() - began
    if not line:
        raise RuntimeError(f"{' '.join(command)} failed with {process.returncode}")
    return {"first_token_s": elapsed, **json.loads(line)}


def _main() -> None:
    name, folder, dtype, device = sys.argv[1:]
    from benchmarks import contenders

    kind = contenders.Playground if name == contenders.Playground.name else contenders.Generate
    kind(Path(folder), dtype, device).run("greedy", [1, 2, 3, 4, 5, 6, 7], 1)
    print(json.dumps({"peak_gb": _peak_bytes() / 1e9}), flush=True)
    os._exit(0)


def _peak_bytes() -> int:
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts into ru_maxrss what the process was before it became this program.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


if __name__ == "__main__":
    _main()
