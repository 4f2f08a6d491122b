"""From two JSON files to runs.

The files are read and checked (`config`). The grid of the agent's file and the protocol of the environment's file make
an `Experiment`, which resolves an index to a `Run`: setting, run number, hyperparameters, key and result file
(`experiment`). `shipped_configs` finds the file of config/ that has a given content; `main_command` writes the command
line of main.py that trains given runs.
"""
