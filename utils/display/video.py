"""An .mp4 file that frames are written to. imageio-ffmpeg, which brings its encoder, is imported when one is begun."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

MAX_VIDEO_FRAMES = 1000
"""Of a run's video. Drawn in software a MuJoCo frame takes up to 0.25 s, by which training is delayed."""

log = logging.getLogger("policy_params")


class Video:
    """Frames as an .mp4, which stands under its name once it is whole."""

    def __init__(self, path: Path, fps: float, frame: np.ndarray, most: int | None = None) -> None:
        """frame: of the size (H, W, 3) of all that will be shown, H and W even.  most: frames at most.

        Raises OSError if the file cannot be written, or nothing is installed that writes one.
        """
        encoder = _encoder(path)
        self.path, self.frames, self._most = path, 0, most
        self._temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            self._temporary.touch()
        except OSError as error:
            raise OSError(f"{path}: cannot be written: {error.strerror}") from error
        self._writer = encoder.write_frames(
            self._temporary, (frame.shape[1], frame.shape[0]), fps=fps, codec="libx264", macro_block_size=2,
            ffmpeg_log_level="fatal", output_params=["-threads", "1", "-f", "mp4"],
        )  # fmt: skip
        self._writer.send(None)

    def show(self, frame: np.ndarray) -> str | None:
        """Add frame (H, W, 3) uint8. Returns why no further one is wanted, or None.  Raises OSError."""
        try:
            self._writer.send(frame.tobytes())
        except OSError as error:
            raise OSError(f"{self.path}: the encoder ended early: {str(error).splitlines()[0]}") from error
        self.frames += 1
        return f"the video has its {self._most} frames" if self.frames == self._most else None

    def close(self) -> None:
        """Complete the file and give it its name.  Raises OSError, leaving nothing, if not all of it was written."""
        self._writer.close()
        try:
            written = _count_frames(self._temporary)
            if written != self.frames:
                raise OSError(f"{self.path}: cannot be written: {written} of {self.frames} frames are there")
            os.replace(self._temporary, self.path)
        finally:
            self._temporary.unlink(missing_ok=True)
        log.info("%d frames: %s", self.frames, self.path)


def _encoder(path: Path) -> Any:
    """imageio_ffmpeg.  Raises OSError where it, or an encoder that it knows of, is not installed."""
    try:
        import imageio_ffmpeg

        imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError) as error:
        raise OSError(f"{path}: a video needs imageio-ffmpeg with its encoder: {error}") from error
    return imageio_ffmpeg


def _count_frames(path: Path) -> int:
    """Frames that can be read back; 0 of what is no video."""
    import imageio_ffmpeg

    try:
        frames, _ = imageio_ffmpeg.count_frames_and_secs(path)
    except RuntimeError:
        return 0
    return frames
