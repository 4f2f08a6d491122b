"""From results to the experiment trackers that people already use.

exported_run has what every tool gets of a run: its series, its hyperparameters, its group.  unfinished reads runs
without a result from their checkpoints.  to_csv, to_tensorboard, to_trackio and to_wandb write runs, each by one tool's
own library; tool has what they share.  ledger records what an output has, so that nothing is exported twice.  export
puts them together.
"""
