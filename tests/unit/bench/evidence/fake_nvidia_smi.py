"""A stand-in for NVIDIA's `nvidia-smi`: prints two made-up GPUs in its format, again and again."""

import os
import signal
import sys
import time
from pathlib import Path

EXPECTED = [
    "--query-gpu=index,name,driver_version,utilization.gpu,memory.used,power.draw",
    "--format=csv,noheader,nounits",
    "--loop-ms=500",
]
mode, asked = sys.argv[1:-3], sys.argv[-3:]
if asked != EXPECTED:
    sys.exit(f"Invalid combination of input arguments: {asked}")
if mode == ["--broken"]:
    sys.stdout.write("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n")
    sys.exit(9)
if "--stubborn" in mode:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "--pid-file" in mode:
    Path(mode[-1]).write_text(str(os.getpid()))
while True:
    for index in (0, 1):
        sys.stdout.write(f"{index}, NVIDIA A100-SXM4-80GB, 550.54.15, 87, 41234, 312.45\n")
    sys.stdout.flush()
    time.sleep(0.01)
