"""Which run is which version of the model, and which version stands where, as tags of git."""
