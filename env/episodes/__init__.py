"""From one environment to episodes of R environments in lock-step.

1. `observations` flattens what the environment returns; `start_state` puts it into a given state.
2. `episode` runs one environment under a protocol: step limit, rewards, start state, clipped actions.
3. `batch` steps R of them together and resets each when its episode ends.
4. `snapshot`, with `physics` for MuJoCo, saves and restores their states; `rollout` fingerprints their dynamics.
"""
