"""What runs within the package of a model, where there is no project."""
