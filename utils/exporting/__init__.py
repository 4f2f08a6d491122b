"""From results to the experiment trackers that people already use.

exported_run has what every tool gets of a run: its series, its hyperparameters, its group.  read_runs reads runs that
have a result; unfinished reads the others from their progress files and checkpoints.  to_csv, to_tensorboard,
to_trackio and to_wandb write runs, each by one tool's own library; tool has what they share, catalogue their names.
ledger records what an output has, so that nothing is exported twice.  export puts them together.
"""
