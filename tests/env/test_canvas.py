"""The canvas: areas of shapes, exact edges, blending."""

from __future__ import annotations

import math

import numpy as np
import pytest

from env.drawing.canvas import BLACK, RED, WHITE, Canvas, coverage

SQUARE = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]


def test_a_rectangle_on_pixel_edges_is_exact():
    canvas = Canvas(0.0, 4.0, 0.0, 2.0, width=4)
    canvas.rectangle((1.0, 3.0), (1.0, 2.0), RED)
    image = canvas.image()
    assert (image.shape, image.dtype) == ((2, 4, 3), np.uint8)
    np.testing.assert_array_equal(image[0], [WHITE, RED, RED, WHITE])
    np.testing.assert_array_equal(image[1], [WHITE] * 4)


def test_a_pixel_covered_in_part_is_blended():
    """A quarter of the pixel's width, half of its height."""
    canvas = Canvas(0.0, 1.0, 0.0, 1.0, width=1)
    canvas.rectangle((0.5, 0.75), (0.25, 0.75), BLACK)
    np.testing.assert_array_equal(canvas.image(), np.rint([[[255 * 7 / 8] * 3]]))


@pytest.mark.parametrize("reverse", [False, True])
def test_a_triangles_area_pixel_by_pixel(reverse):
    """The lower left half of a 2 by 2 square, in either order of its corners."""
    corners = np.array([(0.0, 0.0), (2.0, 2.0), (0.0, 2.0)][:: -1 if reverse else 1])
    np.testing.assert_allclose(coverage(corners, 2, 2), [[0.5, 0.0], [1.0, 0.5]], atol=1e-6)


def test_a_polygon_may_be_concave():
    """A U: two posts on a base."""
    corners = np.array([(0, 0), (1, 0), (1, 2), (2, 2), (2, 0), (3, 0), (3, 3), (0, 3)], float)
    np.testing.assert_allclose(coverage(corners, 3, 3), [[1, 0, 1], [1, 0, 1], [1, 1, 1]], atol=1e-6)


def blackness(canvas: Canvas) -> float:
    """The black area in pixels."""
    return (1.0 - canvas.image()[..., 0] / 255.0).sum()


def test_a_circle_and_a_line_have_their_areas():
    canvas = Canvas(-1.0, 1.0, -1.0, 1.0, width=200)
    canvas.circle((0.1, -0.2), 0.5, BLACK)
    assert blackness(canvas) == pytest.approx(math.pi * 50**2, rel=0.005)
    canvas = Canvas(-1.0, 1.0, -1.0, 1.0, width=200)
    canvas.line((-0.3, -0.4), (0.3, 0.4), 0.2, BLACK)
    assert blackness(canvas) == pytest.approx(100 * 20 + math.pi * 10**2, rel=0.005)


@pytest.mark.parametrize("shift", [(2.0, 0.0), (-2.0, 0.0), (0.0, 2.0), (0.0, -2.0)])
def test_what_is_outside_leaves_no_trace(shift):
    canvas = Canvas(0.0, 1.0, 0.0, 1.0, width=10)
    canvas.polygon(np.array(SQUARE) + shift, BLACK)
    assert (canvas.image() == 255).all()


@pytest.mark.parametrize(
    ("shift", "half"),
    [((0.5, 0.0), np.s_[:, 5:]), ((-0.5, 0.0), np.s_[:, :5]), ((0.0, 0.5), np.s_[:5]), ((0.0, -0.5), np.s_[5:])],
)
def test_a_shape_is_cut_at_the_edges(shift, half):
    canvas = Canvas(0.0, 1.0, 0.0, 1.0, width=10)
    canvas.polygon(np.array(SQUARE) + shift, BLACK)
    expected = np.full((10, 10, 3), 255)
    expected[half] = 0
    np.testing.assert_array_equal(canvas.image(), expected)


def test_a_copy_is_drawn_on_separately():
    canvas = Canvas(0.0, 1.0, 0.0, 1.0, width=10)
    canvas.copy().polygon(SQUARE, BLACK)
    assert (canvas.image() == 255).all()
