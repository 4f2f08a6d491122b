"""What training costs: speed, start-up time and memory.

`timing` builds stacks that are ready to learn and measures them in turn, with the matrix products of their updates
and with the SAC of `other_libraries`. From these measurements come the table of speeds (`pipeline_speed`) and that of
the cost of a run-step (`cost_growth`). `startup_and_memory` measures processes. `table` formats all tables as text.
"""
