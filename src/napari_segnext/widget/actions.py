"""What the user can do, as data: names, texts, keys.

Buttons, keys and the command palette all go through this table, so that they cannot
differ. napari 0.9 leaves the single letters G H J K N Q U W free, and with Shift all
but A L P V.
"""

from __future__ import annotations

from dataclasses import dataclass

from napari.utils.translations import trans

from napari_segnext.widget.key_choice import KeyChoice, choose_keys, taken_by_napari
from napari_segnext.widget.settings import read_key_wishes

__all__ = [
    "ACTIONS",
    "GROUPS",
    "HELD",
    "TOOLS",
    "Action",
    "Tool",
    "key_of",
    "read_keys",
    "tooltip",
    "with_key",
]


@dataclass(frozen=True, slots=True)
class Action:
    """One act of the user.

    Parameters
    ----------
    text : str
        Short, for a button.
    tip : str
        What it does, for a tooltip.
    key : str
        Key as napari writes it, for instance "Shift-U", until the user chooses another.
    group : str
        What it is listed under: a key of `GROUPS`.
    """

    text: str
    tip: str
    key: str
    group: str


@dataclass(frozen=True, slots=True)
class Tool:
    """One kind of prompt.

    Parameters
    ----------
    text : str
        Short, for a button.
    tip : str
        How to use it.
    shapes : dict
        Further ways to draw it: the session's name of it to the menu's text. The
        first entry, with the name "", is what the button itself does.
    """

    text: str
    tip: str
    shapes: dict[str, str]


GROUPS: dict[str, str] = {
    "prompt": trans._("Prompts"),
    "object": trans._("The open object"),
    "accepted": trans._("Accepted objects"),
    "volume": trans._("Slices of a volume"),
    "look": trans._("Look and help"),
}

ACTIONS: dict[str, Action] = {
    "polarity": Action(
        trans._("Polarity"),
        trans._("Switch between object (+) and background (-) prompts"),
        "Q",
        "prompt",
    ),
    "next_tool": Action(
        trans._("Next tool"), trans._("Go on to the next prompt tool"), "W", "prompt"
    ),
    "previous_tool": Action(
        trans._("Previous tool"),
        trans._("Go back to the previous prompt tool"),
        "Shift-W",
        "prompt",
    ),
    "start_from_label": Action(
        trans._("From label"),
        trans._("Start from the label under the cursor: it becomes a mask prompt"),
        "Shift-F",
        "prompt",
    ),
    # not with Shift: held, that would make every box a square
    "several": Action(
        trans._("Several"),
        trans._("Every prompt an object of its own: tap to switch, or hold for once"),
        "8",
        "prompt",
    ),
    "accept": Action(
        trans._("Accept"),
        trans._("Write the preview into the labels layer, on all its slices"),
        "G",
        "object",
    ),
    "undo": Action(trans._("Undo"), trans._("Take the last act back"), "U", "object"),
    "redo": Action(trans._("Redo"), trans._("Do it again"), "Shift-U", "object"),
    "clear": Action(
        trans._("Clear"),
        trans._("Drop the open object and its prompts"),
        "N",
        "object",
    ),
    "run": Action(trans._("Run"), trans._("Predict now"), "J", "object"),
    "same_object": Action(
        trans._("Again"),
        trans._("Go on with the object accepted last, for instance on the next slice"),
        "K",
        "object",
    ),
    "edit": Action(
        trans._("Edit"),
        trans._("Open the object under the cursor again"),
        "Shift-E",
        "accepted",
    ),
    "delete": Action(
        trans._("Delete"),
        trans._("Erase the object under the cursor"),
        "Shift-D",
        "accepted",
    ),
    "merge": Action(
        trans._("Merge"),
        trans._("Mark the object under the cursor; on a second one: join the two"),
        "Shift-M",
        "accepted",
    ),
    "cut": Action(
        trans._("Cut"),
        trans._("Draw a line that cuts an object in two"),
        "Shift-X",
        "accepted",
    ),
    "next_object": Action(
        trans._("Next object"), trans._("Go to the next object"), "Shift-K", "accepted"
    ),
    "previous_object": Action(
        trans._("Previous object"),
        trans._("Go to the previous object"),
        "Shift-J",
        "accepted",
    ),
    "next_unreviewed": Action(
        trans._("Next to review"),
        trans._("Go to the next object that is not reviewed yet"),
        "Shift-N",
        "accepted",
    ),
    "reviewed": Action(
        trans._("Reviewed"),
        trans._("Mark the object as reviewed, or take the mark off"),
        "Shift-R",
        "accepted",
    ),
    "propagate": Action(
        trans._("Propagate"),
        trans._("Carry the object on through the slices"),
        "Shift-T",
        "volume",
    ),
    "interpolate": Action(
        trans._("Interpolate"),
        trans._("Fill the slices between those made by hand"),
        "Shift-I",
        "volume",
    ),
    "cancel": Action(
        trans._("Cancel"),
        trans._("Stop at once; what is done stays (Esc does so too)"),
        "Shift-C",
        "volume",
    ),
    "next_worst": Action(
        trans._("Next worst"),
        trans._("Go to the slice with the lowest score that nobody has looked at"),
        "Shift-Q",
        "volume",
    ),
    "lock_slice": Action(
        trans._("Lock slice"),
        trans._("Keep this slice as it is, or let it be changed again"),
        "Shift-O",
        "volume",
    ),
    "review_slice": Action(
        trans._("Slice reviewed"),
        trans._("Mark this slice as reviewed, or take the mark off"),
        "Shift-Y",
        "volume",
    ),
    "export_table": Action(
        trans._("Export CSV…"),
        trans._("Write the table of objects to a file"),
        "Shift-B",
        "volume",
    ),
    "preview": Action(
        trans._("Preview"),
        trans._("Hide the preview, or show it again"),
        "H",
        "look",
    ),
    "sees": Action(
        trans._("What the model sees"),
        trans._("Show the model's own view of image and prompts as layers, or hide it"),
        "Shift-S",
        "look",
    ),
    "keys": Action(
        trans._("Keys"), trans._("Show all keys, or hide them"), "Shift-H", "look"
    ),
}

# actions whose key does more while it is held
HELD = frozenset({"several"})

TOOLS: dict[str, Tool] = {
    "point": Tool(trans._("Point"), trans._("Click on the object"), {}),
    "box": Tool(trans._("Box"), trans._("Drag a box around the object"), {}),
    "polygon": Tool(
        trans._("Polygon"),
        trans._("Click around the object, double-click to close"),
        {"": trans._("Polygon"), "lasso": trans._("Lasso (draw freely)")},
    ),
    "scribble": Tool(
        trans._("Scribble"),
        trans._("Paint a stroke over the object"),
        {"": trans._("Brush"), "path": trans._("Line")},
    ),
    "mask": Tool(trans._("Mask"), trans._("Paint a rough mask to start from"), {}),
}


def read_keys() -> KeyChoice:
    """Return the keys as the user wants them, and what is wrong with the wishes."""
    wanted = read_key_wishes()
    defaults = {name: action.key for name, action in ACTIONS.items()}
    titles = {name: action.text for name, action in ACTIONS.items()}
    if all(wanted.get(name, key) == key for name, key in defaults.items()):
        return KeyChoice(defaults)
    return choose_keys(wanted, defaults, titles, taken_by_napari())


def key_of(name: str) -> str:
    """Return the key of the action `name` as it is now; "" if it has none."""
    return read_keys().keys[name]


def tooltip(name: str) -> str:
    """Return the tip of the action `name` with its key as it is now."""
    return with_key(ACTIONS[name].tip, name)


def with_key(tip: str, name: str) -> str:
    """Return a tip with the key of the action `name` as it is now, if it has one."""
    key = key_of(name)
    return f"{tip} ({key})" if key else tip
