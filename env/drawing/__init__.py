"""Pictures of environments. Training draws none unless it is monitored.

1. `render` prepares a process for rendering, with or without a display.
2. `canvas` draws our own environments; gymnasium's environments bring pygame or MuJoCo's renderer.
"""
