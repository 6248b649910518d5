"""How long the import takes, and how long from the widget to a ready model.

Run by hand, with nothing else running::

    python benchmarks/startup.py            # the import alone, if there is no display
    xvfb-run -a python benchmarks/startup.py
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys

IMPORT = """
import time
start = time.perf_counter()
import napari_segnext
print(time.perf_counter() - start)
"""

TORCH = """
import time
start = time.perf_counter()
import torch
print(time.perf_counter() - start)
"""

WIDGET = """
import time
import napari
from qtpy.QtCore import QEventLoop
viewer = napari.Viewer(show=False)
viewer.open_sample("napari-segnext", "nuclei_3d")
start = time.perf_counter()
_dock, widget = viewer.window.add_plugin_dock_widget("napari-segnext", "SegNext")
shown = time.perf_counter() - start
session = widget.session
loop = QEventLoop()  # sleeps as napari's own does: polling would compete for the lock
session.model_ready.connect(loop.quit)
session.error.connect(loop.quit)
if session.model_state == "loading":
    loop.exec()
print(shown, time.perf_counter() - start, session.model_state)
viewer.close()
"""


def outputs(code: str, repeats: int) -> list[list[str]]:
    """Run `code` in fresh processes; return the words of each last line."""
    lines = []
    for _ in range(repeats):
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        lines.append(done.stdout.strip().splitlines()[-1].split())
    return lines


def median(lines: list[list[str]], column: int) -> float:
    return statistics.median(float(line[column]) for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    outputs(TORCH, 1)  # so that the files are in the system's cache
    result = {
        "import_napari_segnext_s": median(outputs(IMPORT, repeats), 0),
        "import_torch_s": median(outputs(TORCH, repeats), 0),
    }
    if sys.platform != "linux" or os.environ.get("DISPLAY"):
        lines = outputs(WIDGET, repeats)
        assert all(line[2] == "ready" for line in lines), lines
        result["widget_shown_s"] = median(lines, 0)
        result["widget_to_ready_s"] = median(lines, 1)
        result["widget_to_ready_beyond_torch_s"] = (
            result["widget_to_ready_s"] - result["import_torch_s"]
        )
    print(json.dumps({name: round(value, 3) for name, value in result.items()}))


if __name__ == "__main__":
    main()
