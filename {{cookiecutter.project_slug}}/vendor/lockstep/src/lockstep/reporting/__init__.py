"""What `evaluate` tells: figures, tables, the model card and the report."""
