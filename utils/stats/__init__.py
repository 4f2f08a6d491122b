"""Statistics: arrays in, numbers out.

1. `curves` turns one run's episodes and evaluations into curves and scores.
2. `intervals` bounds means and single runs; `sample_warnings` says where that holds less than promised.
3. `settings` ranks the settings of a grid, with `shrinkage`; `selection` bounds the mean of the best of them.
4. `looks` and `sequential` say when enough runs have been added, with `arrangements` of the runs between agents.
5. `pairs` compares two sets of runs, `multiplicity` corrects several comparisons, and `environments` compares across
   environments.
"""
