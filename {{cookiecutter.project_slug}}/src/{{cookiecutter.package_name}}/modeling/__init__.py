"""Features, candidates, metrics, figures and the saved model."""
