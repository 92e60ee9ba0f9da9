"""How often the gate errs, and how often it sees that a model is better, by simulation.

    python benchmarks/gate.py [--simulations N]

Pairs of models predict rows of populations in which both are equally good, or the new one is better
by so much. A gate without a margin promotes where the lower end of the gain's interval is above
zero; of equally good models that should happen to at most 2.5%, half of what a 95% interval misses.
Three ways to make the interval stand side by side: from the intervals of both models, from the
differences row by row, and from these with their skewness, which is what the gate takes. The
guardrails are tried on models that are equally good in each subgroup, and as well calibrated.
"""

from _simulation import simulate

if __name__ == "__main__":
    simulate("_gate.py", 200)
