"""Linear actor-critic: features, policies that are linear in them, and eligibility traces.

`tile_coder` maps observations to features, `linear_policy` the linear functions' outputs to actions and scores,
`traces` keeps eligibility traces, and `linear_ac` combines them into an agent. All of it is numpy, R runs wide.
"""
