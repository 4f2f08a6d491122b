"""Videos: complete under their name or absent, and frames read back equal frames shown."""

from __future__ import annotations

import os
import sys

import imageio
import numpy as np
import pytest

from utils.display import video
from utils.display.video import Video


def grey(level: int) -> np.ndarray:
    """Return a frame (240, 320, 3) of one brightness."""
    return np.full((240, 320, 3), level, np.uint8)


def test_frames_shown_are_read_back(tmp_path):
    path = tmp_path / "a.mp4"
    sink = Video(path, 25.0, grey(0))
    levels = list(range(0, 250, 25))
    for level in levels:
        assert sink.show(grey(level)) is None
    sink.close()
    with imageio.get_reader(path, format="FFMPEG") as reader:
        assert reader.get_meta_data()["fps"] == 25.0
        frames = [np.asarray(frame) for frame in reader]
    assert [frame.shape for frame in frames] == [(240, 320, 3)] * 10
    np.testing.assert_allclose([frame.mean() for frame in frames], levels, atol=3.0)


def test_it_appears_complete_under_its_name(tmp_path, caplog):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"old")
    sink = Video(path, 25.0, grey(0))
    sink.show(grey(0))
    (unfinished,) = (p.name for p in tmp_path.iterdir() if p != path)
    assert unfinished.startswith(".")
    assert not unfinished.endswith((".mp4", ".json", ".npz"))
    assert path.read_bytes() == b"old"
    with caplog.at_level("INFO"):
        sink.close()
    assert caplog.messages == [f"1 frames: {path}"]
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() != b"old"


def test_it_ends_at_its_maximum_number_of_frames(tmp_path):
    sink = Video(tmp_path / "a.mp4", 25.0, grey(0), max_frames=3)
    assert [sink.show(grey(0)) for _ in range(3)] == [None, None, "the video has its 3 frames"]
    sink.close()
    assert imageio.get_reader(tmp_path / "a.mp4", format="FFMPEG").count_frames() == 3


def test_an_incomplete_video_is_removed(tmp_path, monkeypatch):
    sink = Video(tmp_path / "a.mp4", 25.0, grey(0))
    sink.show(grey(0))
    monkeypatch.setattr(video, "_count_frames", lambda path: 0)
    with pytest.raises(OSError, match=r"a\.mp4: cannot be written: 0 of 1 frames were written"):
        sink.close()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_a_video_has_no_frames(tmp_path):
    (tmp_path / "a").write_bytes(b"text")
    assert video._count_frames(tmp_path / "a") == 0


def test_a_missing_folder(tmp_path):
    with pytest.raises(OSError, match=r"nowhere/a\.mp4: cannot be written: No such file"):
        Video(tmp_path / "nowhere" / "a.mp4", 25.0, grey(0))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
@pytest.mark.parametrize("frames", [1, 300], ids=["at the end", "before the end"])
def test_a_full_disk_error_names_the_video(frames, tmp_path):
    path, rng = tmp_path / "a.mp4", np.random.Generator(np.random.PCG64(0))
    (tmp_path / f".a.mp4.{os.getpid()}.tmp").symlink_to("/dev/full")
    sink = Video(path, 25.0, grey(0))

    def record():
        for _ in range(frames):
            sink.show(rng.integers(0, 256, (240, 320, 3), np.uint8))
        sink.close()

    with pytest.raises(OSError, match=r"a\.mp4: (cannot be written|the encoder ended early)"):
        record()
    with pytest.raises(OSError, match=r"a\.mp4: cannot be written"):
        sink.close()
    assert list(tmp_path.iterdir()) == []


def no_encoder() -> str:
    raise RuntimeError("No ffmpeg exe could be found.")


@pytest.mark.parametrize(
    ("remove", "message"),
    [
        (lambda patch: patch.setitem(sys.modules, "imageio_ffmpeg", None), "imageio_ffmpeg"),
        (lambda patch: patch.setattr("imageio_ffmpeg.get_ffmpeg_exe", no_encoder), "No ffmpeg exe could be found"),
    ],
    ids=["package", "encoder"],
)
def test_without_an_encoder_the_error_names_the_package(remove, message, tmp_path, monkeypatch):
    remove(monkeypatch)
    with pytest.raises(OSError, match=rf"a\.mp4: a video needs imageio-ffmpeg with its encoder: .*{message}"):
        Video(tmp_path / "a.mp4", 25.0, grey(0))
    assert list(tmp_path.iterdir()) == []
