"""Basic parts that every other package may use; this package imports none of them.

`errors`: errors a user can cause.  `cli_types`: value types of command-line options.
`grid`, `indices`: numbering of settings and runs.  `random_streams`: the only source of randomness.
`interrupt`: requests to stop.  `machine`, `process_setup`, `provenance`: this machine, process and code.
`transition`: what an environment returns for one timestep of a stack.
"""
