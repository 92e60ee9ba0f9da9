"""Taking other data into the project: what `use` does before the pipeline runs on them."""
