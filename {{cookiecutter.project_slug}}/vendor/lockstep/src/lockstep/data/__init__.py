"""Which rows are for what: the test, the folds, samples, and values that come twice."""
