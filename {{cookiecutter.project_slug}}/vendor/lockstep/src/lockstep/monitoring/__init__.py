"""Whether later rows, and what the model makes of them, are still like those that it knows."""
