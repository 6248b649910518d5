"""Stacks of every format are read slice by slice, and tell their voxels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
import zarr

from napari_segnext.commands.propagation.stacks import open_stack
from napari_segnext.commands.propagation.voxels import Voxel, parse_spacing
from napari_segnext.core.image import contrast_limits
from napari_segnext.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SHAPE = (6, 20, 24)
STACK = np.random.default_rng(0).integers(0, 4000, SHAPE).astype(np.uint16)
COLOURS = np.random.default_rng(1).integers(0, 255, (*SHAPE, 3)).astype(np.uint8)


def tiff(**options: Any) -> Callable[[Path, np.ndarray], Path]:
    def write(folder: Path, stack: np.ndarray) -> Path:
        tifffile.imwrite(folder / "stack.tif", stack, **options)
        return folder / "stack.tif"

    return write


def npy(folder: Path, stack: np.ndarray) -> Path:
    np.save(folder / "stack.npy", stack)
    return folder / "stack.npy"


def zarr_array(folder: Path, stack: np.ndarray) -> Path:
    array = zarr.create_array(
        folder / "s.zarr", shape=stack.shape, chunks=(4, 8, 8), dtype=stack.dtype
    )
    array[...] = stack
    return folder / "s.zarr"


def sharded(folder: Path, stack: np.ndarray) -> Path:
    array = zarr.create_array(
        folder / "s.zarr",
        shape=stack.shape,
        chunks=(1, 10, 12),
        shards=(2, 20, 24),
        dtype=stack.dtype,
    )
    array[...] = stack
    return folder / "s.zarr"


def only_array(folder: Path, stack: np.ndarray) -> Path:
    zarr.open_group(folder / "g.zarr", mode="w").create_array("raw", data=stack)
    return folder / "g.zarr"


def ome_zarr(
    version: str, *, sizes: Any = (0.284, 0.127, 0.127)
) -> Callable[[Path, np.ndarray], Path]:
    """Write two levels of (t, c, z, y, x), as most tools do."""

    def write(folder: Path, stack: np.ndarray) -> Path:
        zarr_format = 2 if version == "0.4" else 3
        path = folder / "ome.zarr"
        group = zarr.open_group(path, mode="w", zarr_format=zarr_format)
        group.create_array("0", data=stack[None, None], chunks=(1, 1, 2, 8, 8))
        group.create_array("1", data=stack[None, None, :, ::2, ::2])
        space = {"type": "space", "unit": "micrometer"}
        axes = [
            {"name": "t", "type": "time"},
            {"name": "c", "type": "channel"},
            *({"name": name, **space} for name in "zyx"),
        ]
        datasets = [
            {
                "path": path,
                "coordinateTransformations": [
                    {"type": "scale", "scale": [1, 1, *sizes]},
                ],
            }
            for path in "01"
        ]
        content = [{"version": version, "axes": axes, "datasets": datasets}]
        group.attrs.update(
            {"multiscales": content}
            if version == "0.4"
            else {"ome": {"version": version, "multiscales": content}}
        )
        return path

    return write


FORMATS = {
    "tif": tiff(),
    "tif, compressed": tiff(compression="zlib"),
    "tif, tiled": tiff(tile=(16, 16), compression="zlib"),
    "tif of volumes": tiff(
        tile=(2, 16, 16), compression="zlib", volumetric=True, metadata={"axes": "ZYX"}
    ),
    "ImageJ": tiff(imagej=True, metadata={"axes": "ZYX"}),
    "ImageJ, slices as channels": tiff(imagej=True, metadata={"axes": "CYX"}),
    "OME": tiff(ome=True, metadata={"axes": "ZYX"}, compression="zlib"),
    "big-endian": tiff(byteorder=">"),
    "npy": npy,
    "zarr": zarr_array,
    "zarr, sharded": sharded,
    "zarr group": only_array,
    "OME-Zarr 0.4": ome_zarr("0.4"),
    "OME-Zarr 0.5": ome_zarr("0.5"),
}


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("write", FORMATS.values(), ids=list(FORMATS))
def test_every_format_gives_the_same_slices(
    tmp_path: Path, write: Any, axis: int
) -> None:
    stack = open_stack(write(tmp_path, STACK), axis)
    assert len(stack) == SHAPE[axis]
    assert stack.volume_shape == SHAPE
    for index in (0, 3, SHAPE[axis] - 1, 2):
        plane = stack.plane(index)
        assert plane.shape == stack.shape
        np.testing.assert_array_equal(plane, np.take(STACK, index, axis))


@pytest.mark.parametrize(
    "write",
    [
        tiff(photometric="rgb", compression="zlib"),
        tiff(photometric="rgb"),
        npy,
        lambda folder, stack: tiff(imagej=True, metadata={"axes": "ZCYX"})(
            folder, np.moveaxis(stack, -1, 1)
        ),
        lambda folder, stack: tiff(
            ome=True, metadata={"axes": "CZYX"}, compression="zlib"
        )(folder, np.moveaxis(stack, -1, 0)),
    ],
)
def test_channels_come_last(tmp_path: Path, write: Any) -> None:
    for axis in (0, 1):
        stack = open_stack(write(tmp_path, COLOURS), axis)
        for index in (4, 1):
            np.testing.assert_array_equal(
                stack.plane(index), np.take(COLOURS, index, axis)
            )
        assert stack.sample().limits is None


def test_contrast_is_that_of_the_widget(tmp_path: Path) -> None:
    seen = open_stack(npy(tmp_path, STACK)).sample()
    assert seen.limits == contrast_limits(STACK)  # fewer than 8 slices: all of them
    other = STACK.copy()
    other[3, 4, 5] ^= 1
    assert open_stack(npy(tmp_path, other)).sample().digest != seen.digest


def test_chunks_of_several_slices_are_read_once(tmp_path: Path, monkeypatch) -> None:
    stack = open_stack(sharded(tmp_path, STACK))
    blocks: list[tuple[int, int]] = []
    block = type(stack._volume).block

    def counted(volume: Any, axis: int, start: int, stop: int) -> np.ndarray:
        blocks.append((start, stop))
        return block(volume, axis, start, stop)

    monkeypatch.setattr(type(stack._volume), "block", counted)
    for index in (0, 1, 2, 3, 4, 5, 4, 3, 2):
        stack.plane(index)
    assert blocks == [(0, 2), (2, 4), (4, 6)]
    stack.plane(1)  # no more than two are kept
    assert blocks[3:] == [(0, 2)]


@pytest.mark.parametrize(
    ("write", "voxel"),
    [
        (ome_zarr("0.4"), Voxel((0.284, 0.127, 0.127), "µm")),
        (ome_zarr("0.5"), Voxel((0.284, 0.127, 0.127), "µm")),
        (ome_zarr("0.5", sizes=(0, 1, 1)), None),
        (tiff(ome=True, metadata={"axes": "ZYX"}), None),
        (
            tiff(
                ome=True,
                metadata={
                    "axes": "ZYX",
                    "PhysicalSizeZ": 284,
                    "PhysicalSizeZUnit": "nm",
                    "PhysicalSizeY": 0.127,
                    "PhysicalSizeX": 0.127,
                },
            ),
            Voxel((0.284, 0.127, 0.127), "µm"),
        ),
        (
            tiff(
                imagej=True,
                resolution=(1 / 0.127, 1 / 0.127),
                metadata={"axes": "ZYX", "spacing": 0.284, "unit": "um"},
            ),
            Voxel((0.284, 0.127, 0.127), "µm"),
        ),
        (
            tiff(
                imagej=True,
                resolution=(0.5, 0.5),
                metadata={"axes": "ZYX", "spacing": 3, "unit": "furlong"},
            ),
            Voxel((3, 2, 2)),
        ),
        (tiff(imagej=True, metadata={"axes": "ZYX"}), None),
        (tiff(), None),
        (npy, None),
        (zarr_array, None),
    ],
)
def test_voxels_come_from_the_metadata(
    tmp_path: Path, write: Any, voxel: Voxel | None
) -> None:
    found = open_stack(write(tmp_path, STACK)).voxel
    assert (found is None) == (voxel is None)
    if voxel is not None and found is not None:
        assert found.sizes == pytest.approx(voxel.sizes)
        assert found.unit == voxel.unit


def test_spacing_is_the_distance_over_the_pixel() -> None:
    voxel = parse_spacing("0.3,0.1,0.1")
    assert voxel.ratio_along(0) == pytest.approx(3)
    assert voxel.ratio_along(1) == pytest.approx(0.1 / np.sqrt(0.03))
    assert parse_spacing("2.2").ratio_along(0) == pytest.approx(2.2)


@pytest.mark.parametrize("text", ["", "a", "0", "-1", "nan", "inf", "1,2", "1,2,3,4"])
def test_a_spacing_that_makes_no_sense_is_told(text: str) -> None:
    with pytest.raises(ImageError, match="give the distance of slices"):
        parse_spacing(text)


def damaged(folder: Path, name: str) -> Path:
    (folder / name).write_bytes(b"nothing of the kind")
    return folder / name


def two_arrays(folder: Path, stack: np.ndarray) -> Path:
    group = zarr.open_group(folder / "g.zarr", mode="w")
    group.create_array("one", data=stack)
    group.create_array("two", data=stack)
    return folder / "g.zarr"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda folder: folder / "missing.tif", "There is no"),
        (lambda folder: folder / "missing.zarr", "There is no"),
        (lambda folder: folder, "is a folder"),
        (lambda folder: damaged(folder, "a.tif"), "cannot be read"),
        (lambda folder: damaged(folder, "a.npy"), "cannot be read"),
        (lambda folder: damaged(folder, "a.zarr"), "cannot be read"),
        (lambda folder: npy(folder, STACK[0]), "three axes"),
        (lambda folder: npy(folder, COLOURS[0]), "three axes"),
        (lambda folder: npy(folder, STACK[:, None, None]), "three axes"),
        (lambda folder: npy(folder, STACK[:0]), "three axes"),
        (
            lambda folder: tiff(imagej=True, metadata={"axes": "TZYX"})(
                folder, np.stack([STACK, STACK])
            ),
            "axes TZYX",
        ),
        (lambda folder: two_arrays(folder, STACK), "several arrays"),
    ],
)
def test_what_is_no_stack_is_told(tmp_path: Path, make: Any, says: str) -> None:
    with pytest.raises(ImageError, match=says):
        open_stack(make(tmp_path))


def test_a_chunk_that_is_damaged_is_told_when_it_is_read(tmp_path: Path) -> None:
    path = zarr_array(tmp_path, STACK)
    stack = open_stack(path)
    (path / "c" / "1" / "0" / "0").write_bytes(b"nothing of the kind")
    stack.plane(3)
    with pytest.raises(ImageError, match="Slices 4 to 5"):
        stack.plane(4)
