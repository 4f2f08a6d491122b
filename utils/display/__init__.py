"""Display of frames, in a window or in a video file.

1. `camera` renders an environment and passes each frame to a sink.
2. The sink is `window`, whose process runs `window_process`, or `video` if no window can be opened.
"""
