"""Worker processes that run tasks.

1. `pool` starts the processes, gives each a task whenever it is idle, and yields the outcomes.
2. `worker` runs inside each process: it receives tasks and sends log records, steps and outcomes back.
"""
