"""Peers: other libraries' SAC on the same task as ours.

Peers of `installed` are packages in our environment and train in our process. Each of the others needs an environment
of its own, which `environments` creates; there its script (`rejax_sac`, `rltools_sac`) trains in a process of its own,
which `processes` starts and times. `catalogue` lists all of them.
"""

PEERS = ("SB3", "SBX", "rejax", "RLtools")
"""Names of all peers, in the order of their columns: Stable-Baselines3, SBX, rejax, RLtools."""
