"""Checkpoints: the whole state of one run on disk.

1. `state_codec` encodes the state as JSON, arrays and row sequences, and decodes it without loss.
2. `row_files` appends the new rows of each sequence, such as the replay buffer, to files.
3. `checkpoint` writes the rest to one file, atomically, and verifies all of it when it is loaded.
"""
