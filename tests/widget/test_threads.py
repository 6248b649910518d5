"""In a process of its own: the GUI thread never imports torch."""

from __future__ import annotations

import os
import subprocess
import sys

CODE = """
import sys, threading

importers = []
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            importers.append(threading.current_thread())

sys.meta_path.insert(0, Watch())
import napari
from napari_segnext.samples import load_sample
from napari_segnext.widget.main import SegNextWidget

viewer = napari.Viewer(show=False)
sample = load_sample("nuclei_3d")
viewer.add_image(sample.image, **sample.metadata)
viewer.dims.set_current_step(0, 45)
widget = SegNextWidget(viewer)
viewer.window.add_dock_widget(widget, name="SegNext")
session = widget.session
session.add_click((45, 64, 62))
session.wait(120)
assert session.mask().any()
assert session.accept() == 1
threads = sys.modules["torch"].get_num_threads()
viewer.close()
assert importers and threading.main_thread() not in importers, importers
print("threads", threads)
"""


END_CODE = """
import napari
from qtpy.QtCore import QTimer
from napari_segnext.commands.demo import open_demo

viewer = open_demo()
_dock, widget = viewer.window.add_plugin_dock_widget("napari-segnext", "SegNext")
session = widget.session
session.add_click((45, 64, 62))
QTimer.singleShot(0, viewer.window._qt_window.close)
napari.run()
print("ended")
"""


def test_the_demo_ends_cleanly_when_its_window_is_closed_at_work() -> None:
    done = subprocess.run(
        [sys.executable, "-c", END_CODE], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "ended" in done.stdout
    assert "Traceback" not in done.stderr
    assert "ERROR" not in done.stdout


def test_the_gui_thread_never_imports_torch_and_keeps_a_core() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    threads = int(done.stdout.split()[-1])
    assert threads <= max(1, (os.cpu_count() or 2) - 1)
