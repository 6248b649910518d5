"""What a click costs the window: stalls of Qt's event loop, with and without inference.

Run by hand, with nothing else running; a table in about four minutes::

    xvfb-run -a -s "-screen 0 1920x1200x24" python benchmarks/gui_stalls.py

A real napari window with the widget, a stack of 1024 x 1024 planes, the embedded
model, loaded and warm. On every plane an object is clicked, corrected, and told what
it is not, by the mouse. While that is answered a timer of one millisecond notes when
the event loop comes round. The same clicks are then answered by stored answers that
arrive after the same time without anything being computed, so that the difference is
what inference costs the window: the repaints are the same, and under Xvfb they are
drawn by the CPU and take tens of milliseconds. Both arms take turns in one process, in
random order; every setting has a process of its own.

A *gap* is the time between two rounds of the event loop, less the millisecond. A *wait*
is how long an event that comes at a random moment of the click would have to wait.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import random
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

SIDE_PX = 1024
BEAT_MS = 1
TAIL_MS = 120  # the last repaint comes after the answer
SETTLE_MS = 80
TARGET_P99_MS, TARGET_WORST_MS = 10, 30
ARMS = ("inference", "stored")


@dataclass(frozen=True)
class Setting:
    """How the network's threads are set; what is None stays as the plugin sets it."""

    name: str
    threads: int | None = None
    interop: int | None = None
    nice: int | None = None
    switch_ms: float | None = None
    environment: dict[str, str] = field(default_factory=dict)


SETTINGS = [
    Setting("as shipped"),
    Setting("1 thread", threads=1),
    Setting("1 thread, nice 5", threads=1, nice=5),
    Setting("1 thread, nice 5, switch 1 ms", threads=1, nice=5, switch_ms=1),
    Setting("2 threads", threads=2),
    Setting("2 threads, nice 5", threads=2, nice=5),
    Setting(
        "2 threads, nice 5, passive",
        threads=2,
        interop=1,
        nice=5,
        environment={"OMP_WAIT_POLICY": "PASSIVE"},
    ),
]


class Switch:
    """The predictor, or what it answered before, after the time that it took."""

    def __init__(self, real: Any, setting: Setting) -> None:
        self.real = real
        self.is_real = True
        self.round = 0
        self.took_s: dict[Any, float] = {}
        self.times: list[tuple[bool, float]] = []  # whether the first of its plane
        self._answers: dict[Any, Any] = {}
        self._apply(setting)

    def _apply(self, setting: Setting) -> None:
        """Set the threads; called on the worker's own."""
        import torch

        if setting.nice is not None:  # inherited by the threads that torch starts
            here = threading.get_native_id()
            before = os.getpriority(os.PRIO_PROCESS, here)
            os.setpriority(os.PRIO_PROCESS, here, before + setting.nice)
        if setting.interop is not None:
            torch.set_num_interop_threads(setting.interop)
        if setting.threads is not None:
            torch.set_num_threads(setting.threads)
        if setting.switch_ms is not None:
            sys.setswitchinterval(setting.switch_ms / 1000)

    def encode(self, plane, contrast_limits=None, near=None, *, should_stop=None):
        """Return a handle; what is to be encoded is encoded by the first click."""
        return Handle(plane, contrast_limits, near)

    def predict(self, handle, prompts, previous=None, *, should_stop=None):
        key = handle.digest, prompts
        start = time.perf_counter()
        if not self.is_real:
            time.sleep(max(self.took_s[key], 0))
            return self._answers[key]
        is_first = handle.round != self.round
        if is_first:
            handle.round = self.round
            handle.features = self.real.encode(
                handle.plane, handle.limits, handle.near, should_stop=should_stop
            )
        answer = self.real.predict(
            handle.features, prompts, previous, should_stop=should_stop
        )
        self.took_s[key] = time.perf_counter() - start
        self.times.append((is_first, self.took_s[key]))
        self._answers[key] = answer
        return answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


class Handle:
    """A plane, and its features as far as this round has them."""

    nbytes = 0

    def __init__(self, plane, limits, near) -> None:
        self.plane, self.limits, self.near = plane, limits, near
        self.shape = plane.shape[:2]
        self.digest = hash(plane[::16, ::16].tobytes())
        self.round: int | None = None
        self.features: Any = None


class Window:
    """The viewer, the widget, the mouse and the timer."""

    def __init__(self, planes: int, setting: Setting) -> None:
        import napari
        from qtpy.QtCore import QEventLoop, Qt, QTimer

        from napari_segnext.widget import opening
        from napari_segnext.widget.main import SegNextWidget

        load = opening.PredictorLoader.__call__
        made: list[Switch] = []

        def load_switch(loader: Any) -> Switch:
            made.append(Switch(load(loader), setting))
            return made[0]

        opening.PredictorLoader.__call__ = load_switch
        stack, self.clicks = make_stack(planes)
        self.viewer = napari.Viewer()
        self.viewer.window.resize(1400, 1000)
        self.image = self.viewer.add_image(stack, contrast_limits=(0, 60))
        self.viewer.dims.set_current_step(0, 0)
        widget = SegNextWidget(self.viewer)
        self.viewer.window.add_dock_widget(widget, name="SegNext")
        self.session = widget.session
        self.session.wait(300)
        self.switch = made[0]
        self._loop = QEventLoop()
        self._beats: list[float] = []
        self._beat = QTimer()
        self._beat.setTimerType(Qt.TimerType.PreciseTimer)
        self._beat.setInterval(BEAT_MS)
        self._beat.timeout.connect(lambda: self._beats.append(time.perf_counter()))
        self.session.busy.connect(self._on_busy)
        self._is_answered = False
        self._timer = QTimer
        self.turn(1000)

    def turn(self, duration_ms: int) -> None:
        """Let the event loop run."""
        self._timer.singleShot(duration_ms, self._loop.quit)
        self._loop.exec()

    def show_plane(self, index: int) -> None:
        """Go to a plane with nothing on it, and let all be painted."""
        self.session.clear()
        self.viewer.dims.set_current_step(0, index)
        self.turn(SETTLE_MS * 3)

    def timed_click(self, index: int, row: float, col: float, sign: str) -> list[float]:
        """Click, wait until the answer is painted; gaps of the event loop, seconds."""
        self.session.polarity = sign
        at = self._pixel((index, row, col))
        self.turn(SETTLE_MS)
        self._beats = []
        self._is_answered = False
        self._beat.start()
        self._timer.singleShot(10, lambda: self._click(at))
        self._loop.exec()
        self._beat.stop()
        return list(np.diff(self._beats) - BEAT_MS / 1000)

    def _click(self, at: Any) -> None:
        from qtpy.QtCore import Qt
        from qtpy.QtTest import QTest

        native = self.viewer.window._qt_viewer.canvas.native
        none = Qt.KeyboardModifier.NoModifier
        QTest.mouseClick(native, Qt.MouseButton.LeftButton, none, at)

    def _on_busy(self, is_busy: bool) -> None:
        if not is_busy and self._beat.isActive() and not self._is_answered:
            self._is_answered = True
            self._timer.singleShot(TAIL_MS, self._loop.quit)

    def _pixel(self, position: tuple[float, ...]) -> Any:
        from qtpy.QtCore import QPoint

        canvas = self.viewer.window._qt_viewer.canvas
        world = np.array(self.image.data_to_world(position))[1:]
        corners = [(0, 0), (100, 0), (0, 100)]
        mapped = np.array([canvas._map_canvas2world(at, canvas.view) for at in corners])
        mapped = mapped[:, -2:]
        x, y = np.linalg.solve((mapped[1:] - mapped[0]).T / 100, world - mapped[0])
        return QPoint(round(x), round(y))


Click = tuple[float, float, str]


def make_stack(planes: int) -> tuple[np.ndarray, list[list[Click]]]:
    """Planes of real nuclei, no two alike, and three clicks on each.

    The bundled image is repeated, shifted and turned: (planes, 1024, 1024) uint8.
    """
    from napari_segnext.samples import load_sample

    sample = load_sample("nuclei_2d")
    times = -(-SIDE_PX // min(sample.image.shape))
    stack, clicks = [], []
    for index in range(planes):
        pair = [
            np.tile(np.rot90(np.roll(it, 37 * index, (0, 1)), index), (times, times))
            for it in (sample.image, sample.labels)
        ]
        image, labels = (it[:SIDE_PX, :SIDE_PX] for it in pair)
        stack.append(image)
        clicks.append(_clicks_on(labels, np.random.default_rng(index)))
    return np.stack(stack), clicks


def _clicks_on(labels: np.ndarray, rng: np.random.Generator) -> list[Click]:
    from scipy import ndimage

    margin = 200
    inner = labels[margin:-margin, margin:-margin]
    label = rng.choice(np.unique(inner[inner > 0]))
    parts, _ = ndimage.label(inner == label)
    own = np.zeros(labels.shape, bool)
    own[margin:-margin, margin:-margin] = (
        parts == np.argmax(np.bincount(parts.flat)[1:]) + 1
    )
    depth = ndimage.distance_transform_edt(own)
    middle = np.unravel_index(np.argmax(depth), own.shape)
    rows, cols = np.nonzero(depth >= 2)
    far = np.argmax(np.hypot(rows - middle[0], cols - middle[1]))
    outside = np.argwhere(ndimage.distance_transform_edt(~own).round() == 4)
    away = outside[rng.integers(len(outside))]
    return [
        (float(middle[0]), float(middle[1]), "positive"),
        (float(rows[far]), float(cols[far]), "positive"),
        (float(away[0]), float(away[1]), "negative"),
    ]


class Collections:
    """How long Python's collector of garbage held everything up, seconds."""

    def __init__(self) -> None:
        self.took_s: list[tuple[int, float]] = []
        self._start = 0.0
        gc.callbacks.append(self._on_phase)

    def _on_phase(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._start = time.perf_counter()
        else:
            took = time.perf_counter() - self._start
            self.took_s.append((info["generation"], took))


def measure(setting: Setting, planes: int, rounds: int) -> dict[str, Any]:
    """Measure one setting in this process."""
    window = Window(planes, setting)
    collections = Collections()
    gaps: dict[str, list[list[float]]] = {arm: [] for arm in ARMS}
    order = random.Random(0)
    for round_ in range(rounds + 1):
        window.switch.round = round_
        if round_ == 1:  # the first one fills the store
            window.switch.times.clear()
            collections.took_s.clear()
        arms = list(ARMS) if round_ else ["inference"]
        for index, clicks in enumerate(window.clicks):
            order.shuffle(arms)
            for arm in arms:
                window.switch.is_real = arm == "inference"
                window.show_plane(index)
                found = [window.timed_click(index, *click) for click in clicks]
                if round_:
                    gaps[arm] += found
    times = window.switch.times
    result = {
        "setting": setting.name,
        "first_ms": 1000 * np.median([it for is_first, it in times if is_first]),
        "next_ms": 1000 * np.median([it for is_first, it in times if not is_first]),
        "longest_collection_ms": 1000
        * max((t for _, t in collections.took_s), default=0),
        "arms": {arm: summary(gaps[arm]) for arm in ARMS},
    }
    worst = [[max(gap) for gap in gaps[arm]] for arm in ARMS]
    paired = np.sort(worst[0]) - np.sort(worst[1])
    result["worst_of_click_ms"] = 1000 * float(np.median(paired))
    window.viewer.close()
    return result


def summary(clicks: list[list[float]]) -> dict[str, float]:
    """Gaps and waits of one arm, milliseconds."""
    gaps = np.concatenate([np.maximum(it, 0) for it in clicks]) * 1000
    return {
        "clicks": len(clicks),
        "gap_p50": float(np.percentile(gaps, 50)),
        "gap_p99": float(np.percentile(gaps, 99)),
        "wait_p50": wait_quantile(gaps + BEAT_MS, 0.50),
        "wait_p99": wait_quantile(gaps + BEAT_MS, 0.99),
        "worst": float(gaps.max()),
    }


def wait_quantile(gaps: np.ndarray, share: float) -> float:
    """Return the wait that `share` of events at random moments do not exceed."""
    low, high = 0.0, float(gaps.max())
    total = gaps.sum()
    for _ in range(50):
        middle = (low + high) / 2
        if np.maximum(gaps - middle, 0).sum() / total > 1 - share:
            low = middle
        else:
            high = middle
    return high


def measure_apart(setting: Setting, planes: int, rounds: int) -> dict[str, Any]:
    """Measure one setting in a process of its own."""
    command = [sys.executable, __file__, "--child", setting.name]
    command += ["--planes", str(planes), "--rounds", str(rounds)]
    environment = {**os.environ, **setting.environment}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        sys.exit(f"{setting.name}:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def print_table(results: list[dict[str, Any]]) -> None:
    """Print one row for each setting."""
    names = ("gap_p50", "gap_p99", "wait_p99", "worst")
    print("| setting | " + " | ".join(names) + " | worst of a click | first | next |")
    print("|---" * (len(names) + 4) + "|")
    for result in results:
        with_, without = (result["arms"][arm] for arm in ARMS)
        cells = [
            f"{with_[it] - without[it]:+.1f} ({with_[it]:.1f} / {without[it]:.1f})"
            for it in names
        ]
        cells.append(f"{result['worst_of_click_ms']:+.1f}")
        cells += [f"{result['first_ms']:.0f}", f"{result['next_ms']:.0f}"]
        print(f"| {result['setting']} | " + " | ".join(cells) + " |")
    print(
        "\nMilliseconds: difference (with inference / with stored answers). "
        "first: encode and predict; next: predict, and encode where the window moves."
        f"\nTargets of the difference: p99 {TARGET_P99_MS}, worst {TARGET_WORST_MS}."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--settings", nargs="*", help="names, all by default")
    parser.add_argument("--planes", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    by_name = {setting.name: setting for setting in SETTINGS}
    if arguments.child:
        setting = by_name[arguments.child]
        print(json.dumps(measure(setting, arguments.planes, arguments.rounds)))
        return
    print(
        f"{platform.platform()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    results = []
    for name in arguments.settings or list(by_name):
        results.append(measure_apart(by_name[name], arguments.planes, arguments.rounds))
        print(json.dumps(results[-1]), file=sys.stderr, flush=True)
    print_table(results)


if __name__ == "__main__":
    main()
