"""Image families rendered by code: what training may rely on, family by family."""

import pickle

import numpy as np
import pytest
from scipy import ndimage

from napari_segnext.training.synthetic import FAMILIES
from napari_segnext.training.synthetic_layouts import Rods, grown, mesh, pack
from napari_segnext.training.synthetic_optics import (
    blobs,
    blur,
    camera,
    defocus,
    phase_contrast,
    relief,
    smooth_noise,
)
from napari_segnext.training.synthetic_shapes import (
    Canvas,
    blob,
    curve,
    ellipse,
    interior_depth,
    stamp_disks,
    tube,
)

NAMES = [
    "rods_phase",
    "cocci_phase",
    "bacteria_fluorescence",
    "yeast_dic",
    "filaments",
    "vessels",
    "membranes",
    "vesicles",
    "spots",
    "adherent_phase",
    "tissue_he",
    "mitochondria_em",
]
LINES = {"filaments", "vessels"}  # others cross them, so they lie in pieces
SHAPE = (96, 120)
PLANES = 2


@pytest.fixture(scope="module")
def planes():
    """Name of the family -> some of its planes."""
    return {
        name: [render(np.random.default_rng([seed, 8])) for seed in range(PLANES)]
        for name, render in FAMILIES.items()
    }


def separation(inside, outside):
    """How well one threshold tells two samples apart: 0 not at all, 1 always."""
    levels = np.arange(256)
    below = (
        np.searchsorted(np.sort(sample), levels, "right") / len(sample)
        for sample in (inside, outside)
    )
    return np.abs(next(below) - next(below)).max()


def border_contrast(image, labels):
    """Mean over objects of what tells their rim from what lies just outside it.

    Either brightness does, in some channel, or the border is an edge: steeper than the
    object is (in relief both sides of it are equally bright on average).
    """
    grey = image.mean(axis=2)
    slope = ndimage.gaussian_gradient_magnitude(grey, 1.5)
    slope = 255 * slope / slope.max()
    found = []
    for index, box in enumerate(ndimage.find_objects(labels)[:40], start=1):
        near = tuple(slice(max(part.start - 4, 0), part.stop + 4) for part in box)
        own = labels[near] == index
        core = ndimage.binary_erosion(own, iterations=3)
        rim, around = own & ~core, ndimage.binary_dilation(own, iterations=3) & ~own
        if around.sum() < 20:
            continue
        pixels = image[near]
        best = max(separation(pixels[rim, c], pixels[around, c]) for c in range(3))
        if core.sum() > 20:
            best = max(best, separation(slope[near][rim], slope[near][core]))
        found.append(best)
    return np.mean(found)


def test_the_families_are_those_agreed_upon():
    assert list(FAMILIES) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_planes_have_the_shapes_and_types_of_annotated_planes(planes, name):
    for plane in planes[name]:
        height, width = plane.labels.shape
        assert 256 <= height <= 384
        assert 256 <= width <= 384
        assert plane.image.shape == (height, width, 3)
        assert plane.image.dtype == np.uint8
        assert plane.labels.dtype == np.int32
        assert plane.neighbours == []


@pytest.mark.parametrize("name", NAMES)
def test_labels_count_from_one_without_gaps_and_no_object_is_a_scrap(planes, name):
    for plane in planes[name]:
        areas = np.bincount(plane.labels.ravel())
        assert len(areas) > 1
        assert (areas[1:] >= 20).all()
        assert len(plane.instances()) == len(areas) - 1


@pytest.mark.parametrize("name", sorted(set(NAMES) - LINES))
def test_an_object_is_one_piece_or_nearly_so(planes, name):
    for plane in planes[name]:
        for index, box in enumerate(ndimage.find_objects(plane.labels), start=1):
            own = plane.labels[box] == index
            pieces, count = ndimage.label(own, np.ones((3, 3)))
            areas = np.bincount(pieces.ravel())[1:]
            assert count <= 2
            assert areas.min() >= 0.5 * areas.max()


@pytest.mark.parametrize("name", NAMES)
def test_labels_lie_where_the_image_shows_objects(planes, name):
    """Borders are visible; the same labels on the shifted image are not."""
    gains = []
    for plane in planes[name]:
        shift = tuple(side // 2 for side in plane.labels.shape)
        shifted = np.roll(plane.image, shift, axis=(0, 1))
        contrast = border_contrast(plane.image, plane.labels)
        gains.append(contrast - border_contrast(shifted, plane.labels))
        assert contrast > 0.15
    assert np.mean(gains) > 0.08


@pytest.mark.parametrize("name", NAMES)
def test_images_use_the_range_and_are_no_flat_grey(planes, name):
    for plane in planes[name]:
        low, high = np.percentile(plane.image, [0.1, 99.9])
        assert high - low > 100
        assert plane.image.std() > 3


@pytest.mark.parametrize("name", NAMES)
def test_the_same_state_gives_the_same_plane_and_another_seed_another(planes, name):
    first, other = planes[name][0], planes[name][1]
    again = FAMILIES[name](np.random.default_rng([0, 8]))
    np.testing.assert_array_equal(again.image, first.image)
    np.testing.assert_array_equal(again.labels, first.labels)
    assert first.labels.shape != other.labels.shape or (
        (first.labels != other.labels).any() and (first.image != other.image).any()
    )


def test_a_generator_goes_on_from_plane_to_plane():
    rng = np.random.default_rng(0)
    one, two = FAMILIES["spots"](rng), FAMILIES["spots"](rng)
    assert one.image.shape != two.image.shape or (one.image != two.image).any()


def test_families_can_be_sent_to_a_spawned_loader_process():
    sent = pickle.loads(pickle.dumps(dict(FAMILIES)))
    one, same = (
        families["vesicles"](np.random.default_rng(0)) for families in (FAMILIES, sent)
    )
    np.testing.assert_array_equal(one.labels, same.labels)


def test_a_later_shape_covers_an_earlier_one_and_scraps_are_dropped():
    canvas = Canvas.blank(SHAPE)
    canvas.put(ellipse(SHAPE, (50, 50), (20, 20), 0))
    canvas.put(ellipse(SHAPE, (50, 50), (2, 2), 0))  # 13 px: too small to be kept
    canvas.put(ellipse(SHAPE, (50, 80), (20, 20), 0))
    image = np.zeros((*SHAPE, 3), np.uint8)
    labels = canvas.annotate(image).labels
    assert labels.max() == 2
    assert labels[50, 68] == 2
    assert labels[50, 50] == 0
    assert labels[50, 35] == 1


@pytest.mark.parametrize("angle", [0.0, 0.7, 2.0])
def test_an_ellipse_has_its_area_and_its_depth_at_the_centre(angle):
    stamp = ellipse(SHAPE, (48.0, 60.0), (30, 12), angle)
    assert (stamp.inside > 0).sum() == pytest.approx(np.pi * 30 * 12, rel=0.02)
    assert stamp.inside.max() == pytest.approx(12, rel=0.05)


def test_shapes_outside_the_plane_are_none():
    assert ellipse(SHAPE, (-50, 10), (20, 20), 0) is None
    assert tube(SHAPE, np.array([[200.0, 10], [200, 90]]), 5) is None
    rng = np.random.default_rng(0)
    assert blob(rng, SHAPE, (300, 300), (9, 9), 0, 0.2) is None


def test_a_tube_is_a_capsule_and_knows_where_along_it_a_pixel_lies():
    stamp = tube(SHAPE, np.array([[48.0, 30], [48, 60], [48, 90]]), 6.4)
    expected = 12.8 * 60 + np.pi * 6.4**2
    assert (stamp.inside > 0).sum() == pytest.approx(expected, rel=0.03)
    row = 48 - stamp.rows.start
    along = stamp.along[row]
    assert along[60 - stamp.cols.start] == pytest.approx(0.5, abs=0.02)
    assert (np.diff(along) >= 0).all()


def test_stamped_disks_cover_exactly_what_is_near_the_line():
    points = np.stack([np.full(80, 40.3), np.linspace(20, 80, 80)], axis=1)
    radii = np.full(80, 5.0)
    mask = np.zeros(SHAPE, bool)
    mask[stamp_disks(SHAPE, points, radii)] = True
    rows, cols = np.indices(SHAPE)
    away = np.hypot(rows - 40.3, cols - np.clip(cols, 20, 80))
    assert mask[away < 4.8].all()
    assert not mask[away > 5.0].any()


def test_a_curve_keeps_its_step_and_its_length():
    line = curve(np.random.default_rng(0), (0, 0), 0.3, 100, bend=0.5, step=2)
    steps = np.hypot(*np.diff(line, axis=0).T)
    np.testing.assert_allclose(steps, 2, rtol=1e-6)
    assert len(line) == 51


def test_depth_ends_at_the_border_to_the_neighbour():
    labels = np.zeros(SHAPE, np.int32)
    labels[10:50, 10:40], labels[10:50, 40:70] = 1, 2
    depth = interior_depth(labels)
    assert depth[30, 39] == depth[30, 40] == 0
    assert depth[30, 25] == pytest.approx(15, abs=1)
    assert (depth[labels == 0] == 0).all()


def overlap(rods):
    """Summed overlap of capsules, by points along them."""
    steps = np.linspace(-1, 1, 9)[:, None, None]
    beads = rods.centres + steps * (rods.half[:, None] * rods.axes)  # 9 x N x 2
    gap = np.hypot(*(beads[:, None, :, None] - beads[None, :, None]).T).T
    nearest = gap.min(axis=(0, 1)) - rods.radius[:, None] - rods.radius
    return np.clip(-nearest[np.triu_indices(len(rods.half), 1)], 0, None).sum()


def test_packing_pushes_overlapping_rods_apart():
    rng = np.random.default_rng(0)
    rods = Rods(
        rng.normal(100, 15, (30, 2)),
        rng.uniform(0, np.pi, 30),
        rng.uniform(2, 10, 30),
        np.full(30, 4.0),
    )
    assert overlap(pack(rods, rounds=60)) < 0.1 * overlap(rods)


def test_a_colony_grows_to_its_size_with_neighbours_side_by_side():
    colony = grown(np.random.default_rng(3), 60, np.array([200, 200.0]), 5, 3)
    assert len(colony.half) >= 60
    assert overlap(colony) / len(colony.half) < 4  # px, of 10 px wide cells
    near = np.hypot(*(colony.centres[:, None] - colony.centres).T) < 14
    turn = np.abs(np.cos(colony.angles[:, None] - colony.angles))
    assert turn[near & ~np.eye(len(turn), dtype=bool)].mean() > 0.75  # random: 0.64


def test_every_pixel_of_a_mesh_belongs_to_a_cell():
    cells, border = mesh(np.random.default_rng(0), (256, 300), 40)
    assert cells.min() >= 1
    assert 20 < len(np.unique(cells)) < 60
    assert 0 < border.mean() < 0.3


def test_phase_contrast_makes_dense_bodies_dark_with_a_bright_halo():
    phase = np.zeros(SHAPE, np.float32)
    stamp = ellipse(SHAPE, (48, 60), (9, 9), 0)
    phase[stamp.where] = np.where(stamp.inside > 0, 0.5, 0)
    image = phase_contrast(blur(phase, 1), 6, 0.7)
    assert image[48, 60] < 0.8 * image[5, 5]
    assert image[48, 71] > 1.1 * image[5, 5]
    other = phase_contrast(blur(phase, 1), 6, 0.7, negative=True)
    assert other[48, 60] > 1.2 * other[5, 5]


def test_relief_is_bright_on_one_side_and_dark_on_the_other():
    phase = blobs(np.random.default_rng(0), SHAPE, 1, (12, 12))
    row, col = np.unravel_index(phase.argmax(), SHAPE)
    image = relief(phase, 2, 0.0, 1.2)
    left, right = image[row, max(col - 9, 0)], image[row, min(col + 9, SHAPE[1] - 1)]
    assert (left - 1) * (right - 1) < 0
    assert image[row, col] == pytest.approx(1, abs=0.05)


def test_defocus_rings_change_sides_with_the_sign_and_keep_the_light():
    phase = np.zeros(SHAPE, np.float32)
    stamp = ellipse(SHAPE, (48, 60), (15, 15), 0)
    phase[stamp.where] = np.sqrt(np.clip(stamp.inside / 15, 0, 1))
    above, below = (defocus(phase, 0 * phase, reach) for reach in (3.0, -3.0))
    assert (above[48, 60] - 1) * (below[48, 60] - 1) < 0
    assert above.mean() == pytest.approx(1, abs=0.05)
    flat = defocus(0 * phase, 0 * phase, 3.0)
    np.testing.assert_allclose(flat, 1, atol=1e-4)


def test_smooth_noise_has_unit_variance_and_the_scale_asked_for():
    rng = np.random.default_rng(0)
    for scale in (2, 8, 20):
        noise = smooth_noise(rng, (400, 400), scale)
        assert noise.dtype == np.float32
        assert noise.std() == pytest.approx(1, abs=0.15)
        step = np.diff(noise, axis=0).std()
        assert step == pytest.approx(1.1 / scale, rel=0.4)


@pytest.mark.parametrize("sigma", [2.0, 9.0])
def test_blur_keeps_a_constant_and_agrees_with_scipy(sigma):
    plane = np.zeros(SHAPE, np.float32)
    plane[40:60, 50:70] = 1
    expected = ndimage.gaussian_filter(plane, sigma)
    np.testing.assert_allclose(blur(plane, sigma), expected, atol=2e-3)
    np.testing.assert_allclose(blur(np.ones_like(plane), sigma), 1, rtol=1e-4)


def test_the_camera_adds_the_noise_asked_for():
    signal = np.tile(np.linspace(1, 5, 300, dtype=np.float32), (300, 1))
    image = camera(np.random.default_rng(1), signal, noise=0.05)
    assert image.min() >= 0
    assert image.max() <= 1
    smooth = ndimage.uniform_filter(image, 15)
    inner = (image - smooth)[20:-20, 20:-20] / (smooth.max() - smooth.min())
    assert 0.02 < inner.std() < 0.09
