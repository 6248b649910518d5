"""What the user can do, as data: names, texts, keys.

Buttons, keys and the command palette all go through this table, so that they cannot
differ. napari 0.9 leaves the single letters G H J K N Q U W free.
"""

from __future__ import annotations

from dataclasses import dataclass

from napari.utils.translations import trans

__all__ = ["ACTIONS", "TOOLS", "Action", "Tool", "keys_table", "tooltip"]


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
        Key as napari writes it, for instance "Shift-U".
    """

    text: str
    tip: str
    key: str


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


ACTIONS: dict[str, Action] = {
    "polarity": Action(
        trans._("Polarity"),
        trans._("Switch between object (+) and background (-) prompts"),
        "Q",
    ),
    "next_tool": Action(
        trans._("Next tool"), trans._("Go on to the next prompt tool"), "W"
    ),
    "accept": Action(
        trans._("Accept"),
        trans._("Write the preview into the labels layer, on all its slices"),
        "G",
    ),
    "undo": Action(trans._("Undo"), trans._("Take the last act back"), "U"),
    "redo": Action(trans._("Redo"), trans._("Do it again"), "Shift-U"),
    "clear": Action(
        trans._("Clear"), trans._("Drop the open object and its prompts"), "N"
    ),
    "run": Action(trans._("Run"), trans._("Predict now"), "J"),
    "same_object": Action(
        trans._("Again"),
        trans._("Go on with the object accepted last, for instance on the next slice"),
        "K",
    ),
    "preview": Action(
        trans._("Preview"), trans._("Hide the preview, or show it again"), "H"
    ),
}

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


def tooltip(name: str) -> str:
    """Return the tip of the action `name` with its key."""
    action = ACTIONS[name]
    return f"{action.tip} ({action.key})"


def keys_table() -> str:
    """Return all keys and what they do, one a line."""
    return "\n".join(f"{action.key}\t{action.tip}" for action in ACTIONS.values())
