"""Our own environments, one module per task; each docstring defines state, observation, action, reward, start and end.

`base` has what all share; `classic_control` adds a state of a few numbers and one bounded force. `env.ENVS`
names them. `lean_pendulum` replaces gymnasium's Pendulum-v1 with bit-identical steps in less time.
"""
