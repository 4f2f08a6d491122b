"""The package that connects the others; besides it, only benchmarking imports `agent` and `env`.

Names in configuration files become an experiment, environments, an agent and a stack (`build`). Runs are trained and
results verified (`run`), sweeps submitted to SLURM (`scheduling`), and the agent of a result rebuilt to be watched
(`rebuild`). The scripts import this package inside functions, so that `--help` loads neither torch nor gymnasium.
"""
