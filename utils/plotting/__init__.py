"""From combined results to figures, each with a sidecar of the runs and numbers behind it.

figures reads the results and selects the kind of figure.  curves, distribution, heat_map, profile and sensitivity are
the kinds: each has `make_plot(experiments, options) -> Plot`.  grid_caption describes a whole grid in a caption.
sidecar writes a figure and its sidecar, and checks whether they are current.  comparison_run trains, draws and
tabulates a comparison of agents.  The style of all figures is in `utils.plot_utils`.
"""
