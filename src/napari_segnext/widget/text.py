"""Every sentence and word that the widget shows, in one place."""

from napari.utils.translations import trans

IMAGE = trans._("Image")
IMAGE_TIP = trans._("The image or stack to segment")
MODEL_TIP = trans._("The network that answers, from the list or from a file")
TARGET_TIP = trans._("The labels layer that accepted objects are written to")
MODEL = trans._("Model")
TARGET = trans._("Write to")
LABEL = trans._("Label")
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
OBJECTS_DONE = trans._("{count} object in it"), trans._("{count} objects in it")
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
        trans._("Ctrl with it"),
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

# what an act says where it does nothing, or where what it did cannot be seen
NO_OBJECT_HERE = trans._(
    "No object here: point at one on the image, or go to one with Next object."
)
OPEN_ALREADY = trans._("Object {label} is open already; correct it, then accept.")
CORRECT_THESE = trans._(
    "To correct an object that is there, point at it and press Edit"
)
EDIT_DROPPED = trans._("The object that was open was dropped; undo brings it back.")
DELETED = trans._("Object {label} was erased; undo brings it back.")
MARKED = trans._(
    "Object {label} is marked; point at another one and press Merge ({key}) again."
)
UNMARKED = trans._("Object {label} is no longer marked; merging needs two objects.")
MERGED = trans._("Both are object {label} now; undo takes them apart.")
ACCEPTED_UNSEEN = trans._(
    "Accepted; the labels are hidden, show them with their eye in the layer list."
)
NO_OBJECTS = trans._("There are no objects yet; accept one first.")
NONE_UNREVIEWED = trans._("All objects are reviewed.")
AT_OBJECT = trans._("This is object {label}.")
REVIEWED = trans._("Object {label} is reviewed.")
UNREVIEWED = trans._("Object {label} is to be reviewed again.")
NO_LABEL_HERE = trans._(
    "There is no label here; point at one in a visible Labels layer."
)
CHOOSE_LABELS = trans._(
    "Point at a label on the image, or choose a layer and a label under Layers and "
    "view."
)
NO_UNDO = trans._("There is nothing to undo.")
NO_REDO = trans._("There is nothing to redo.")

ASK_ACCEPT_TITLE = trans._("An object is open")
ASK_ACCEPT = trans._(
    "Accept the open object before the change? Otherwise it waits, and is taken up "
    "when you come back."
)
ASK_OVERLAP_TITLE = trans._("Other objects are in the way")
ASK_OVERLAP = trans._("The preview lies over {labels}. Whose pixels are these?")
ASK_OVERLAP_LABEL = trans._("object {label} ({count} px)")
ASK_OVERLAP_MORE = trans._("{count} more")
ASK_KEEP = trans._("Keep theirs")
ASK_OVERWRITE = trans._("Overwrite them")
RECOVER = (
    trans._("Recover what was cut off ({count} step)"),
    trans._("Recover what was cut off ({count} steps)"),
)
RECOVER_FIRST = trans._(
    "Work on this image was cut off; recover it first, or begin anew."
)
RECOVER_NAME = trans._("recover what was cut off")
RECOVER_TIP = trans._(
    "Work on this image ended without being closed, by a crash for instance: bring its "
    "labels, prompts and undo back"
)
ASK_WIDEN_TITLE = trans._("The labels are full")
ASK_WIDEN = trans._("Make room for more labels, and accept?")

OBJECTS = trans._("Objects")
OBJECTS_TIP = trans._("Go from object to object; review, correct, join and cut them")
OBJECTS_COUNT = (
    trans._("{count} object, {to_review} to review"),
    trans._("{count} objects, {to_review} to review"),
)
FOCUS = trans._("Object {label}")
NO_FOCUS = trans._("No object")
REVIEWED_SWITCH = trans._("Reviewed")
SEVERAL_SWITCH = trans._("Several objects at once")
FOCUS_TIP = trans._(
    "The object that Edit, Delete and Merge are about where the mouse is over none"
)

NEIGHBOURS = trans._("Neighbours and clean-up")
NEIGHBOURS_TIP = trans._(
    "What becomes of pixels of other objects, and what is done to masks before they "
    "are shown"
)
OVERLAP = trans._("Other objects")
OVERLAP_TIP = trans._("What Accept does where the preview lies over other objects")
OVERLAPS = {
    "keep": trans._("keep them"),
    "overwrite": trans._("overwrite them"),
    "ask": trans._("ask each time"),
}
TOUCHED = trans._("Only parts with prompts")
TOUCHED_TIP = trans._("Keep only the parts on which a positive prompt or a mask lies")
FILL_HOLES = trans._("Fill holes")
FILL_HOLES_TIP = trans._("Fill holes in which no negative prompt lies")
SMOOTH = trans._("Smooth")
SMOOTH_TIP = trans._("Smooth the outline, by so many pixels")
MIN_SIZE = trans._("Smallest part")
MIN_SIZE_TIP = trans._(
    "Drop parts with fewer pixels than this; the largest one always stays"
)
PIXELS = trans._(" px")
OFF = trans._("off")

VIEW = trans._("Layers and view")
VIEW_TIP = trans._(
    "Your own layers for prompts, labels to start from, the model's view"
)
PROMPT_LAYERS = {
    "points": trans._("Clicks in"),
    "shapes": trans._("Shapes in"),
    "scribbles": trans._("Strokes in"),
}
PROMPT_LAYER_TIPS = {
    "points": trans._(
        "Read clicks from a Points layer of yours; Accept takes them out of it"
    ),
    "shapes": trans._(
        "Read boxes, polygons and lines from a Shapes layer of yours; Accept takes "
        "them out of it"
    ),
    "scribbles": trans._(
        "Read strokes from a Labels layer of yours: 1 object, 2 background, 3 mask; "
        "Accept takes them out of it"
    ),
}
OWN_LAYER = trans._("SegNext's own layer")
SEES_SWITCH = trans._("Show what the model sees")
SOURCE = trans._("Start from")
SOURCE_TIP = trans._(
    "A Labels layer with a mask to start from; the key takes the label under the mouse"
)
UNDER_CURSOR = trans._("the mouse")
SOURCE_LABEL = trans._("Label to start from")
SOURCE_LABEL_TIP = trans._("The label in that layer; at 0 the one selected there")
SELECTED_LABEL = trans._("selected")

VOLUME = trans._("Volume")
VOLUME_TIP = trans._(
    "Carry an object through the slices of a stack, and see where it needs a look"
)
STRIP = trans._("Quality of the slices")
STRIP_TIP = trans._(
    "Height and colour: the score. Triangle: made by hand; hatched: interpolated; thin "
    "line: reviewed; thick line: locked. Click or drag to go there."
)
STRIP_PART = trans._("Shown are the slices {first} to {last}, around the object.")
SLICE_EMPTY = trans._("Slice {index}: nothing of the object")
SLICE_TOLD = trans._("Slice {index}: {told}")
SLICE_KINDS = {
    "keyed": trans._("by hand"),
    "propagated": trans._("propagated"),
    "interpolated": trans._("interpolated"),
}
SLICE_SCORE = trans._("score {score:.2f}")
SLICE_LOCKED = trans._("locked")
SLICE_REVIEWED = trans._("reviewed")
NO_SLICES = trans._("No object is open or chosen.")
SLICES_COUNT = (
    trans._("{count} slice, {keyed} by hand"),
    trans._("{count} slices, {keyed} by hand"),
)
SLICES_RANGE = trans._("Slices")
SLICES_FROM = trans._("First slice")
SLICES_TO = trans._("Last slice")
SLICES_RANGE_TIP = trans._(
    "The slices that may be written; the others stay as they are"
)
UNTIL_END = trans._("until it ends")
UNTIL_END_TIP = trans._(
    "Go on in both directions until the object ends; otherwise only within the range"
)
AXIS = trans._("Along")
AXIS_TIP = trans._("The slider to go along")
SLIDER = trans._("slider {name}")
FOLLOW = trans._("Follow corrections")
FOLLOW_TIP = trans._(
    "A correction by hand changes the slices up to the next ones made by hand, at once"
)
LOCK_SWITCH = trans._("Locked")
REVIEW_SWITCH = trans._("Reviewed")
PLACE_3D = trans._(
    "3D view: accepted objects and the preview. Propagate, accept, undo and the strip "
    "work here; prompts need the 2D view."
)
CACHE = trans._("Image features kept: {memory}")
CACHE_DISK = trans._("{memory}, {disk}")
CACHE_MEMORY = trans._("{used} of {budget} in memory")
CACHE_NO_DISK = trans._("no more on disk, see here")
CACHE_ON_DISK = trans._("{used} of {budget} on disk")
CACHE_TIP = trans._("What was encoded once need not be encoded again")
CACHE_FOLDER = trans._("On disk in {folder}")
BYTES = [trans._("B"), trans._("KB"), trans._("MB"), trans._("GB"), trans._("TB")]

PROPAGATING = trans._("SegNext: slices")
NO_OBJECT_TO_ACT_ON = trans._(
    "No object is open or chosen; click on one, or choose one in the table."
)
NOTHING_TO_CANCEL = trans._("Nothing is running that could be cancelled.")
STOPPED = trans._("Cancelled; what was done stays, and undo takes it back.")
NO_WORST = trans._("No slice is left to look at: all are by hand, locked or reviewed.")
AT_WORST = trans._(
    "{told}. Nobody has looked at it yet: correct it, or mark it as reviewed"
)
LOCKED_NOW = trans._("Slice {index} is locked: propagation leaves it as it is.")
UNLOCKED_NOW = trans._("Slice {index} is no longer locked.")
SLICE_REVIEWED_NOW = trans._("Slice {index} is reviewed.")
SLICE_UNREVIEWED_NOW = trans._("Slice {index} is to be reviewed again.")
NOT_ON_SLICE = trans._("Nothing of the object is on this slice.")
RUN_ENDED = (
    trans._(
        "Look at the strip, correct or accept. It ended at slice {slices}; point at "
        "the strip to see why."
    ),
    trans._(
        "Look at the strip, correct or accept. It ended at slices {slices}; point at "
        "the strip to see why."
    ),
)
ENDED = trans._("Ended at slice {index}. {reason}")

TABLE = trans._("Table of objects")
TABLE_TIP = trans._("All objects with their size and state; to sort, choose and export")
TABLE_ABOUT = trans._(
    "Choose a row to go to that object, or several for the buttons below"
)
TABLE_ALL = trans._("Choose all rows")
TABLE_COLUMNS = {
    "label": trans._("Label"),
    "slices": trans._("Slices"),
    "keyed": trans._("By hand"),
    "volume": trans._("Size"),
    "score": trans._("Score"),
    "state": trans._("State"),
}
COLUMN_WITH_UNIT = trans._("{title} ({unit})")
STATES = {
    "open": trans._("open"),
    "accepted": trans._("accepted"),
    "found": trans._("found"),
}
ROWS_PROPAGATE = trans._("Propagate rows")
ROWS_PROPAGATE_TIP = trans._("Propagate the objects of the chosen rows, in one pass")
ROWS_MERGE = trans._("Merge rows")
ROWS_MERGE_TIP = trans._("Join the objects of the chosen rows")
ROWS_MERGED = trans._("All are object {label} now; undo takes them apart.")
ROWS_DELETE = trans._("Delete rows")
ROWS_DELETE_TIP = trans._("Erase the objects of the chosen rows")
ROWS_DELETED = trans._("{count} objects were erased; undo brings them back.")
EXPORT_TITLE = trans._("Export the table")
EXPORT_NAME = trans._("objects.csv")
EXPORT_FILTER = trans._("Tables (*.csv)")
EXPORTED = trans._("The table is in {path}.")
NOTHING_TO_EXPORT = trans._("There are no objects to export yet; accept one first.")


def counted(forms: tuple[str, str], count: int, **more: object) -> str:
    """Fill in a sentence about one thing, or about several.

    Parameters
    ----------
    forms : (str, str)
        The sentence for one and for any other number of them.
    count : int
        How many there are.
    **more
        What else the sentence names.
    """
    return forms[count != 1].format(count=count, **more)
