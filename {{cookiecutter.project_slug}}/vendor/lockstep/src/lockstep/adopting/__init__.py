"""What `use` does: make out what a person's data hold, and take them in."""
