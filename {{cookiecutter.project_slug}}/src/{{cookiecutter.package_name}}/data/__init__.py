"""Tables and the contract they must keep; nothing here knows of models."""
