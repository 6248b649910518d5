"""Light on its way to the camera: textures, contrast mechanisms, noise, 8 bit.

The order is that of a microscope: an object changes phase and absorption (or emits),
the objective blurs, illumination is uneven, photons and electronics add noise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import fft, ndimage

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_segnext.training.synthetic_shapes import Plane

__all__ = [
    "blobs",
    "blur",
    "camera",
    "defocus",
    "fibres",
    "grain",
    "log_uniform",
    "phase_contrast",
    "relief",
    "smooth_noise",
    "texture",
    "to_rgb",
    "uneven",
]

_SPLINE_POWER = 151 / 315  # mean sum of squares of cubic B-splines at unit knots


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """One value in [low, high), each octave as likely as any other."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _spline_basis(rng: np.random.Generator, size: int, scale: float) -> Plane:
    """Cubic B-splines (size, knots) with knots `scale` px apart, randomly shifted."""
    where = np.arange(size) / scale + rng.random()
    knot = where.astype(np.intp)
    part = where - knot
    rest = 1 - part
    basis = np.zeros((size, int(knot[-1]) + 4), np.float32)
    rows = np.arange(size)
    basis[rows, knot] = rest**3 / 6
    basis[rows, knot + 1] = 2 / 3 - part**2 * (2 - part) / 2
    basis[rows, knot + 2] = 2 / 3 - rest**2 * (2 - rest) / 2
    basis[rows, knot + 3] = part**3 / 6
    return basis


def smooth_noise(
    rng: np.random.Generator,
    shape: tuple[int, int],
    scale_px: float | tuple[float, float],
) -> Plane:
    """Gaussian noise (H, W) float32 of about unit variance, smooth below `scale_px`.

    A pair of scales makes it longer along one axis.
    """
    scales = np.broadcast_to(np.asarray(scale_px, float), 2)
    rows, cols = (
        _spline_basis(rng, size, scale)
        for size, scale in zip(shape, scales, strict=True)
    )
    knots = rng.standard_normal((rows.shape[1], cols.shape[1]), dtype=np.float32)
    return rows @ knots @ cols.T / np.float32(_SPLINE_POWER)


def texture(
    rng: np.random.Generator, shape: tuple[int, int], fine_px: float, coarse_px: float
) -> Plane:
    """Octaves of smooth noise between two scales, of about unit variance."""
    octaves = max(int(np.log2(coarse_px / fine_px)) + 1, 1)
    tilt = rng.uniform(0.6, 1.3)  # how much the coarse octaves dominate
    weights = tilt ** np.arange(octaves)
    weights /= np.linalg.norm(weights)
    total = np.zeros(shape, np.float32)
    for octave, weight in enumerate(weights):
        total += np.float32(weight) * smooth_noise(rng, shape, fine_px * 2**octave)
    return total


def fibres(
    rng: np.random.Generator, shape: tuple[int, int], width_px: float, length_px: float
) -> Plane:
    """Wavy texture (H, W) of unit variance, longer along a slowly turning direction."""
    side = max(shape)
    streaks = smooth_noise(rng, (side, side), (width_px, length_px))
    angle = rng.uniform(0, np.pi)
    rows, cols = np.ogrid[: shape[0], : shape[1]]
    bend = rng.uniform(0.2, 1) * length_px
    bend_px = bend * smooth_noise(rng, shape, 2 * length_px)
    across = rows * np.cos(angle) + cols * np.sin(angle) + bend_px
    along = cols * np.cos(angle) - rows * np.sin(angle)
    turns = (place.astype(np.intp) % (2 * side) for place in (across, along))
    picked = streaks[tuple(np.minimum(turn, 2 * side - 1 - turn) for turn in turns)]
    return ndimage.gaussian_filter(picked, 0.7)


def grain(rng: np.random.Generator, shape: tuple[int, int], sigma_px: float) -> Plane:
    """White noise blurred by `sigma_px`, of unit variance."""
    noise = rng.standard_normal(shape, dtype=np.float32)
    if sigma_px > 0:
        noise = ndimage.gaussian_filter(noise, sigma_px)
        noise /= noise.std()
    return noise


def blobs(
    rng: np.random.Generator,
    shape: tuple[int, int],
    count: int,
    sigma_px: tuple[float, float],
) -> Plane:
    """Sum of `count` out-of-focus Gaussian spots of height 0.3 to 1, sizes log-uniform.

    A Gaussian is a product of two profiles, so all of them are one matrix product.
    """
    sigma = np.exp(rng.uniform(np.log(sigma_px[0]), np.log(sigma_px[1]), count)).astype(
        np.float32
    )
    height = rng.uniform(0.3, 1, count).astype(np.float32)
    profiles = [
        np.exp(-(((np.arange(n)[:, None] - rng.uniform(0, n, count)) / sigma) ** 2) / 2)
        for n in shape
    ]
    rows, cols = (profile.astype(np.float32) for profile in profiles)
    return (rows * height) @ cols.T


def blur(plane: Plane, sigma_px: float) -> Plane:
    """Gaussian blur whose cost hardly grows with `sigma_px`."""
    if sigma_px <= 4:
        return ndimage.gaussian_filter(plane, sigma_px)
    for axis, size in enumerate(plane.shape):
        offset = np.arange(size, dtype=np.float32)
        kernel = np.exp(-(((offset[:, None] - offset) / sigma_px) ** 2) / 2)
        kernel /= kernel.sum(axis=1, keepdims=True)
        plane = kernel @ plane if axis == 0 else plane @ kernel.T
    return plane


def phase_contrast(
    phase: Plane, halo_px: float, ring: float, *, negative: bool = False
) -> Plane:
    """Zernike phase contrast of a phase object (H, W) in radians.

    The light that the phase ring delays is the undiffracted part **and** what is
    diffracted by little, hence halos and shade-off: a low pass of `halo_px` instead of
    a constant. `ring` is the amplitude that the ring lets through. 1 is the background.
    """
    field = np.cos(phase), np.sin(phase)
    direct = [0.85 * blur(part, halo_px) + 0.15 * part.mean() for part in field]
    sign = -ring if negative else ring
    # |u - d - i r d|^2 with u the field and d its direct part
    real = field[0] - direct[0] + sign * direct[1]
    imaginary = field[1] - direct[1] - sign * direct[0]
    return (real**2 + imaginary**2) / np.float32(ring**2)


def relief(phase: Plane, shear_px: float, angle: float, bias: float) -> Plane:
    """Differential interference contrast of a phase object (H, W) in radians.

    Two images, sheared by `shear_px` along `angle`, interfere with a phase `bias`.
    """
    step = np.sin(angle) * shear_px / 2, np.cos(angle) * shear_px / 2
    one = ndimage.shift(phase, step, order=1, mode="nearest")
    other = ndimage.shift(phase, (-step[0], -step[1]), order=1, mode="nearest")
    return np.sin((one - other + bias) / 2) ** 2 / np.float32(np.sin(bias / 2) ** 2)


def defocus(phase: Plane, absorption: Plane, reach_px: float) -> Plane:
    """Bright-field intensity out of focus: dark and bright Fresnel rings at edges.

    `reach_px` is the radius of the first Fresnel zone; its sign is that of the defocus.
    Partial coherence damps the outer rings.
    """
    field = np.exp(1j * phase - absorption).astype(np.complex64)
    margin = int(6 * abs(reach_px)) + 8  # else opposite sides would interfere
    sides = [fft.next_fast_len(side + margin) for side in field.shape]
    margins = np.subtract(sides, field.shape)
    more = [(gap // 2, gap - gap // 2) for gap in margins]
    padded = np.pad(field, more, mode="symmetric")
    rows, cols = (fft.fftfreq(side).astype(np.float32) ** 2 for side in sides)
    turn = np.float32(np.pi * reach_px * abs(reach_px)) * (rows[:, None] + cols)
    kernel = np.exp(-2 / np.pi * np.abs(turn) - 1j * turn)
    spread = fft.ifft2(fft.fft2(padded) * kernel.astype(np.complex64))
    inner = (
        slice(gap[0], gap[0] + side)
        for gap, side in zip(more, field.shape, strict=True)
    )
    return np.abs(spread[tuple(inner)]) ** 2


def uneven(rng: np.random.Generator, shape: tuple[int, int], most: float) -> Plane:
    """Illumination (H, W) around 1 that varies by up to `most` over the plane."""
    strength = rng.uniform(0, most) / 2
    return 1 + np.float32(strength) * np.tanh(smooth_noise(rng, shape, max(shape) / 2))


def camera(rng: np.random.Generator, signal: Plane, *, noise: float) -> Plane:
    """Shot and read noise on a signal (H, W); 0 to 1, as the predictor normalises.

    `noise` is the standard deviation relative to the signal's range (percentiles 1 to
    99), half of it shot noise, grows with the root of the signal.
    """
    low, high = np.percentile(signal[::3, ::3], [1, 99.5])
    unit = (signal - low) / np.float32(max(high - low, 1e-6))
    shot = rng.random()
    level = np.sqrt(1 - shot + shot * np.clip(unit, 0, 4))
    unit = unit + np.float32(noise) * level * grain(rng, signal.shape, 0)
    low, high = np.percentile(unit[::2, ::2], [0.1, 99.9])
    unit = np.clip((unit - low) / np.float32(max(high - low, 1e-6)), 0, 1)
    if rng.random() < 0.25:  # an exporter that left headroom
        top = np.float32(rng.uniform(0.6, 1))
        unit = unit * top + np.float32(rng.uniform(0, 1)) * (1 - top)
    return unit


def to_rgb(plane: Plane) -> npt.NDArray[np.uint8]:
    """Grey (H, W) or colour (H, W, 3), 0 to 1, as (H, W, 3) uint8."""
    grey = np.round(np.clip(plane, 0, 1) * 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2) if grey.ndim == 2 else grey
