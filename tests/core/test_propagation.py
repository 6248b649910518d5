from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from volumes_known import Seer, Volume, ball, tube, written

from napari_segnext.core.propagation import propagate, snap
from napari_segnext.errors import Cancelled, PromptError, SegNextError

SHAPE = (21, 40, 40)


def run(truth, keyed, **options):
    """Propagate one object of a bright volume from its true masks on `keyed`."""
    options.setdefault("slices", range(len(truth)))
    keys = {1: {index: truth[index] for index in keyed}}
    return list(propagate(Seer(), Volume(truth), keys, **options))


def test_a_sphere_keyed_in_the_middle_is_found_whole_and_ends_on_both_sides():
    truth = ball(SHAPE, (10, 20, 20), 8.3)

    steps = run(truth, [10])

    found = written(steps, SHAPE)
    found[10] = truth[10]
    np.testing.assert_array_equal(found, truth)
    endings = [ending for step in steps for ending in step.endings.values()]
    assert [ending.index for ending in endings] == [19, 1]
    assert all("too small" in ending.reason for ending in endings)


@pytest.mark.parametrize("keyed", [[10], [4, 10, 15], [3, 4, 5], [10, 20]])
def test_keyed_slices_are_never_yielded(keyed):
    truth = tube(SHAPE, lambda z: (20, 10 + z), 5)

    steps = run(truth, keyed)

    assert not {step.index for step in steps} & set(keyed)
    assert {step.index for step in steps} == set(range(21)) - set(keyed)


def test_between_two_keys_both_passes_are_joined():
    truth = tube(SHAPE, lambda z: (20, 10 + z), 5)

    steps = run(truth, [5, 15])

    between = [step.index for step in steps if 5 < step.index < 15]
    assert sorted(between) == sorted([*range(6, 15), *range(6, 15)])
    found = written(steps, SHAPE)
    np.testing.assert_array_equal(found[6:15], truth[6:15])


def test_the_last_step_is_the_whole_of_it_and_progress_never_falls():
    steps = run(ball(SHAPE, (10, 20, 20), 6), [9, 11])

    done = [step.done for step in steps]
    assert done == sorted(done)
    assert steps[-1].done == steps[-1].total


def test_an_empty_key_says_where_the_object_is_not():
    truth = tube(SHAPE, lambda z: (20, 20), 5)
    keys = {1: {10: truth[10], 13: np.zeros(SHAPE[1:], bool)}}

    steps = list(propagate(Seer(), Volume(truth), keys, range(21)))

    assert {step.index for step in steps} == {*range(10), 11, 12}


def test_it_is_cancelled_within_a_slice():
    truth = tube(SHAPE, lambda z: (20, 20), 5)
    asked = []
    seer = Seer()
    steps = propagate(
        seer,
        Volume(truth),
        {1: {10: truth[10]}},
        range(21),
        should_stop=lambda: bool(asked),
    )
    next(steps)
    before = seer.asked
    asked.append(True)

    with pytest.raises(Cancelled):
        next(steps)
    assert seer.asked == before


@pytest.mark.parametrize("cut", [0, 1, 7, 12, 19, 25])
def test_a_run_that_was_cut_off_goes_on_exactly(cut):
    truth = tube(SHAPE, lambda z: (20, 10 + z), 5)
    keys = {1: {4: truth[4], 15: truth[15]}}
    whole = list(propagate(Seer(), Volume(truth), keys, range(21)))

    rest = list(propagate(Seer(), Volume(truth), keys, range(21), resume=whole[:cut]))

    assert len(rest) == len(whole) - cut
    for one, other in zip(rest, whole[cut:], strict=True):
        assert (one.index, one.done, one.total) == (
            other.index,
            other.done,
            other.total,
        )
        assert one.answers[1].score == other.answers[1].score
        np.testing.assert_array_equal(
            one.answers[1].mask(SHAPE[1:]), other.answers[1].mask(SHAPE[1:])
        )


def test_a_run_does_not_go_on_from_steps_of_another():
    truth = tube(SHAPE, lambda z: (20, 10 + z), 5)
    other = run(truth, [5])

    with pytest.raises(SegNextError, match="does not continue this run"):
        run(truth, [12], resume=other[:3])


def test_an_object_without_a_mask_is_refused_at_once():
    with pytest.raises(PromptError, match="Object 1 has no keyed slice"):
        propagate(Seer(), Volume(np.zeros(SHAPE)), {1: {3: np.zeros((40, 40))}}, [4])


def test_snapping_writes_only_between_keys():
    truth = tube(SHAPE, lambda z: (20, 10 + z), 5)
    keys = {1: {5: truth[5], 9: truth[9], 14: truth[14]}}

    steps = list(snap(Seer(), Volume(truth), keys, range(21)))

    assert [step.index for step in steps] == [6, 7, 8, 10, 11, 12, 13]
    found = written(steps, SHAPE)
    for index in (6, 7, 8, 10, 11, 12, 13):
        np.testing.assert_array_equal(found[index], truth[index])


@pytest.mark.parametrize(
    ("keyed", "most_bits"),
    [
        ({1: [2], 2: [2], 3: [2]}, 0.0),
        ({1: [2, 60], 2: [2, 60], 3: [2, 60]}, 1.0),
        ({1: [2], 2: [2], 3: [60]}, 1.0),  # passed by what comes back later
    ],
    ids=["beyond the keys", "between the keys", "keys apart"],
)
def test_of_slices_that_were_passed_a_bit_a_pixel_is_kept_or_nothing(keyed, most_bits):
    shape = (62, 82, 246)
    tubes = [tube(shape, lambda z, c=col: (41, c), 40) for col in (41, 123, 205)]
    keys = {
        name: {index: tubes[name - 1][index] for index in indices}
        for name, indices in keyed.items()
    }
    box_px = 81 * 81
    volume = Volume(sum(tubes))
    overhead = 4_000 * 60  # bytes for what holds the bits; crops would be 1.2 MB

    tracemalloc.start()
    steps = propagate(Seer(), volume, keys, range(62))
    next(steps)
    before, _ = tracemalloc.get_traced_memory()
    kept = [tracemalloc.get_traced_memory()[0] - before for _ in steps]
    at_the_end = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()

    assert len(kept) > 50
    assert max(kept) <= most_bits / 8 * 3 * box_px * 60 + overhead
    assert at_the_end <= overhead
