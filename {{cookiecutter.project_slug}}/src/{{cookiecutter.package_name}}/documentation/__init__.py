"""The pages of the documentation that are made from the project as it is."""
