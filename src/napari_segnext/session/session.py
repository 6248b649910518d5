"""The session: everything that a mouse or a script can do with one image.

`Session` is one object in many files: a chain of classes in which each knows what is
below it, and nothing of what is above. From the bottom:

- `core`: the parts, requests and answers, what the outside sees; `cleaning` of answers;
- `acting`: what is done becomes acts; `following` the viewer; `prefetching` after it;
- `placing`: positions, planes, sliders; `tools`: layers and modes; on them stand
  `seeing`, and `hinting` what to do next;
- `objects`: edit, delete, merge, split; `cutting` by a line; `prompting` by script;
- `reviewing`: focus, next object; on it stand
  `slices` > `running` > `correcting` > `volume` > `table`,
  `widening` > `overlapping` > `accepting`, and `resuming` > `journaling`.

What several of them have to do with is a method that each extends and passes on by
`super()`: `_sync` (layers -> acts), `_change` (prompts -> act), `_after_move` and
`_after_switch` (undo, redo; another object), `_update` (tell what changed), `_visible`
(what counts as changed), `_close`. The state is not in the chain: `Board` owns the
layers, `History` the acts, `Preview` and `Target` the masks, `Engine` the answers.
"""

from __future__ import annotations

from dataclasses import replace
from numbers import Real
from typing import TYPE_CHECKING, Any

from napari_segnext.errors import LayerError, PromptError, SegNextError
from napari_segnext.session.accepting import Accepting
from napari_segnext.session.acts import Cleared, Grouped, Relabelled, TargetRemoved
from napari_segnext.session.adopting import check_image
from napari_segnext.session.cleaning import Cleaning
from napari_segnext.session.hinting import Hinting
from napari_segnext.session.journal import Journal
from napari_segnext.session.journaling import Journaling, journal_path
from napari_segnext.session.layers import POLARITIES, unwrapped
from napari_segnext.session.prefetching import Prefetching
from napari_segnext.session.prompting import Prompting
from napari_segnext.session.seeing import Seeing
from napari_segnext.session.table import Table

if TYPE_CHECKING:
    import os

    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Points, Shapes


__all__ = ["Session"]


class Session(
    Hinting, Prefetching, Journaling, Table, Accepting, Prompting, Seeing, Cleaning
):
    """Segment one image of a viewer interactively.

    Coordinates are in data pixels of the image, one number for every axis, (..., y, x),
    pixel centres at integers. Every method must be called on the thread that made the
    session, and raises SegNextError elsewhere; inference runs on a thread of its own.
    Once the session is closed, what reads or changes layers raises LayerError; undo and
    redo then return False.

    Parameters
    ----------
    viewer : napari.Viewer or napari.components.ViewerModel
        Where the layers are.
    image : napari.layers.Image
        The image, two- or more-dimensional, grey or RGB, plain, lazy or multiscale.
    model : str, path, Model, predictor, or callable
        A name of `list_models`, a weights file, what `load_model` returned, a ready
        predictor, or a function without arguments that makes one (called on the
        worker's thread).
    target : napari.layers.Labels, optional
        Where accepted objects go; made if not given, as all of these.
    points, shapes, scribbles : layers, optional
        Your own prompt layers.
    journal : "auto", path or None
        Where the log of acts is written, so that `recover` brings all of it back after
        a crash. "auto": a new file in the user's data folder, where the newest 30 are
        kept, fewer where they take more than 500 MB.
    device : str
        "auto", "cpu", "cuda", "mps".
    window : {"whole", "auto"} or None
        See `Predictor`; None takes the model's own.
    contrast : {"percentile", "layer"}
        What the model sees of a grey image: robust percentiles per stack, or the
        layer's contrast limits and gamma as they are now (see `refresh_contrast`).
    auto_run : bool
        Whether prompts are answered at once, or when `run` is called.

    Attributes
    ----------
    changed : Signal()
        Anything that can be seen of the session changed.
    busy : Signal(bool)
        It began to load, predict or propagate, or has nothing more to do.
    predicted : Signal()
        An answer came, and the preview is another one.
    progressed : Signal(int, int)
        How many visits of slices a run has made, and will have made in all.
    hinted : Signal(str)
        What to do now is something else: the new `hint`.
    error : Signal(Exception)
        A job failed, or what is in a layer makes no sense.
    model_ready, closed : Signal()
        The model is loaded; the session has ended.
    each_once : bool
        With `each`: whether the object after this one is a single one again.
    on_overlap : callable or None
        Asked by `accept` where `overlap` is "ask" and other objects would lose pixels:
        takes a dict of label to pixels, returns "keep", "overwrite", or None to accept
        nothing.

    Raises
    ------
    ImageError
        If the image cannot be segmented.
    LayerError
        If a given layer cannot play its part.
    JournalError
        If the journal cannot be written there, or holds something already.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        image: Image,
        model: Any = "segnext-lite",
        *,
        target: Labels | None = None,
        points: Points | None = None,
        shapes: Shapes | None = None,
        scribbles: Labels | None = None,
        journal: str | os.PathLike[str] | None = "auto",
        device: str = "auto",
        window: str | None = None,
        contrast: str = "percentile",
        auto_run: bool = True,
    ) -> None:
        adopted = {
            "target": target,
            "points": points,
            "shapes": shapes,
            "scribbles": scribbles,
        }
        image = check_image(unwrapped(image))
        path = journal_path(journal, image)
        super().__init__(
            viewer, image, model, adopted, device, window, contrast, auto_run
        )
        self._journal = None if path is None else Journal(path)
        self._start()
        self._keep_journal()

    # answers ------------------------------------------------------------------------

    def run(self) -> None:
        """Predict the displayed plane, and those a script put prompts on."""
        self._sync()
        self._errors.clear()
        planes = self._history.state.object.planes
        self._ask(plane for plane in planes if self._is_wanted(plane))
        self._update()

    def wait(self, timeout: float | None = None) -> None:
        """Wait until all is answered and the preview is up to date.

        Parameters
        ----------
        timeout : float, optional
            Seconds; None waits as long as it takes.

        Raises
        ------
        TimeoutError
            If it takes longer.
        Exception
            What a job raised since the last change of prompts.
        """
        self._sync()
        if not self._worker.wait(timeout):
            raise TimeoutError(f"No answer within {timeout} s.")
        self._update()
        if self._errors:
            error = self._errors[0]
            self._errors.clear()
            raise error

    # the log --------------------------------------------------------------------------

    def clear(self) -> None:
        """Drop the current object, with its prompts on all planes."""
        self._sync()
        if not self._history.state.object.is_blank or self._preview.masks:
            self._drop_object(Cleared)
        self._update()

    def undo(self) -> bool:
        """Take the last act back; False if there is none. Raises nothing.

        What followed a correction goes with it. A run through the slices of which
        nothing has come yet is given up, and no act taken back.
        """
        return self._move(forward=False)

    def redo(self) -> bool:
        """Do the next act again; False if there is none. Raises nothing."""
        return self._move(forward=True)

    def _move(self, forward: bool) -> bool:
        self._check_thread()
        if self._closed:
            return False
        try:
            self._sync()
            if not forward and self._give_up_unstarted():
                self._update()
                return True
            act = self._history.next if forward else self._history.last
            if act is None:
                return False
            if act.pixels is not None:
                change = act.pixels if forward else act.pixels.inverse()
                self._target.write(change, in_bulk=isinstance(act, TargetRemoved))
        except SegNextError as error:
            self._report(error)
            return False
        moved = self._history.step(forward)
        # what followed a correction goes with it
        self._go_to(self._planes_of(moved[0 if forward else -1]))
        for act in moved:
            self._after_move(act)
        self._update()
        return True

    # settings -------------------------------------------------------------------------

    @property
    def label(self) -> int:
        """The label that accept writes, a whole number from 1; setting it is an act.

        Raises
        ------
        LayerError
            If it is set to anything else.
        """
        return self._history.state.label

    @label.setter
    def label(self, label: int) -> None:
        self._sync()
        value: Any = label  # a script's may be anything
        if not isinstance(value, Real) or value < 1 or value % 1:
            raise LayerError(f"A label is a whole number from 1 on, not {label!r}.")
        if label != self._history.state.label:
            self._choose_label(int(label))
        self._update()

    def _choose_label(self, label: int) -> None:
        """Log it; choices that follow one another are one act."""
        if isinstance(self._history.last, Relabelled):
            self._history.back()
        state = self._history.state
        if label != state.label:
            current = state.object
            self._push(Relabelled(label, current, current, state.label, label))

    @property
    def polarity(self) -> str:
        """Whether new prompts made by mouse are "positive" or "negative".

        Raises
        ------
        PromptError
            If it is set to anything else.
        """
        return self._board.polarity

    @polarity.setter
    def polarity(self, polarity: str) -> None:
        self._sync()
        if polarity not in POLARITIES:
            raise PromptError(
                f"polarity is {polarity!r}; use 'positive' (the object) or "
                "'negative' (the background)."
            )
        self._board.set_polarity(polarity)
        self._update_brush()
        self._update()

    @property
    def each(self) -> bool:
        """Whether every positive prompt is an object of its own.

        Accept then writes one label each, in one act; negative prompts count for all.
        Set `each_once` to go back to one object after that. Changing it is an act.

        Raises
        ------
        PromptError
            If it is changed while an object is open.
        """
        return self._history.state.object.each

    @each.setter
    def each(self, each: bool) -> None:
        self._sync()
        state = self._history.state
        if bool(each) == state.object.each:
            return
        if not state.object.is_blank:
            raise PromptError(
                "An object is open; accept or clear it before you change between "
                "one object and several."
            )
        after = replace(self._blank(), each=bool(each))
        self._push(Grouped(0, state.object, after, state.label, state.label))
        self._update()

    def toggle_polarity(self) -> None:
        """Change from positive to negative prompts, or back."""
        self.polarity = "negative" if self.polarity == "positive" else "positive"

    @property
    def auto_run(self) -> bool:
        """Whether prompts are answered at once; set to True, it answers open ones."""
        return self._auto_run

    @auto_run.setter
    def auto_run(self, auto_run: bool) -> None:
        self._sync()
        self._auto_run = bool(auto_run)
        if self._auto_run:
            self.run()
        self._update()

    def refresh_contrast(self) -> None:
        """Take the contrast anew and answer the open prompts again."""
        self._sync()
        self._renew_source()
        self._update()

    def sync(self) -> None:
        """Read the layers and deliver answers now."""
        self._sync()

    def deliver(self) -> None:
        """Deliver the answers that are ready, without reading the layers."""
        self._check_thread()
        if not self._closed:
            self._worker.deliver()
            self._update()

    def close(self) -> None:
        """End the session: keep the target, remove the other layers that were made."""
        self._check_thread()
        self._close()
