"""From one environment to episodes of R environments in lock-step.

1. `observations` flattens what the environment returns, `actions` converts what it takes; `start_state` puts it into a
   given state.
2. `episode` runs one environment under a protocol: step limit, rewards, start state, clipped actions.
3. `seeding` hands seeds over and gives an environment random streams of its own; `returns` checks what it returns.
4. `batch` steps R of them together and resets each when its episode ends.
5. `snapshot`, with `physics` for MuJoCo, saves and restores their states; `rollout` fingerprints their dynamics.
6. `probe` finds out before training whether an environment is a function of its seed and can be restored; `causes`
   finds the likely cause if it is not.
"""
