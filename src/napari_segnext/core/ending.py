"""Where an object ends: explicit limits, and sentences that name them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_segnext.core.borders import line_of
from napari_segnext.core.features import Features
from napari_segnext.core.motion import grey
from napari_segnext.core.patches import overlap
from napari_segnext.core.regions import joined_region
from napari_segnext.errors import SegNextError

if TYPE_CHECKING:
    from napari_segnext.core.borders import Line
    from napari_segnext.core.patches import Patch

__all__ = ["EndRule", "Ending", "Light", "Sight", "brightness", "reason_to_end"]

_GAP_PX = 1  # between a mask and the ring that is its surroundings
_RING_PX = 4
_CLEAR = 0.5  # standard deviations by which a clear object differs from its ring


@dataclass(frozen=True, slots=True)
class Ending:
    """Where a pass left an object alone.

    Parameters
    ----------
    index : int
        The first slice on which the object is not.
    reason : str
        One sentence that names the number and the limit it passed.
    """

    index: int
    reason: str


@dataclass(frozen=True, slots=True)
class EndRule:
    """The limits that decide where an object ends, beyond its outermost keys.

    Parameters
    ----------
    min_area_px : int
        It ends where fewer pixels are left.
    min_area_share : float
        It ends where the area is below this share of the slice before.
    max_area_share : float
        It ends where the area is above this multiple of the slice before: it has run
        out into something else.
    min_agreement : float
        It ends where the IoU with the slice before is below this.
    min_confidence : float
        It ends where the network's mean probability inside the mask is below this.
    min_key_share : float
        It ends where the area is below this share of the largest key's.
    min_contrast_share, min_brightness_share : float
        It ends where it fades, which takes both: the difference of its mean brightness
        from that of its surroundings is below the first share of what it is on the
        largest key, and its mean brightness has come back to that of the key's
        surroundings but for the second share. Asked only of objects that stand out on
        the key by half a standard deviation.

    Raises
    ------
    SegNextError
        If a limit makes no sense.
    """

    min_area_px: int = 4
    min_area_share: float = 0.1
    max_area_share: float = 4.0
    min_agreement: float = 0.1
    min_confidence: float = 0.7
    min_key_share: float = 0.05
    min_contrast_share: float = 0.3
    min_brightness_share: float = 0.4

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if self.min_area_px < 1:
            raise SegNextError(
                f"An object of {self.min_area_px} px cannot be seen; "
                "let `min_area_px` be 1 or more."
            )
        for name in (
            "min_area_share",
            "min_agreement",
            "min_confidence",
            "min_key_share",
            "min_contrast_share",
            "min_brightness_share",
        ):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise SegNextError(
                    f"`{name}` is {value}; use a value from 0 to below 1."
                )
        if not self.max_area_share > 1:
            raise SegNextError(
                f"`max_area_share` is {self.max_area_share}; use a value above 1."
            )


@dataclass(frozen=True, slots=True)
class Sight:
    """What is known of an object from the largest of its keys.

    Parameters
    ----------
    area : int
        Pixels of the key's mask.
    light : Light or None
        Its brightness there; None where it does not stand out clearly, or the image is
        not known.
    line : {-1, 0, 1}
        Whether its border is a line, see :func:`line_of`.
    """

    area: int
    light: Light | None = None
    line: Line = 0

    @classmethod
    def of(cls, patch: Patch, features: object) -> Sight:
        """Look at a keyed mask."""
        light, line = brightness(patch, features), line_of(patch, features)
        if light is None or abs(light.contrast) < _CLEAR * light.spread:
            return cls(patch.area, None, line)
        return cls(patch.area, light if light.contrast else None, line)


@dataclass(frozen=True, slots=True)
class Light:
    """Grey values from 0 to 1 in a mask and around it.

    Parameters
    ----------
    inside, around : float
        Means of the mask and of a ring around it.
    spread : float
        Root of their mean variance.
    """

    inside: float
    around: float
    spread: float

    @property
    def contrast(self) -> float:
        """By how much the mask is brighter."""
        return self.inside - self.around


def brightness(patch: Patch, features: object) -> Light | None:
    """Return how bright a mask and its surroundings are.

    Parameters
    ----------
    patch : Patch
        The mask.
    features : Features
        Of its slice; anything else has no image to look at.
    """
    if not isinstance(features, Features) or not patch.area:
        return None
    region = joined_region([patch.region], features.shape, _GAP_PX + _RING_PX)
    mask, image = patch.on(region), grey(features, region)
    ring = ndimage.binary_dilation(mask, iterations=_GAP_PX + _RING_PX)
    ring &= ~ndimage.binary_dilation(mask, iterations=_GAP_PX)
    if not ring.any():
        return None
    spread = np.sqrt((image[mask].var() + image[ring].var()) / 2)
    return Light(float(image[mask].mean()), float(image[ring].mean()), float(spread))


def reason_to_end(
    rule: EndRule,
    sight: Sight,
    before: Patch,
    found: Patch,
    confidence: float,
    features: object = None,
    spacing: float = 1.0,
) -> str | None:
    """Return why an object is not on a slice, or None where it is.

    Parameters
    ----------
    rule : EndRule
        The limits.
    sight : Sight
        What is known from the key.
    before, found : Patch
        Its mask on the slice before, and what was found on this one.
    confidence : float
        The network's mean probability inside `found`.
    features : Features, optional
        Of this slice.
    spacing : float
        Distance of the two slices over the size of a pixel. The limits on area and
        overlap between them hold up to 1; beyond they are raised to this power.
    """
    power = max(spacing, 1.0)
    least, most = rule.min_area_share**power, rule.max_area_share**power
    area, old = found.area, before.area
    if area < rule.min_area_px:
        return f"It became too small: {area} px, below {rule.min_area_px} px."
    if area < least * old:
        return (
            f"It shrank too much: from {old} to {area} px, below {least:.2%} of the "
            "slice before."
        )
    if area < rule.min_key_share * sight.area:
        return (
            f"It became too small: {area} px, below {rule.min_key_share:.0%} of the "
            f"{sight.area} px of the largest slice made by hand."
        )
    if area > most * old:
        return (
            f"It grew too much: from {old} to {area} px, above {most:.3g} times the "
            "slice before."
        )
    agreement = overlap(before, found)
    if agreement < rule.min_agreement**power:
        return (
            f"It moved away: the overlap with the slice before is {agreement:.3f}, "
            f"below {rule.min_agreement**power:.3f}."
        )
    if confidence < rule.min_confidence:
        return (
            f"The network is not sure of it: the confidence is {confidence:.2f}, below "
            f"{rule.min_confidence:.2f}."
        )
    return _faded(rule, sight, found, features)


def _faded(rule: EndRule, sight: Sight, found: Patch, features: object) -> str | None:
    key = sight.light
    here = None if key is None else brightness(found, features)
    if key is None or here is None:
        return None
    contrast = here.contrast / key.contrast
    own = (here.inside - key.around) / key.contrast
    if contrast >= rule.min_contrast_share or own >= rule.min_brightness_share:
        return None
    return (
        f"It faded: contrast {contrast:.0%} (below {rule.min_contrast_share:.0%}), "
        f"brightness {own:.0%} (below {rule.min_brightness_share:.0%})."
    )
