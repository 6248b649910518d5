"""Take docs/screenshot.png: the real window after real clicks.

Run with a display, or without one::

    xvfb-run -a -s "-screen 0 1920x1200x24" python docs/make_screenshot.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_segnext.commands.demo import open_demo

OUT = Path(__file__).with_name("screenshot.png")
# on slice 45: (row, column), and whether it is a click on the object
ACCEPTED = [[(17, 68)], [(60, 94)], [(95, 81)]]
OPEN = [(64, 62), (72, 54)]


def pixel(viewer, layer, position):
    """Canvas pixel of a data position."""
    QApplication.processEvents()
    canvas = viewer.window._qt_viewer.canvas
    world = np.array(layer.data_to_world(position))[list(viewer.dims.displayed)]
    mapped = np.array(
        [canvas._map_canvas2world(at, canvas.view) for at in ((0, 0), (99, 0), (0, 99))]
    )[:, -2:]
    x, y = np.linalg.solve((mapped[1:] - mapped[0]).T / 99, world - mapped[0])
    return QPoint(round(x), round(y))


def click(viewer, session, row, col):
    """Click with the mouse, and wait for the answer."""
    native = viewer.window._qt_viewer.canvas.native
    at = pixel(viewer, session.image, (45, row, col))
    QTest.mouseMove(native, at)
    QTest.mouseClick(
        native, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at
    )
    QApplication.processEvents()
    session.wait(120)


def key(viewer, letter):
    """Press a key over the canvas."""
    native = viewer.window._qt_viewer.canvas.native
    QTest.keyClick(native, getattr(Qt.Key, f"Key_{letter}"))


def main() -> int:
    """Play, and save what the window shows; 1 if the clicks did not arrive."""
    viewer = open_demo()
    viewer.window.resize(1280, 860)
    _dock, widget = viewer.window.add_plugin_dock_widget("napari-segnext", "SegNext")
    session = widget.session
    session.wait(300)
    for _ in range(20):
        QApplication.processEvents()  # the window finds its size
    viewer.reset_view()
    for clicks in ACCEPTED:
        for position in clicks:
            click(viewer, session, *position)
        key(viewer, "G")
    for position in OPEN:
        click(viewer, session, *position)
    for _ in range(20):
        QApplication.processEvents()
    viewer.screenshot(str(OUT), canvas_only=False, flash=False)
    is_done = session.label == len(ACCEPTED) + 1 and session.can_accept
    viewer.close()
    return 0 if is_done else 1


if __name__ == "__main__":
    sys.exit(main())
