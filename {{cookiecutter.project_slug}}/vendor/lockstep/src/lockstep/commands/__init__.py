"""The commands beside the stages: predict, verify, doctor; the command line."""
