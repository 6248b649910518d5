"""Errors a user can cause; each message says what is wrong and what to do."""

__all__ = [
    "Cancelled",
    "CheckpointError",
    "ImageError",
    "JournalError",
    "LabelRangeError",
    "LayerError",
    "PromptError",
    "SegNextError",
]


class SegNextError(Exception):
    """Base of every error that napari-segnext raises on purpose."""


class CheckpointError(SegNextError):
    """A weights file is missing, damaged, unsafe or of another architecture."""


class ImageError(SegNextError):
    """An image cannot be segmented (shape, dtype, or no pixels at all)."""


class PromptError(SegNextError):
    """A prompt makes no sense (outside the plane, empty, not finite, ...)."""


class LayerError(SegNextError):
    """A napari layer cannot play the part it was given."""


class LabelRangeError(LayerError):
    """A Labels layer has no room for a label; `Session.widen_target` makes some."""


class JournalError(SegNextError):
    """A journal file cannot be read or written."""


class Cancelled(Exception):
    """Work was given up because a newer request made it useless; no error."""
