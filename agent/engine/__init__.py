"""The two engines that compute an actor-critic's update: eager, operation by operation, and compiled.

`selection` chooses an engine by configuration. For the compiled one, `compiled` traces the update and the acting with
operations whose bits do not depend on the number of runs (`tracing`, and for matrix products `products`), compiles the
graphs with torch, and checks that they compute the same.
"""
