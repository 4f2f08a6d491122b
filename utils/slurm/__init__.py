"""Sweeps on SLURM.

A cluster's JSON file gives resources and limits (`cluster`), to which SLURM adds its own (`slurm_state`, `job_limits`,
`accounting`). A `request` names runs; those without a result and not in the queue are missing (`missing_runs`), except
those that main.py would copy (`equal_runs`). Their cost is estimated or measured (`run_cost`, `pilot`); from the stacks
that they form (`task_time`) they are divided into tasks (`task_plan`, `sweep_plan`, `plan_report`). A submission's
folder and script are written (`submission_folder`, `job_script`) and its arrays submitted (`submit`, `commands`).
`sweep_status` reports progress.
"""
