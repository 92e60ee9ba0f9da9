"""Searching for better options of the candidates."""
