"""What training costs: speed, start-up time and memory.

`timing` builds stacks that are ready to learn and measures them in turn, with the matrix products of their updates
(`product_limit`) and with the SAC of `peers`, which are other libraries. From these measurements come the table of
speeds (`pipeline_speed`) and that of the cost of a run-step (`cost_growth`). `startup` and `memory` measure processes.
`table` formats all tables as text.
"""
