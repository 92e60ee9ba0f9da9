"""The model as a Python package: what `package` makes."""
