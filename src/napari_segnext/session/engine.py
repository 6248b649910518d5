"""What runs on the worker's thread: the model, the features, the answers.

Nothing here touches a layer. torch is imported when the first job loads the model.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
import scipy.ndimage  # noqa: F401 - before torch: after it, this takes 0.2 s longer

from napari_segnext.core.prompts import Click, Prompts
from napari_segnext.errors import Cancelled, CheckpointError, SegNextError
from napari_segnext.session.features import PlaneFeatures, middle_of
from napari_segnext.session.groups import GroupAnswer, apart
from napari_segnext.session.reading import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from napari_segnext.core.features import Features
    from napari_segnext.core.prediction import Prediction
    from napari_segnext.core.seen import Seen
    from napari_segnext.session.features import Ahead
    from napari_segnext.session.history import Entry
    from napari_segnext.session.planes import PlaneKey

    Answer = Prediction | GroupAnswer

__all__ = ["Answers", "Engine", "PredictorLike", "Source"]

_ANSWERS_BYTES = 512 * 2**20
_WARM_UP_PX = 64


class PredictorLike(Protocol):
    """What a session needs of a predictor; `core.predictor.Predictor` has it."""

    def encode(
        self,
        plane: npt.ArrayLike,
        contrast_limits: tuple[float, float] | None = None,
        near: tuple[float, float] | None = None,
        *,
        should_stop: Callable[[], bool] | None = None,
    ) -> Features:
        """Encode a plane."""

    def predict(
        self,
        features: Features,
        prompts: Prompts,
        previous: Prediction | npt.ArrayLike | None = None,
        *,
        should_stop: Callable[[], bool] | None = None,
    ) -> Prediction:
        """Answer prompts on an encoded plane."""

    def predict_many(
        self,
        features: Features,
        prompts: Sequence[Prompts],
        *,
        should_stop: Callable[[], bool] | None = None,
    ) -> list[Prediction]:
        """Answer the prompts of several objects."""


class Answers:
    """Predictions by entry and plane, the least recently used dropped first.

    Safe to use from both threads. They are answers about one `version` of the image:
    one about another may come late, and is not kept.
    """

    def __init__(self, budget_bytes: int = _ANSWERS_BYTES, version: int = 0) -> None:
        self._budget_bytes = budget_bytes
        self._version = version
        self._lock = threading.Lock()
        self._content: OrderedDict[tuple[int, PlaneKey], Answer] = OrderedDict()
        self._bytes = 0

    def get(self, number: int, plane: PlaneKey) -> Answer | None:
        """Return the answer to an entry, or None."""
        with self._lock:
            answer = self._content.get((number, plane))
            if answer is not None:
                self._content.move_to_end((number, plane))
            return answer

    def put(self, number: int, plane: PlaneKey, answer: Answer, version: int) -> None:
        """Keep the answer to an entry, if it is about the image as it is."""
        with self._lock:
            if version != self._version or (number, plane) in self._content:
                return
            self._content[number, plane] = answer
            self._bytes += answer.crop.nbytes
            while self._bytes > self._budget_bytes and len(self._content) > 1:
                _, dropped = self._content.popitem(last=False)
                self._bytes -= dropped.crop.nbytes

    def copy(self, version: int = 0) -> Answers:
        """Return answers that go on by themselves; the arrays are shared."""
        other = Answers(self._budget_bytes, version)
        with self._lock:
            other._content = OrderedDict(self._content)
            other._bytes = self._bytes
        return other

    def clear(self, version: int) -> None:
        """Forget all; what is put from now on is about another `version`."""
        with self._lock:
            self._version = version
            self._content.clear()
            self._bytes = 0


class Engine:
    """Load the model, encode planes, predict; all on one thread, the worker's.

    Parameters
    ----------
    model : str, path, Model, predictor, or callable
        See `Session`.
    device : str
        Passed to the predictor.
    window : str or None
        Passed to the predictor.
    """

    def __init__(
        self,
        model: Any,
        device: str = "auto",
        window: str | None = None,
    ) -> None:
        self.answers = Answers()
        self._model: Any = model
        self._device = device
        self._window = window
        self._predictor: PredictorLike | None = None
        self.planes = PlaneFeatures()
        # the last group's answers: another box among twenty is one prediction
        self._singles: dict[Prompts, Prediction] = {}
        self._singles_of: tuple[int, PlaneKey] | None = None

    @property
    def recipe(self) -> tuple[object, ...]:
        """What answers depend on besides the image: model and window."""
        return self._model, self._window

    @property
    def name(self) -> str:
        """Name of the model, as far as it is known before it is loaded."""
        model = getattr(self._predictor or self._model, "model", self._model)
        return str(getattr(model, "name", model))

    @property
    def origin(self) -> str:
        """What the model can be loaded by again: the name or path that was given."""
        given = getattr(self._model, "model", self._model)  # a loader's, or itself
        return os.fspath(given) if isinstance(given, str | os.PathLike) else self.name

    @property
    def predictor(self) -> PredictorLike:
        """The predictor, loaded if need be; for the worker's thread."""
        return self._load()

    def load(self, should_stop: Callable[[], bool]) -> None:
        """Load the model and run it once, so that the first click is not slow."""
        predictor = self._load()
        if self._predictor_was_given():
            return
        plane = np.zeros((_WARM_UP_PX, _WARM_UP_PX), np.uint8)
        features = predictor.encode(plane, (0.0, 1.0), should_stop=should_stop)
        click = Prompts(clicks=(Click(_WARM_UP_PX / 2, _WARM_UP_PX / 2),))
        predictor.predict(features, click, should_stop=should_stop)

    def predict(
        self, source: Source, chain: tuple[Entry, ...], should_stop: Callable[[], bool]
    ) -> None:
        """Answer the last entry of `chain`, and those before it that it builds on.

        The answers are put where `answers` keeps them.

        Parameters
        ----------
        source : Source
            Where the plane is read.
        chain : tuple of Entry
            Each builds on the one before it.
        should_stop : callable
            Asked between and during the steps.

        Raises
        ------
        Cancelled
            If `should_stop` said so.
        """
        predictor = self._load()
        plane = chain[-1].plane
        features: Features | None = None
        previous: Prediction | None = None
        for entry in self._unanswered(chain):
            if should_stop():
                raise Cancelled
            if features is None:
                features = self._encoded(source, plane, entry.prompts, should_stop)
            if previous is None and entry.previous is not None:
                previous = cast("Prediction", self.answers.get(entry.previous, plane))
            if entry.each:
                self._predict_each(features, entry, source.version, should_stop)
                continue
            previous = predictor.predict(
                features, entry.prompts, previous, should_stop=should_stop
            )
            self.answers.put(entry.number, plane, previous, source.version)

    def look(
        self, source: Source, chain: tuple[Entry, ...], should_stop: Callable[[], bool]
    ) -> Seen:
        """Return what the predictor is given for the last entry of `chain`.

        Of several objects at once: for one of them.

        Parameters
        ----------
        source, chain, should_stop
            As for :meth:`predict`.

        Raises
        ------
        SegNextError
            If the predictor cannot tell.
        """
        look = getattr(self._load(), "look", None)
        if look is None:
            raise SegNextError(
                "This predictor does not tell what it sees; "
                "use one that has a method `look`, as Predictor has."
            )
        entry, before = chain[-1], chain[:-1]
        prompts, previous = entry.prompts, None
        if entry.each:
            prompts = apart(entry.prompts)[-1]
        elif before:
            self.predict(source, before, should_stop)
            previous = self.answers.get(before[-1].number, entry.plane)
        features = self._encoded(source, entry.plane, prompts, should_stop)
        seen: Seen = look(features, prompts, previous, should_stop=should_stop)
        return seen

    def features(
        self,
        source: Source,
        plane: PlaneKey,
        near: tuple[float, float] | None,
        should_stop: Callable[[], bool],
    ) -> Features:
        """Return a handle to a plane, from memory where it is there.

        Parameters
        ----------
        source : Source
            Where the plane is read.
        plane : PlaneKey
            Which one.
        near : (row, col) or None
            Around which a predictor that cannot wait encodes its first window.
        should_stop : callable
            Asked while encoding.

        Raises
        ------
        Cancelled
            If `should_stop` said so.
        """
        return self.planes.get(self._load(), source, plane, near, should_stop)

    def ahead(self, wanted: Ahead, should_stop: Callable[[], bool]) -> None:
        """Encode what is likely to be asked for next; see `PlaneFeatures.ahead`."""
        self.planes.ahead(self._load(), wanted, should_stop)

    def _predict_each(
        self,
        features: Features,
        entry: Entry,
        version: int,
        should_stop: Callable[[], bool],
    ) -> None:
        """Answer every positive prompt of `entry` by itself, those that are new."""
        singles = apart(entry.prompts)
        kept = self._singles if self._singles_of == (version, entry.plane) else {}
        new = [prompts for prompts in singles if prompts not in kept]
        answers = self._load().predict_many(features, new, should_stop=should_stop)
        found = kept | dict(zip(new, answers, strict=True))
        self._singles = {prompts: found[prompts] for prompts in singles}
        self._singles_of = version, entry.plane
        group = GroupAnswer.from_answers([found[prompts] for prompts in singles])
        self.answers.put(entry.number, entry.plane, group, version)

    def _unanswered(self, chain: tuple[Entry, ...]) -> tuple[Entry, ...]:
        """Return the end of `chain` that follows the last answer at hand."""
        for count in range(len(chain), 0, -1):
            entry = chain[count - 1]
            if self.answers.get(entry.number, entry.plane) is not None:
                return chain[count:]
        return chain

    def _predictor_was_given(self) -> bool:
        return hasattr(self._model, "encode") and hasattr(self._model, "predict")

    def _load(self) -> PredictorLike:
        predictor = self._predictor
        if predictor is None:
            if self._predictor_was_given():
                predictor = self._model
            elif callable(self._model):
                predictor = self._model()
            else:
                predictor = self._load_by_name()
            self._predictor = predictor
        return predictor

    def _load_by_name(self) -> PredictorLike:
        try:
            from napari_segnext.core.models import Model, load_model
            from napari_segnext.core.predictor import Predictor
        except OSError as error:  # Windows: c10.dll, where Qt was imported first
            raise CheckpointError(
                f"PyTorch cannot be loaded ({error}); run `napari-segnext doctor`."
            ) from error
        model = (
            self._model if isinstance(self._model, Model) else load_model(self._model)
        )
        return Predictor(model, device=self._device, window=self._window)

    def _encoded(
        self,
        source: Source,
        plane: PlaneKey,
        prompts: Prompts,
        should_stop: Callable[[], bool],
    ) -> Features:
        return self.features(source, plane, middle_of(prompts), should_stop)
