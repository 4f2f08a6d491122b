"""Preparation of frames for sinks, and the choice of a sink."""

from __future__ import annotations

import numpy as np
import pytest

from utils.display.camera import open_sink, prepare_frame
from utils.display.video import Video
from utils.display.window import Window


def test_a_large_even_frame_is_unchanged():
    frame = np.random.Generator(np.random.PCG64(0)).integers(0, 256, (240, 400, 3), np.uint8)
    np.testing.assert_array_equal(prepare_frame(frame), frame)


def test_small_frames_are_enlarged_pixel_by_pixel():
    """Each of 10 by 12 pixels becomes 24 by 24 pixels."""
    frame = np.arange(360).reshape(10, 12, 3).astype(np.uint8)
    large = prepare_frame(frame)
    assert large.shape == (240, 288, 3)
    for row, column in ((0, 0), (9, 11), (3, 7)):
        block = large[24 * row : 24 * (row + 1), 24 * column : 24 * (column + 1)]
        assert (block == frame[row, column]).all()


def test_odd_sides_repeat_their_last_pixels():
    frame = np.random.Generator(np.random.PCG64(0)).integers(0, 256, (301, 333, 3), np.uint8)
    even = prepare_frame(frame)
    assert even.shape == (302, 334, 3)
    np.testing.assert_array_equal(even[:301, :333], frame)
    np.testing.assert_array_equal(even[301, :333], frame[300])
    np.testing.assert_array_equal(even[:301, 333], frame[:, 332])


@pytest.mark.parametrize(
    ("frame", "found"),
    [
        (None, "NoneType"),
        ([np.zeros((4, 4, 3), np.uint8)], "list"),
        (np.zeros((4, 4, 3)), r"float64\[4, 4, 3\]"),
        (np.zeros((4, 4), np.uint8), r"uint8\[4, 4\]"),
        (np.zeros((4, 4, 4), np.uint8), r"uint8\[4, 4, 4\]"),
    ],
)
def test_an_invalid_frame_is_refused(frame, found):
    with pytest.raises(ValueError, match=f"found a frame {found}; allowed: uint8"):
        prepare_frame(frame)


FRAME = np.zeros((240, 320, 3), np.uint8)


def test_a_window_is_opened_if_there_is_a_display(tmp_path, monkeypatch):
    monkeypatch.setenv("DISPLAY", ":dummy")
    monkeypatch.setenv("SDL_VIDEODRIVER", "offscreen")
    sink = open_sink(FRAME, "title", 30.0, tmp_path / "a.mp4", 7)
    assert isinstance(sink, Window)
    sink.close()
    assert list(tmp_path.iterdir()) == []


def test_without_a_display_a_video_is_recorded_and_the_reason_logged(tmp_path, monkeypatch, caplog):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    with caplog.at_level("INFO"):
        sink = open_sink(FRAME, "title", 30.0, tmp_path / "a.mp4", 7)
    assert isinstance(sink, Video)
    assert caplog.messages == [
        f"no window: neither DISPLAY nor WAYLAND_DISPLAY is set; recording {tmp_path / 'a.mp4'}, at most 7 frames"
    ]
    sink.show(FRAME)
    sink.close()
