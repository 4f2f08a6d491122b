"""The two engines that compute an actor-critic's update: eager, operation by operation, and compiled.

`selection` chooses an engine by configuration. For the compiled one, `produce` traces the agent's `functions` for one
run (`trace`), translates them to operations on buffers (`translate`, `rules_...`), schedules these as loops
(`schedule`), writes C++ (`source`, `emit`), compiles it (`build`), and checks that it computes the same; `compiled`
makes the agent use this `code`.
"""
