"""Every sentence and word that the widget shows, in one place."""

from napari.utils.translations import trans

__all__ = [
    "ASK_DROP",
    "ASK_DROP_TITLE",
    "AUTO_RUN",
    "AUTO_RUN_TIP",
    "BACKGROUND",
    "CHEAT_SHEET",
    "CHEAT_SHEET_FOOT",
    "FILE_OF_MODEL",
    "FROM_FILE",
    "IMAGE",
    "KEYS",
    "KEY_OF_NAPARI",
    "KEY_TWICE",
    "KEY_UNKNOWN",
    "LABEL",
    "LABEL_IN_USE",
    "LABEL_TIP",
    "MODEL",
    "MODEL_STATES",
    "MOUSE",
    "MOUSE_ROWS",
    "NEW_LAYER",
    "NOT_HERE",
    "NO_IMAGE",
    "NO_IMAGE_STATE",
    "OBJECT",
    "OBJECTS_DONE",
    "POLARITIES",
    "SEVERAL_OBJECTS",
    "TARGET",
    "TARGET_NEW",
    "WORKING",
    "WRONG_IMAGE",
]

IMAGE = trans._("Image")
MODEL = trans._("Model")
TARGET = trans._("Write to")
LABEL = trans._("Object")
OBJECT = trans._("+ object")
BACKGROUND = trans._("- background")
NEW_LAYER = trans._("New labels layer")
FROM_FILE = trans._("From a file…")
FILE_OF_MODEL = trans._("Checkpoints (*.pth *.safetensors)")
AUTO_RUN = trans._("Auto-run")
AUTO_RUN_TIP = trans._("Predict after every prompt; otherwise press Run")
NOT_HERE = trans._("The weights are not on this machine yet.")
KEYS = trans._("Keys")

NO_IMAGE = trans._("Open an image or a stack: drop a file here, or File > Open Sample.")
NO_IMAGE_STATE = trans._("no image open")
WRONG_IMAGE = trans._("This image cannot be segmented; choose another one.")

MODEL_STATES = {
    "loading": trans._("loading…"),
    "ready": trans._("ready"),
    "failed": trans._("failed; choose another model"),
}
WORKING = trans._("working…")
TARGET_NEW = trans._("made when you accept the first object")
OBJECTS_DONE = trans._("{count} objects in it")
LABEL_TIP = trans._(
    "The label that Accept writes. It moves on by itself; set it to an earlier label "
    "to go on with that object, for instance on the next slice."
)

KEY_UNKNOWN = trans._(
    "{title} stays on {default}: napari knows no key {key}; write one as in "
    "Shift-G, F4 or Ctrl-Alt-K."
)
KEY_OF_NAPARI = trans._(
    "{title} stays on {default}: {key} is a key of napari itself; choose another one "
    "in Preferences."
)
KEY_TWICE = trans._(
    "{title} stays on {default}: {key} does something else already; choose another "
    "one in Preferences."
)

CHEAT_SHEET = trans._("All keys")
CHEAT_SHEET_FOOT = trans._(
    "Close: the same key, Esc or a click. Choose other keys in Preferences: SegNext."
)
MOUSE = trans._("Mouse")
MOUSE_ROWS = [
    (
        trans._("Alt with it"),
        trans._("The other polarity, for this prompt only"),
    ),
    (trans._("Space held"), trans._("Move the picture meanwhile")),
    (trans._("Wheel"), trans._("Zoom; with Ctrl: through the slices")),
]
POLARITIES = {
    "positive": trans._("+ object"),
    "negative": trans._("− background"),  # noqa: RUF001
}
LABEL_IN_USE = trans._("label {label}")
SEVERAL_OBJECTS = trans._("several objects")

ASK_DROP_TITLE = trans._("An object is open")
ASK_DROP = trans._("Accept the open object before the change? Otherwise it is dropped.")
