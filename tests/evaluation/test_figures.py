"""Figures of sets, against figures worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_segnext.evaluation.benchmark import BaselineScores, ItemScores, Settings
from napari_segnext.evaluation.figures import (
    MEAN,
    baseline_figures,
    by_set,
    click_figures,
    falls,
    figures_of,
    prompt_figures,
    transfer_figures,
)
from napari_segnext.evaluation.items import Item
from napari_segnext.evaluation.scoring import ObjectScores, StopRule, TransferScores
from napari_segnext.evaluation.tables import Table, baselines_by_set, make_tables

RULE = StopRule(max_clicks=4)
CURVES = ((0.5, 0.82, 0.79, 0.86), (0.96,), (0.7, 0.9, 0.885, 0.95))


def scored(curves, view="plane"):
    return [
        ObjectScores(view, label, 50, curve, tuple(np.array(curve) / 2))
        for label, curve in enumerate(curves, start=1)
    ]


def item(set_name, group=None, **scores):
    where = Item(set_name, group or set_name, "a", Path("a"), Path("b"))
    return ItemScores(where, **scores)


def test_figures_of_clicks():
    figures = click_figures(scored(CURVES), RULE)
    assert figures["objects"] == 3
    assert figures["iou_1"] == pytest.approx((0.5 + 0.96 + 0.7) / 3)
    assert figures["iou_2"] == pytest.approx((0.82 + 0.96 + 0.9) / 3)
    assert figures["iou_3"] == pytest.approx((0.79 + 0.96 + 0.885) / 3)
    assert "iou_5" not in figures
    assert figures["noc_0.80"] == pytest.approx((2 + 1 + 2) / 3)
    assert figures["noc_0.85"] == pytest.approx((4 + 1 + 2) / 3)
    assert figures["noc_0.90"] == pytest.approx((4 + 1 + 2) / 3)
    assert figures["nof_0.80"] == 0
    assert figures["nof_0.85"] == pytest.approx(1 / 3)  # at the last click: a failure
    assert figures["boundary_iou_1"] == pytest.approx((0.5 + 0.96 + 0.7) / 6)


def test_only_falls_of_more_than_two_hundredths_hurt():
    figures = click_figures(scored(CURVES), RULE)
    # six clicks were added; 0.82 -> 0.79 hurts, 0.9 -> 0.885 does not
    assert figures["hurting_clicks"] == pytest.approx(1 / 6)
    assert figures["hurt_objects"] == pytest.approx(1 / 3)
    assert falls([0.9, 0.5, 0.8, 0.7, 0.69]) == 2
    assert falls([0.9]) == 0


def test_objects_done_with_one_click_were_not_helped_so_not_hurt():
    figures = click_figures(scored([(0.96,), (0.97,)]), RULE)
    assert np.isnan(figures["hurting_clicks"])
    assert figures["hurt_objects"] == 0


def test_what_the_rule_cuts_short_is_not_told():
    figures = click_figures(scored([(0.83,)]), StopRule(max_clicks=4, target_iou=0.83))
    assert figures["noc_0.80"] == 1
    assert np.isnan(figures["noc_0.85"])
    assert np.isnan(figures["nof_0.90"])


def test_figures_of_first_prompts_leave_out_what_could_not_be_drawn():
    objects = [
        ObjectScores("plane", 1, 50, (0.5,), (), {"click": 0.5, "box": 0.8}, 0.6),
        ObjectScores("plane", 2, 50, (0.7,), (), {"click": 0.7}, 0.8),
    ]
    figures = prompt_figures(objects)
    assert figures["prompt_click"] == pytest.approx(0.6)
    assert figures["prompt_box"] == 0.8
    assert np.isnan(figures["prompt_scribble"])
    assert figures["rough_mask"] == pytest.approx(0.7)


def test_figures_of_transfer():
    transfers = [
        TransferScores(1, 50, 0.9, 0.8, 0.95),
        TransferScores(2, 50, 0.7, 0.7, 0.85),
    ]
    figures = transfer_figures(transfers)
    assert figures == {
        "pairs": 2,
        "transfer": pytest.approx(0.8),
        "copied": pytest.approx(0.75),
        "carried": pytest.approx(0.9),
    }


def test_the_stacks_of_a_folder_count_once_in_the_mean():
    results = [
        item("cells", objects=scored([(0.9,)])),
        item("one", "stacks", objects=scored([(0.5,), (0.5,), (0.5,)])),
        item("two", "stacks", objects=scored([(0.1,)])),
    ]
    columns = by_set(results)
    names = ["cells", "stacks/one", "stacks/two", "stacks"]
    assert [column.name for column in columns] == names
    found = figures_of(
        columns,
        lambda items: click_figures([x for it in items for x in it.objects], RULE),
    )
    ious = {name: figures["iou_1"] for name, figures in found.items()}
    assert ious["stacks"] == pytest.approx(0.4)
    assert ious[MEAN] == pytest.approx((0.9 + 0.4) / 2)
    assert found[MEAN]["objects"] == 5


def test_one_set_has_no_mean_of_sets():
    columns = by_set([item("only", "stacks", objects=scored([(0.9,)]))])
    found = figures_of(columns, lambda items: {"images": len(items)})
    assert found == {"only": {"images": 1}}


def test_baselines_are_compared_in_clicks():
    curves = {"model": [(0.9,), (0.5, 0.9)], "slow": [(0.5,) * 4, (0.5, 0.6, 0.9)]}
    figures = baseline_figures(curves, RULE)
    assert figures["model"]["noc_0.85"] == 1.5
    assert figures["slow"]["noc_0.85"] == 3.5
    assert figures["slow"]["clicks_ratio"] == pytest.approx(3.5 / 1.5)
    assert figures["slow"]["iou_3"] == pytest.approx(0.7)
    assert np.isnan(figures["slow"]["iou_5"])  # nobody clicked five times


def test_clicks_of_baselines_are_unknown_where_the_rule_cuts_them_short():
    curves = {"model": [(0.81,)], "slow": [(0.5, 0.83)]}
    figures = baseline_figures(curves, StopRule(max_clicks=4, target_iou=0.8))
    assert np.isnan(figures["model"]["noc_0.85"])
    assert np.isnan(figures["slow"]["clicks_ratio"])
    assert figures["slow"]["iou_1"] == 0.5


def baseline_results():
    def one(name, slow):
        return item(
            name,
            objects=scored([(0.5, 0.9)]),
            baselines=[
                BaselineScores(1, "model", (0.5, 0.9)),
                BaselineScores(1, "watershed", (*(0.5,) * (slow - 1), 0.9)),
            ],
        )

    return [one("cells", 2), one("rods", 4)]


def test_the_ratio_of_clicks_is_averaged_over_sets():
    found = baselines_by_set(baseline_results(), Settings(RULE, baselines=1))
    ratios = {name: of["watershed"]["clicks_ratio"] for name, of in found.items()}
    assert ratios == {"cells": 1, "rods": 2, MEAN: 1.5}
    assert found["rods"]["model, whole planes"]["noc_0.85"] == 2


def test_tables_have_what_was_measured_and_nothing_else():
    titles = [
        table.title
        for table in make_tables(baseline_results(), Settings(RULE, views=("plane",)))
    ]
    assert [title.split(",")[0] for title in titles] == [
        "Clicks on whole planes",
        "IoU after one prompt on whole planes",
        "Beside classical tools",
    ]


def test_a_table_is_text_and_markdown():
    table = Table("Title", ("", "a", "bb"), (("one", "1", "2"), ("three", "30", "4")))
    assert table.text.splitlines() == [
        "Title",
        "-----",
        "        a  bb",
        "one     1   2",
        "three  30   4",
    ]
    assert table.markdown.splitlines()[2:] == [
        "|  | a | bb |",
        "| --- | ---: | ---: |",
        "| one | 1 | 2 |",
        "| three | 30 | 4 |",
    ]
