"""Statistics: arrays in, numbers out.

1. `curves` turns one run's episodes and evaluations into curves and scores.
2. `intervals` bounds means and single runs; `settings` ranks the settings of a grid.
3. `pairs` compares two sets of runs; `environments` compares across environments.
"""
