"""What makes two runs give the same bytes: the environment and the writers."""
