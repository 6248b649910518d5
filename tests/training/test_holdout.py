"""What is held out is about a tenth, whole, and never close to what is trained on."""

import numpy as np
import pytest
from made import discs

from napari_segnext.training.data import Annotated
from napari_segnext.training.holdout import hold_out

LABELS = discs().astype(np.int32)


def planes(count, neighbours=()):
    image = np.zeros((*LABELS.shape, 3), np.uint8)
    return [Annotated(image, LABELS, list(neighbours)) for _ in range(count)]


def places(part, whole):
    """Indices of the planes of `part`."""
    return [next(i for i, p in enumerate(whole) if p is plane) for plane in part]


@pytest.mark.parametrize(("count", "held_count"), [(3, 0), (4, 1), (20, 2), (57, 5)])
def test_a_tenth_of_the_images_is_held_out_at_least_one(count, held_count):
    images = planes(count)
    trained, held = hold_out({"a": images}, seed=0)
    kept, out = places(trained["a"], images), places(held.get("a", []), images)
    assert len(out) == held_count
    assert sorted(kept + out) == list(range(count))


def test_the_seed_decides_and_other_sets_do_not():
    sets = {"a": planes(40), "b": planes(40)}
    _, both = hold_out(sets, seed=3)
    _, alone = hold_out({"b": sets["b"]}, seed=3)
    _, other = hold_out(sets, seed=4)
    assert places(both["b"], sets["b"]) == places(alone["b"], sets["b"])
    assert places(other["b"], sets["b"]) != places(alone["b"], sets["b"])


@pytest.mark.parametrize(
    ("count", "trained_count", "first_held"), [(10, 7, 9), (100, 85, 90)]
)
def test_of_a_stack_the_end_is_held_out_with_a_gap(count, trained_count, first_held):
    stack = planes(count, neighbours=[LABELS])
    trained, held = hold_out({"a": stack}, seed=0)
    assert places(trained["a"], stack) == list(range(trained_count))
    assert places(held["a"], stack) == list(range(first_held, count))


def test_short_stacks_and_stacks_without_objects_at_the_end_stay_whole():
    short = planes(9, neighbours=[LABELS])
    empty = Annotated(short[0].image, np.zeros_like(LABELS), [LABELS])
    bare = [*planes(15, neighbours=[LABELS]), *[empty] * 5]
    trained, held = hold_out({"short": short, "bare": bare}, seed=0)
    assert not held
    assert trained == {"short": short, "bare": bare}


def test_images_without_objects_are_not_held_out():
    bare = Annotated(planes(1)[0].image, np.zeros_like(LABELS))
    images = [*[bare] * 30, *planes(5)]
    for seed in range(5):
        _, held = hold_out({"a": images}, seed)
        assert held["a"]
        assert all(plane.instances() for plane in held["a"])
