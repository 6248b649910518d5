"""Every sentence that the session shows as a hint, and the names of its acts.

Errors are raised with their sentences where they belong. The templates are translated
and filled in with `str.format` afterwards: `trans` of napari 0.9 fills in nothing.
"""

from __future__ import annotations

from napari.utils.translations import trans

__all__ = ["act_on_label", "count_of_prompts"]

# hints: what to do now, or why nothing happens
MODEL_FAILED = trans._("The model could not be loaded; choose another one.")
MODEL_LOADING = trans._("The model is being loaded; you can click already.")
SWITCH_TO_2D = trans._(
    "Look around: this is the 3D view. Go back to the 2D view to place prompts."
)
OPEN_IN_3D = trans._(
    "Look around: this is the 3D view. Propagate or accept here; go back to the 2D "
    "view to correct."
)
IN_A_GRID = trans._(
    "The layers lie side by side; switch the grid off to see prompts over the image."
)
IMAGE_HIDDEN = trans._("The image is hidden; show it with its eye in the layer list.")
PROMPTS_HIDDEN = trans._(
    "The prompts are hidden, and take no clicks; choose a tool to show them."
)
PREVIEW_HIDDEN = trans._(
    "The preview is hidden; show it with its eye in the layer list to see the result."
)
GOING_THROUGH = trans._("Going through the slices; Esc or Cancel stops it.")
TILTED = trans._(
    "The image is turned against its slices, and napari shows others than are "
    "segmented; reset its rotation and affine, or resample it."
)
NO_PLANE = trans._("The image has no slice here; move the sliders onto it.")
NO_POSITIVE = trans._(
    "Nothing says where the object is; choose + object, and point at it."
)
CORRECT_OR_ACCEPT = trans._("Correct with prompts, or accept as label {label}.")
ACCEPTED_TOO_EARLY = trans._(
    "Prompts without an answer on {count} of its slices were left out: take the act "
    "back, look at those slices, and accept again."
)
CHOOSE_OR_ACCEPT = trans._(
    "Clicks are no prompts now; choose a tool to correct, or accept as label {label}."
)
CHOOSE_A_TOOL = trans._(
    "Clicks are no prompts now; choose a tool to go on, for instance Point."
)
SEVERAL_SHOWN = trans._(
    "{count} objects; add more, or accept them all, each as a label."
)
SEVERAL_BEGIN = trans._("Draw a box around each object, or click once on each.")
RUN = trans._("Run to see the result.")
BEGIN = trans._("Click on an object.")
BEGIN_WITH_OBJECT = trans._(
    "Background is for corrections; choose + object first, and point at an object."
)
# (tool, shape) -> what begins an object with it
BEGIN_WITH: dict[tuple[str, str | None], str] = {
    ("box", None): trans._("Drag a box around an object."),
    ("polygon", None): trans._(
        "Click around an object; a double-click closes the outline."
    ),
    ("polygon", "lasso"): trans._("Draw around an object, the mouse button held."),
    ("scribble", None): trans._("Paint a stroke over an object."),
    ("scribble", "path"): trans._(
        "Click along an object; a double-click ends the line."
    ),
    ("mask", None): trans._("Paint a rough mask over an object."),
    ("cut", None): trans._("Draw a line across an object to cut it in two."),
    ("cut", "path"): trans._(
        "Click across an object to cut it in two; a double-click ends the line."
    ),
}
LABELS_REMOVED = trans._("The labels were removed; new ones were made.")
LABELS_CAN_COME_BACK = trans._("The labels were removed; undo brings them back.")
LABELS_LOST = trans._(
    "The labels were removed; they had more than {count} million labelled pixels, and "
    "that cannot be undone."
)
IMAGE_IS_ANOTHER = trans._(
    "The image has another shape than before; prompts that fit were taken up, without "
    "what came before them."
)
TARGET_IS_ANOTHER = trans._(
    "The labels are another layer than before; open prompts were taken up, without "
    "what came before them."
)
JOURNAL_DAMAGED = trans._(
    "The end of the journal was damaged; what came before it was recovered."
)
JOURNAL_GONE = trans._(
    "The journal was removed; all that was done goes into a new journal."
)
JOURNAL_KEPT = trans._(
    "The damaged journal stays as it is; what is done here goes into a new journal."
)
JOURNAL_READ_ONLY = trans._(
    "The journal cannot be written any more; what is done here goes into a new journal."
)
JOURNAL_TAKEN = trans._(
    "Another session writes the journal; what is done here goes into a new journal."
)
LABELS_NOT_IN_JOURNAL = trans._(
    "What the labels held before the session was too much for the journal, and is not "
    "recovered; open those labels again, too."
)
NO_SLICE_ADDED = trans._("No slice was added. {reason}")
OF_LABEL = trans._("Label {label}: {sentence}")
NO_PROMPTS_FOR_SEVERAL = trans._(
    "Several objects are open together; accept or clear them before you prompt, then "
    "open the one to correct."
)
CLOSED = trans._("The session is closed.")

# acts, as "Undo: ..." names them
PAINTING = trans._("painting in the labels")
_ADDED = (trans._("add a prompt"), trans._("add {count} prompts"))
_REMOVED = (trans._("remove a prompt"), trans._("remove {count} prompts"))
_CHANGED = trans._("change a prompt")
# act -> without a label, with one
_ACTS = {
    "Accepted": (trans._("accept"), trans._("accept label {label}")),
    "Cleared": (
        trans._("clear the prompts"),
        trans._("clear the prompts of label {label}"),
    ),
    "Edited": (trans._("edit"), trans._("edit label {label}")),
    "Grouped": (
        trans._("one object or several"),
        trans._("one object or several, label {label}"),
    ),
    "Deleted": (trans._("delete"), trans._("delete label {label}")),
    "Merged": (trans._("merge"), trans._("merge into label {label}")),
    "Marked": (trans._("mark a slice"), trans._("mark a slice of label {label}")),
    "Propagated": (trans._("propagate"), trans._("propagate label {label}")),
    "Interpolated": (trans._("interpolate"), trans._("interpolate label {label}")),
    "Split": (trans._("split"), trans._("split label {label}")),
    "Relabelled": (trans._("choose a label"), trans._("choose label {label}")),
    "Reviewed": (trans._("review"), trans._("review label {label}")),
    "TargetRemoved": (
        trans._("remove the labels"),
        trans._("remove the labels, and label {label}"),
    ),
}


def count_of_prompts(more: int) -> str:
    """Name an act by how many prompts it added; negative: removed.

    Parameters
    ----------
    more : int
        Prompts after the act less those before.
    """
    if not more:
        return _CHANGED
    one, many = _ADDED if more > 0 else _REMOVED
    count = abs(more)
    return one if count == 1 else many.format(count=count)


def act_on_label(act: str, label: int) -> str:
    """Name an act on an object.

    Parameters
    ----------
    act : str
        Name of the act's class, for instance "Accepted".
    label : int
        The label that it is about; 0: none.
    """
    alone, of_label = _ACTS[act]
    return of_label.format(label=label) if label else alone
