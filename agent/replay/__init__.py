"""Experience replay: the transitions that R runs learn from.

`layout` decides how transitions are stored, and computes their memory. `buffer` is the ring buffer, of whole rows:
each step is pushed, and batches are sampled. `chained_buffer` stores the same transitions in less memory. `n_step`
combines the sampled rows with those that follow.
"""
