"""A run from its folder to its weights: repeatable, stoppable, honest."""

import csv
import signal

import numpy as np
import pytest
import torch
from made import noisy, write_pair

import napari_segnext as ns
from napari_segnext.cli import main
from napari_segnext.errors import CheckpointError, SegNextError
from napari_segnext.training.batches import Batches
from napari_segnext.training.learner import Learner
from napari_segnext.training.run import train
from napari_segnext.training.settings import Settings
from napari_segnext.training.validation import FIGURES, Validation


def silent(line):
    pass


def stop_at(step):
    """Send SIGTERM once validation of `step` is said."""

    def say(line):
        if line.startswith(f"step {step},"):
            signal.raise_signal(signal.SIGTERM)

    return say


@pytest.fixture
def settings(real, tmp_path, tiny_model):
    def make(name="out", **changes):
        given = {"data": real, "init": str(tiny_model), "steps": 4, "crops": 1}
        given |= {"objects": 2, "loaders": 0, "learning_rate": 1e-3}
        return Settings(out=tmp_path / name, **{**given, **changes})

    return make


def weights(folder):
    return ns.load_model(folder / "segnext-lite.safetensors").network.state_dict()


def last_weights(folder):
    state = torch.load(folder / "checkpoint.pt", weights_only=True)
    return state["learner"]["network"] | state["learner"]["average"]


def rows(path):
    """Rows of a curve without the time, which no two runs share."""
    with path.open() as file:
        found = list(csv.DictReader(file))
    return [{k: v for k, v in row.items() if k != "minutes"} for row in found]


def assert_same_run(one, other):
    for read in (weights, last_weights):
        first, second = read(one), read(other)
        assert first.keys() == second.keys()
        assert all(torch.equal(first[name], second[name]) for name in first)
    for name in ("loss.csv", "validation.csv"):
        assert rows(one / name) == rows(other / name)


def test_the_same_seed_gives_the_same_bits_whoever_makes_the_batches(settings):
    one = settings("one", steps=2, dense=0.4)
    other = settings("other", steps=2, dense=0.4, loaders=1)
    different = settings("different", steps=2, dense=0.4, seed=1)
    for each in (one, other, different):
        assert train(each, silent).stopped_by is None
    assert_same_run(one.out, other.out)
    first, second = last_weights(one.out), last_weights(different.out)
    assert not all(torch.equal(first[name], second[name]) for name in first)


def test_a_stopped_run_goes_on_as_if_nothing_had_happened(settings):
    through, stopped = settings("through", dense=1.0), settings("stopped", dense=1.0)
    train(through, silent)
    handler = signal.getsignal(signal.SIGTERM)
    outcome = train(stopped, stop_at(2))
    assert (outcome.steps, outcome.stopped_by) == (2, signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is handler
    at_stop = (stopped.out / "checkpoint.pt").read_bytes()
    assert train(stopped, silent).stopped_by is None
    assert_same_run(through.out, stopped.out)
    # killed without notice after the stop: what came after the checkpoint comes again
    (stopped.out / "checkpoint.pt").write_bytes(at_stop)
    train(stopped, silent)
    assert_same_run(through.out, stopped.out)


def test_a_finished_run_says_so_and_goes_on_when_told_more_steps(settings, folder):
    lines = []
    train(settings(steps=1, data=folder / "cells"), silent)
    assert train(settings(steps=1, data=folder / "cells"), lines.append).steps == 1
    assert any("is finished" in line for line in lines)
    made = settings(steps=2, data=folder / "cells")
    assert train(made, silent).steps == 2
    assert [row["step"] for row in rows(made.out / "loss.csv")] == ["1", "2"]


def test_training_that_does_not_help_leaves_the_weights_as_they_were(
    settings, tiny_model
):
    lines = []
    made = settings(learning_rate=0.0, steps=1)
    train(made, lines.append)
    assert any("did not help" in line for line in lines)
    before = ns.load_model(tiny_model).network.state_dict()
    after = weights(made.out)
    assert all(torch.equal(after[name], before[name]) for name in before)


class Judge:
    """Scores that are known beforehand."""

    digest = "judge"
    objects = {"a": 1}  # noqa: RUF012

    def __init__(self, *scores):
        self.scores = list(scores)

    def score(self, network, device):
        score = self.scores.pop(0)
        return {"score": score, **dict.fromkeys(FIGURES, score), "score a": score}


def test_the_best_weights_are_kept_and_what_changed_is_said(settings, monkeypatch):
    judge = Judge(0.25, 0.375, 0.625, 0.5)
    monkeypatch.setattr(f"{train.__module__}.Validation", lambda *_: judge)
    made, lines = settings(steps=3), []
    train(made, lines.append)
    said = "\n".join(lines)
    assert "Best at step 2 of 3" in said
    assert said.count("0.250 -> 0.625") == 1 + len(FIGURES)
    scores = [float(row["score"]) for row in rows(made.out / "validation.csv")]
    assert scores == [0.25, 0.375, 0.625, 0.5]
    assert (made.out / "curves.png").read_bytes()[1:4] == b"PNG"
    state = torch.load(made.out / "checkpoint.pt", weights_only=True)
    kept, row = state["best"]
    assert row["step"] == 2
    for name, value in weights(made.out).items():
        assert torch.equal(value, kept[name].half().float())
    last = state["learner"]["average"]
    assert not torch.equal(kept["head.weight"], last["head.weight"])


def test_other_held_out_objects_begin_scores_anew(settings, folder):
    lines = []
    train(settings(steps=1), silent)
    made = settings(steps=2, validate=folder)
    train(made, lines.append)
    assert any("begin anew" in line for line in lines)
    figures = rows(made.out / "validation.csv")
    assert [row["step"] for row in figures] == ["1", "2"]
    assert "score nuclei" in figures[0]


def test_minutes_count_all_the_time_of_a_run(settings):
    made = settings(steps=None, minutes=1e-4)
    assert train(made, silent).steps == 0  # gone while it was validated
    assert len(rows(made.out / "validation.csv")) == 1


def test_dense_losses_fade_out_before_the_end(settings, monkeypatch):
    shares = []

    def learn(self, batch, rate, dense_share):
        shares.append(dense_share)
        return 1.0

    monkeypatch.setattr(Learner, "learn", learn)
    train(settings(dense=0.4, steps=5), silent)
    np.testing.assert_allclose(shares, [0.4, 0.3, 0.2, 0.1, 0], atol=1e-9)


def test_rendered_images_join_when_asked_for(settings):
    outcome = train(settings(steps=1, synthetic=0.9, crops=2), silent)
    assert outcome.steps == 1


def test_sets_are_drawn_by_the_shares_that_were_asked_for(
    settings, folder, monkeypatch
):
    drawn = {}

    def remember(self, sets, shares, recipe, first):
        drawn.update(shares)
        made(self, sets, shares, recipe, first)

    made = Batches.__init__
    monkeypatch.setattr(Batches, "__init__", remember)
    asked = {"shares": {"cells": 0.1}, "synthetic": 0.3}
    train(settings(data=folder, steps=1, **asked), silent)
    assert drawn.pop("cells") == 0.1
    assert drawn.pop("nuclei") == pytest.approx(0.6)  # what nobody asked for
    assert sum(drawn.values()) == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ({"cell": 0.1}, "no set 'cell' with objects.*there are: cells, nuclei"),
        ({"cells": 0.6, "nuclei": 0.6}, "add up to 1.2"),
    ],
)
def test_shares_that_cannot_be_had_are_refused(settings, folder, shares, said):
    with pytest.raises(SegNextError, match=said):
        train(settings(data=folder, shares=shares), silent)


def test_shares_are_given_as_pairs(settings, folder, capsys):
    assert command(settings(data=folder, steps=1), "--share", "nuclei=0.25") == 0
    with pytest.raises(SystemExit):
        command(settings(), "--share", "nuclei")
    assert "'nuclei' is no SET=SHARE" in capsys.readouterr().err


def test_bfloat16_takes_nearly_the_same_steps_and_goes_on_after_a_stop(settings):
    # few steps: where the processor has no instructions for it, they take long
    single = settings("single", dense=0.4, steps=2)
    half, stopped = (
        settings(name, dense=0.4, steps=2, bfloat16=True)
        for name in ("half", "stopped")
    )
    train(single, silent)
    train(half, silent)
    train(stopped, stop_at(1))
    train(stopped, silent)
    assert_same_run(half.out, stopped.out)
    exact, rough = last_weights(single.out), last_weights(half.out)
    assert not all(torch.equal(rough[name], exact[name]) for name in exact)
    for name, value in exact.items():
        assert rough[name].dtype == value.dtype
        assert torch.allclose(rough[name], value, atol=0.02), name


def test_held_out_objects_too_thin_to_be_seen_are_not_validated_on(settings, tmp_path):
    labels = np.zeros((80, 100), np.uint8)
    labels[40, 10:90] = 1  # one pixel wide: reduced to the network's input it is gone
    for name in "abcd":
        write_pair(tmp_path / "thin", name, noisy(labels).astype(np.uint8), labels)
    lines = []
    made = settings(data=tmp_path / "thin", steps=1)
    assert train(made, lines.append).steps == 1
    assert any("nothing is validated" in line for line in lines)
    assert weights(made.out)
    assert not (made.out / "validation.csv").exists()


@pytest.mark.parametrize("part", [Learner.learn, Validation.score])
def test_full_memory_is_one_sentence(settings, monkeypatch, part):
    def fill(*_):
        torch.empty(10**15)

    of = {Learner.learn: Learner, Validation.score: Validation}[part]
    monkeypatch.setattr(of, part.__name__, fill)
    with pytest.raises(SegNextError, match="fewer --crops"):
        train(settings(), silent)


def command(settings, *more):
    arguments = ["train", "--data", settings.data, "--out", settings.out]
    arguments += ["--init", settings.init, "--steps", settings.steps]
    arguments += ["--device", "cpu", "--crops", 1, "--objects", 2, "--loaders", 0]
    return main([str(argument) for argument in (*arguments, *more)])


def test_one_image_fine_tunes_the_embedded_model(folder, tmp_path, capsys):
    made = Settings(folder / "cells", tmp_path / "out", steps=1)
    assert command(made) == 0
    said = capsys.readouterr().out
    assert "Nothing is held out" in said
    assert "load_model reads it" in said
    tuned = ns.load_model(made.out / "segnext-lite.safetensors")
    embedded = ns.load_model("segnext-lite")
    assert (tuned.style, tuned.config) == (embedded.style, embedded.config)
    old, new = embedded.network.state_dict(), tuned.network.state_dict()
    assert not torch.equal(new["head.weight"], old["head.weight"])
    assert torch.allclose(new["head.weight"], old["head.weight"], atol=0.01)
    assert not (made.out / "validation.csv").exists()


def test_ctrl_c_is_one_sentence(settings, capsys, monkeypatch):
    write = Batches.__iter__

    def interrupted(batches):
        for number, batch in enumerate(write(batches)):
            if number == 1:
                signal.raise_signal(signal.SIGINT)
            yield batch

    monkeypatch.setattr(Batches, "__iter__", interrupted)
    assert command(settings()) == 128 + signal.SIGINT
    assert "the same command goes on" in capsys.readouterr().err


def truncated(out):
    content = (out / "checkpoint.pt").read_bytes()
    (out / "checkpoint.pt").write_bytes(content[: len(content) // 2])


def no_checkpoint_at_all(out):
    (out / "checkpoint.pt").write_bytes(b"hello")


def of_another_program(out):
    torch.save({"state_dict": {}, "epoch": 3}, out / "checkpoint.pt")


def a_folder_in_the_way(out):
    (out / "checkpoint.pt.partial").mkdir()


@pytest.mark.parametrize(
    ("spoil", "more", "said"),
    [
        (truncated, (), "is damaged"),
        (no_checkpoint_at_all, (), "is damaged"),
        (of_another_program, (), "is no checkpoint of this"),
        (silent, ("--seed", 5), "another --seed"),
        (silent, ("--init", "segnext-lite"), "another network and --init"),
        (a_folder_in_the_way, ("--steps", 2), "cannot be written"),
    ],
)
def test_a_bad_folder_is_one_sentence(settings, folder, capsys, spoil, more, said):
    made = settings(steps=1, data=folder / "cells")
    assert command(made) == 0
    spoil(made.out)
    capsys.readouterr()
    assert command(made, *more) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert said in error
    assert "Traceback" not in error


def test_a_file_instead_of_the_folder_is_one_sentence(settings, tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(CheckpointError, match="choose another --out"):
        train(settings(), silent)


def test_a_rate_that_destroys_the_network_is_one_sentence(settings, folder):
    made = settings(data=folder / "cells", learning_rate=1e30)
    with pytest.raises(SegNextError, match="smaller --learning-rate"):
        train(made, silent)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"steps": None}, "--minutes or --steps"),
        ({"steps": 0}, "steps is 0"),
        ({"minutes": -1.0}, "minutes is -1"),
        ({"crops": 0}, "crops is 0"),
        ({"validate_minutes": 0.0}, "validate_minutes"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"synthetic": 1.0}, "synthetic is 1"),
        ({"dense": -0.1}, "dense is -0.1"),
        ({"shares": {"cells": 0.0}}, "share of cells is 0"),
        ({"loaders": -1}, "loaders"),
        ({"seed": -1}, "seed"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, changes, said):
    with pytest.raises(SegNextError, match=said):
        settings(**changes)
