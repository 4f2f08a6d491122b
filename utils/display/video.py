"""Recording of frames as an .mp4 file. imageio-ffmpeg, which includes an encoder, is imported on first use."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

MAX_VIDEO_FRAMES = 1000
"""Maximum number of frames in a training run's video.

Rendering a MuJoCo frame in software delays training by up to 0.25 s.
"""

log = logging.getLogger("policy_params")


class Video:
    """An .mp4 file, which appears under its name when it is complete."""

    def __init__(self, path: Path, fps: float, frame: np.ndarray, max_frames: int | None = None) -> None:
        """Start the encoder.

        frame: any frame (H, W, 3), H and W even; all frames have its size.  max_frames: None for no limit.
        Raises OSError if the file cannot be written or no encoder is installed.
        """
        encoder = _import_encoder(path)
        self.path, self.frames, self._max_frames = path, 0, max_frames
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
        """Append a frame (H, W, 3) uint8. Returns why no further frame is wanted, or None.  Raises OSError."""
        try:
            self._writer.send(frame.tobytes())
        except OSError as error:
            raise OSError(f"{self.path}: the encoder ended early: {str(error).splitlines()[0]}") from error
        self.frames += 1
        return f"the video has its {self._max_frames} frames" if self.frames == self._max_frames else None

    def close(self) -> None:
        """Finish the file and rename it to its path.  Raises OSError, leaving no file, if frames are missing."""
        self._writer.close()
        try:
            written = _count_frames(self._temporary)
            if written != self.frames:
                raise OSError(f"{self.path}: cannot be written: {written} of {self.frames} frames were written")
            os.replace(self._temporary, self.path)
        finally:
            self._temporary.unlink(missing_ok=True)
        log.info("%d frames: %s", self.frames, self.path)


def _import_encoder(path: Path) -> Any:
    """Return the module imageio_ffmpeg.  Raises OSError if it or its encoder is not installed."""
    try:
        import imageio_ffmpeg

        imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError) as error:
        raise OSError(f"{path}: a video needs imageio-ffmpeg with its encoder: {error}") from error
    return imageio_ffmpeg


def _count_frames(path: Path) -> int:
    """Return the number of frames that can be read back; 0 if the file is not a video."""
    import imageio_ffmpeg

    try:
        frames, _ = imageio_ffmpeg.count_frames_and_secs(path)
    except RuntimeError:
        return 0
    return frames
