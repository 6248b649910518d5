"""`napari-segnext demo`: the sample stack, by hand in napari or by the robot user."""

from __future__ import annotations

import csv
import sys
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_segnext.commands.doctor import find_display, find_qt_binding
from napari_segnext.commands.options import add_model_options, write_labels
from napari_segnext.errors import SegNextError
from napari_segnext.samples import Sample, load_sample

if TYPE_CHECKING:
    import argparse

    import napari
    import numpy.typing as npt

    from napari_segnext.session.session import Session

__all__ = ["DemoClick", "add_parser", "open_demo", "play", "run"]

_DEMO_SIZE_PX = 1200, 720  # the panel beside a canvas, on a small laptop
_NUCLEI = 4
_SLICES_PER_NUCLEUS = 3
_MAX_CLICKS = 5
_GOOD_IOU = 0.9
_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class DemoClick:
    """One click of the robot user and what came of it.

    Parameters
    ----------
    nucleus, slice, click : int
        Label, index along z, and count from 1 on that slice.
    row, col : float
        Where it clicked, in pixels.
    positive : bool
        On the object or off it.
    iou : float
        Intersection over union with the ground truth after the click.
    """

    nucleus: int
    slice: int
    click: int
    row: float
    col: float
    positive: bool
    iou: float


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "demo",
        help="try it on a real stack",
        epilog="--model and --device are for --headless; the panel has its own.",
    )
    parser.add_argument(
        "--headless",
        type=Path,
        metavar="OUT",
        help="no window: a robot user segments nuclei and writes into the folder OUT",
    )
    add_model_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Open napari, or play without a window and print what came out."""
    if arguments.headless is None:
        for needed in (find_qt_binding(), find_display()):
            if needed.advice:  # Qt would end the process without a word on what to do
                raise SegNextError(
                    f"No window can be opened ({needed.what}: {needed.found}): "
                    f"{needed.advice}."
                )
        open_demo()
        import napari

        napari.run()
        return 0
    out: Path = arguments.headless
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SegNextError(
            f"{out} cannot be a folder ({error.strerror}); name another one."
        ) from error
    sample = load_sample("nuclei_3d")
    labels, clicks = play(sample, arguments.model, arguments.device)
    write_labels(out / "labels.tif", labels)
    _write_csv(out / "clicks.csv", clicks)
    _write_overlay(out / "overlay.png", sample, labels, clicks)
    _print_table(clicks)
    print(f"wrote labels.tif, overlay.png and clicks.csv into {out}")
    return 0


def open_demo() -> napari.Viewer:
    """Open napari with the sample stack and the widget, ready to click."""
    if sys.platform == "win32":
        # torch imported after Qt can fail to load its libraries on Windows
        import torch  # noqa: F401
    import napari

    viewer = napari.Viewer(title="napari-segnext demo")
    _left, _top, width, height = viewer.window.geometry()
    viewer.window.resize(max(width, _DEMO_SIZE_PX[0]), max(height, _DEMO_SIZE_PX[1]))
    viewer.open_sample("napari-segnext", "nuclei_3d")
    viewer.dims.set_current_step(0, 45)
    viewer.window.add_plugin_dock_widget("napari-segnext", "SegNext")
    return viewer


def play(
    sample: Sample, model: str, device: str = "auto"
) -> tuple[npt.NDArray[Any], list[DemoClick]]:
    """Let the robot user segment nuclei slice after slice in a real session.

    Parameters
    ----------
    sample : Sample
        A stack (Z, H, W) and its ground truth.
    model, device : str
        As `Session` takes them.

    Returns
    -------
    array (Z, H, W) and list of DemoClick
        The accepted labels, and every click.
    """
    from napari.components import ViewerModel

    from napari_segnext.session.session import Session

    viewer = ViewerModel()
    image = viewer.add_image(sample.image, **sample.metadata)
    session = Session(viewer, image, model=model, device=device, journal=None)
    clicks: list[DemoClick] = []
    try:
        for nucleus in _choose_nuclei(sample.labels):
            label = session.label
            for index in _choose_slices(sample.labels == nucleus):
                session.label = label  # the same object on the next slice
                truth = sample.labels[index] == nucleus
                clicks += _click_slice(session, truth, int(index), label)
                session.accept()
        labels = np.array(session.target.data)
    finally:
        session.close()
    return labels, clicks


def _click_slice(
    session: Session, truth: npt.NDArray[np.bool_], index: int, label: int
) -> list[DemoClick]:
    from napari_segnext.evaluation.robot import next_click

    session.viewer.dims.set_current_step(0, index)
    mask = np.zeros(truth.shape, bool)
    clicks: list[DemoClick] = []
    positions: list[Any] = []
    while len(clicks) < _MAX_CLICKS and (not clicks or clicks[-1].iou < _GOOD_IOU):
        click = next_click(truth, mask, positions)
        positions.append(click)
        session.add_click((index, click.row, click.col), positive=click.positive)
        session.wait(_TIMEOUT_S)
        mask = session.mask()
        iou = float((mask & truth).sum() / (mask | truth).sum())
        number = len(clicks) + 1
        clicks.append(
            DemoClick(label, index, number, click.row, click.col, click.positive, iou)
        )
    return clicks


def _choose_nuclei(labels: npt.NDArray[Any]) -> list[int]:
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return sorted(int(label) for label in np.argsort(sizes)[-_NUCLEI:])


def _choose_slices(truth: npt.NDArray[np.bool_]) -> npt.NDArray[Any]:
    slices = np.flatnonzero(truth.any(axis=(1, 2)))
    parts = np.arange(1, _SLICES_PER_NUCLEUS + 1) / (_SLICES_PER_NUCLEUS + 1)
    return slices[(parts * len(slices)).astype(int)]


def _write_csv(path: Path, clicks: list[DemoClick]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(asdict(clicks[0]))
        writer.writerows(astuple(click) for click in clicks)


def _write_overlay(
    path: Path, sample: Sample, labels: npt.NDArray[Any], clicks: list[DemoClick]
) -> None:
    """Write the slices side by side: truth in blue, ours in orange, clicks as dots."""
    from skimage.io import imsave
    from skimage.segmentation import find_boundaries

    low, high = sample.metadata["contrast_limits"]
    zoom, tiles = 3, []
    for index in sorted({click.slice for click in clicks}):
        grey = np.clip((sample.image[index] - float(low)) / (high - low), 0, 1)
        tile = np.repeat(_enlarge(grey, zoom)[..., None], 3, axis=2)
        for plane, colour in (
            (sample.labels[index], (0.34, 0.71, 0.91)),
            (labels[index], (0.90, 0.62, 0.0)),
        ):
            tile[find_boundaries(_enlarge(plane, zoom), mode="inner")] = colour
        for click in clicks:
            if click.slice == index:
                row, col = int(click.row * zoom + 1), int(click.col * zoom + 1)
                dot = (1, 1, 1) if click.positive else (1, 0, 0)
                tile[max(row - 2, 0) : row + 3, max(col - 2, 0) : col + 3] = dot
        tiles.append((tile * 255).astype(np.uint8))
    columns = 4
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[at : at + columns]) for at in range(0, len(tiles), columns)]
    imsave(path, np.vstack(rows), check_contrast=False)


def _enlarge(plane: npt.NDArray[Any], zoom: int) -> npt.NDArray[Any]:
    return plane.repeat(zoom, axis=0).repeat(zoom, axis=1)


def _print_table(clicks: list[DemoClick]) -> None:
    print("nucleus  slice  IoU after each click")
    slices: dict[tuple[int, int], list[float]] = {}
    for click in clicks:
        slices.setdefault((click.nucleus, click.slice), []).append(click.iou)
    for (nucleus, index), ious in slices.items():
        print(f"{nucleus:7d}  {index:5d}  {'  '.join(f'{iou:.3f}' for iou in ious)}")
    first = np.mean([ious[0] for ious in slices.values()])
    last = np.mean([ious[-1] for ious in slices.values()])
    print(
        f"{len(slices)} slices, {len(clicks)} clicks; mean IoU {first:.3f} after the "
        f"first click, {last:.3f} after the last"
    )
