"""From runs to results.

Runs are divided into stacks (`stack_sizes`), which processes train (`sweep`, `progress`). A process claims the runs of
a stack and loads their checkpoints (`run_claims`, `session`, `resume`), builds agent and environments through
callbacks (`stack_trainer`) and runs the loop (`loop`, `evaluation`, `stack`), which fills a record for each run
(`run_record`). A run that ends gets a result or a failure file (`result_data`, `failure_files`). `verify` repeats runs.
"""
