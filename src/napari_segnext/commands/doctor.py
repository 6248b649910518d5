"""`napari-segnext doctor`: what this machine has, and what to do about what it lacks.

Whatever may crash (torch's libraries, OpenGL drivers) is tried in a process of its own.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

from napari_segnext import __version__
from napari_segnext.core.cores import count_cores
from napari_segnext.core.models import DEFAULT_MODEL, list_models, models_folders

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

__all__ = [
    "Finding",
    "add_parser",
    "examine",
    "find_display",
    "find_qt_binding",
    "run",
]

_TIMEOUT_S = 120
_PACKAGES = ("napari", "numpy", "torch", "qtpy", "superqt", "scikit-image")
_QT_BINDINGS = ("PyQt6", "PySide6", "PyQt5", "PySide2")
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")

_TORCH_CODE = """\
import torch
cuda = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "no"
mps = torch.backends.mps.is_available()
x = torch.ones(8, 8) @ torch.ones(8, 8)
assert float(x.sum()) == 512
print(f"CUDA {cuda}; MPS {'yes' if mps else 'no'}; {torch.get_num_threads()} threads")
"""

_TORCH_AFTER_QT_CODE = """\
from qtpy.QtWidgets import QApplication
app = QApplication([])
import torch
print("loads")
"""

_OPENGL_CODE = """\
from qtpy.QtGui import QGuiApplication, QOffscreenSurface, QOpenGLContext
app = QGuiApplication([])
context = QOpenGLContext()
assert context.create(), "no OpenGL context"
surface = QOffscreenSurface()
surface.setFormat(context.format())
surface.create()
assert context.makeCurrent(surface), "the OpenGL context cannot be used"
from OpenGL import GL
version = GL.glGetString(GL.GL_VERSION).decode()
renderer = GL.glGetString(GL.GL_RENDERER).decode()
assert int(version.split(".")[0]) >= 2, f"OpenGL {version} is older than 2.1"
print(f"OpenGL {version}, {renderer}")
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Parameters
    ----------
    what : str
        Its name.
    found : str
        What is there, in one line.
    advice : str
        What to do about it; empty where all is well.
    is_problem : bool
        Whether the plugin's main job does not work without it.
    """

    what: str
    found: str
    advice: str = ""
    is_problem: bool = False


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("doctor", help="check the installation")
    parser.set_defaults(run=run)


def run(_arguments: argparse.Namespace) -> int:
    """Print every finding; 1 if there is a problem."""
    problems = 0
    for finding in examine():
        mark = "PROBLEM" if finding.is_problem else "note" if finding.advice else "ok"
        print(f"{mark:8}{finding.what}: {finding.found}", flush=True)
        if finding.advice:
            print(f"{'':8}-> {finding.advice}", flush=True)
        problems += finding.is_problem
    print("no problems" if not problems else f"{problems} problem(s)")
    return int(problems > 0)


def examine() -> Iterator[Finding]:
    """Look at everything, one finding after the other."""
    yield _python()
    yield from (_package(name) for name in _PACKAGES)
    binding = find_qt_binding()
    yield binding
    yield _torch()
    yield _threads()
    display = find_display()
    yield display
    if not binding.is_problem and not display.advice:
        yield _opengl()
        if sys.platform == "win32":
            yield _torch_after_qt()
    yield from _weights()
    yield _user_folder()


def _python() -> Finding:
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    found = f"{platform.python_version()} on {system}; napari-segnext {__version__}"
    return Finding("Python", found)


def _package(name: str) -> Finding:
    try:
        return Finding(name, metadata.version(name))
    except metadata.PackageNotFoundError:
        return Finding(
            name, "missing", f"pip install {name} into this environment", True
        )


def find_qt_binding() -> Finding:
    """Find out which Qt there is; without one there is advice."""
    for name in _QT_BINDINGS:
        try:
            return Finding("Qt binding", f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return Finding(
        "Qt binding",
        "missing",
        "needed for the window: pip install 'napari-segnext[all]' "
        "(scripts and `demo --headless` work without)",
    )


def _torch() -> Finding:
    status, output = _try(_TORCH_CODE)
    if status == 0:
        return Finding("torch runs", output)
    return Finding(
        "torch runs",
        f"no ({output})",
        "reinstall it as https://pytorch.org/get-started says for this machine",
        is_problem=True,
    )


def _threads() -> Finding:
    cores = count_cores()
    variables = [
        f"{name}={os.environ[name]}" for name in _THREAD_VARIABLES if name in os.environ
    ]
    found = f"{cores} cores; {', '.join(variables) or 'no limits in the environment'}"
    if cores == 1:
        return Finding("threads", found, "one core: the window may stutter")
    return Finding("threads", found)


def find_display() -> Finding:
    """Find out whether windows can be shown; if not there is advice."""
    platform_name = os.environ.get("QT_QPA_PLATFORM", "")
    if platform_name in ("offscreen", "minimal"):
        return Finding(
            "display",
            f"QT_QPA_PLATFORM={platform_name}",
            "napari needs OpenGL, which this platform lacks: unset QT_QPA_PLATFORM",
        )
    names = [name for name in ("DISPLAY", "WAYLAND_DISPLAY") if os.environ.get(name)]
    if sys.platform == "linux" and not names:
        return Finding(
            "display",
            "none",
            "no window here; use `demo --headless` and scripts, or start with "
            "`xvfb-run -a` (packages: see README, headless Linux)",
        )
    return Finding(
        "display", ", ".join(f"{it}={os.environ[it]}" for it in names) or "native"
    )


def _opengl() -> Finding:
    status, output = _try(_OPENGL_CODE)
    if status == 0:
        return Finding("OpenGL", output)
    return Finding(
        "OpenGL",
        f"does not work ({output})",
        "install a graphics driver, or Mesa's software renderer (packages: see "
        "README, headless Linux); over ssh try `xvfb-run -a`",
        is_problem=True,
    )


def _torch_after_qt() -> Finding:
    status, output = _try(_TORCH_AFTER_QT_CODE)
    if status == 0:
        return Finding("torch after Qt", output)
    return Finding(
        "torch after Qt",
        f"fails ({output})",
        "known on Windows (WinError 1114): start with `napari-segnext demo`, which "
        "imports torch first, and install the newest Visual C++ runtime",
        is_problem=True,
    )


def _weights() -> Iterator[Finding]:
    for info in list_models():
        if info.available:
            yield Finding(f"weights of {info.name}", str(info.path))
        elif info.name == DEFAULT_MODEL:
            yield Finding(
                f"weights of {info.name}",
                "missing",
                "they come with the package: reinstall napari-segnext",
                is_problem=True,
            )
    places = os.pathsep.join(str(folder) for folder in models_folders())
    yield Finding("folders for other weights", places)


def _user_folder() -> Finding:
    from platformdirs import user_data_path

    folder = user_data_path("napari-segnext", appauthor=False)
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if os.access(existing, os.W_OK):
        return Finding("user data folder", str(folder))
    return Finding(
        "user data folder",
        f"{folder} cannot be written",
        f"give yourself the right to write into {existing}; journals go there",
        is_problem=True,
    )


def _try(code: str) -> tuple[int, str]:
    """Run `code` in a process of its own; return its status and last line."""
    try:
        done = subprocess.run(  # noqa: S603  our own code, nothing of the user
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 1, f"no answer within {_TIMEOUT_S} s"
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    if not lines:
        return done.returncode, f"ended with status {done.returncode}"
    return done.returncode, lines[-1]
