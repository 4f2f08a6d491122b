"""Packages and scripts of the harness.

The packages form layers, from `core`, `stats` and `display` at the bottom to `wiring` and `benchmarking` at the top;
only these two import `agent` or `env`. The modules next to the packages are scripts, which no module imports.
"""
