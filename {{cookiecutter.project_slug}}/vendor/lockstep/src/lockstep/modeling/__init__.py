"""Candidates, features, networks: fitting, comparing, saving, measuring."""
