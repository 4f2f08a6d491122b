"""Studies: published comparisons of agents, trained again, tested claim by claim, and written as a page.

1. `study` is the JSON file: arms (an agent's grid each), environments, numbers of runs, claims.
2. `training` trains what is missing: every setting on the seeds for choosing, the chosen ones on fresh seeds.
3. `run_table` keeps a row per run; everything below is computed from it, so that a study goes on without its results.
4. `choice` finds each arm's best setting; `claims` tests each claim; `figures` draws; `page` writes.
"""
