"""Where an object ends: explicit limits, and sentences that name them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_segnext.core.patches import overlap
from napari_segnext.errors import SegNextError

if TYPE_CHECKING:
    from napari_segnext.core.patches import Patch

__all__ = ["EndRule", "Ending", "reason_to_end"]


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
        It ends where the mean probability inside the mask is below this.

    Raises
    ------
    SegNextError
        If a limit makes no sense.
    """

    min_area_px: int = 4
    min_area_share: float = 0.1
    max_area_share: float = 4.0
    min_agreement: float = 0.1
    min_confidence: float = 0.6

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if self.min_area_px < 1:
            raise SegNextError(
                f"An object of {self.min_area_px} px cannot be seen; "
                "let `min_area_px` be 1 or more."
            )
        for name in ("min_area_share", "min_agreement", "min_confidence"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise SegNextError(
                    f"`{name}` is {value}; use a value from 0 to below 1."
                )
        if not self.max_area_share > 1:
            raise SegNextError(
                f"`max_area_share` is {self.max_area_share}; use a value above 1."
            )


def reason_to_end(
    rule: EndRule, before: Patch, found: Patch, confidence: float
) -> str | None:
    """Return why an object is not on a slice, or None where it is.

    Parameters
    ----------
    rule : EndRule
        The limits.
    before, found : Patch
        Its mask on the slice before, and what was found on this one.
    confidence : float
        Mean probability inside `found`.
    """
    area, old = found.area, before.area
    if area < rule.min_area_px:
        return f"The area fell to {area} px, below {rule.min_area_px} px."
    if area < rule.min_area_share * old:
        return (
            f"The area fell from {old} to {area} px, below "
            f"{rule.min_area_share:.0%} of the slice before."
        )
    if area > rule.max_area_share * old:
        return (
            f"The area rose from {old} to {area} px, above "
            f"{rule.max_area_share:g} times the slice before."
        )
    agreement = overlap(before, found)
    if agreement < rule.min_agreement:
        return (
            f"The overlap with the slice before fell to {agreement:.2f}, below "
            f"{rule.min_agreement:.2f}."
        )
    if confidence < rule.min_confidence:
        return (
            f"The model's confidence fell to {confidence:.2f}, below "
            f"{rule.min_confidence:.2f}."
        )
    return None
