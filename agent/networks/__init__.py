"""Networks of R runs, stacked so that the bits of a run do not depend on the other runs.

`weight_init` draws initial weights; `network` has the multilayer perceptron, its forward pass and its gradients;
`optimizer` has Adam and the averaging of targets. `actor` and `critic` combine them into what an agent learns with.
"""
