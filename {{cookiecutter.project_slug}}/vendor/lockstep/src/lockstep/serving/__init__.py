"""The server: versions of models at work, asked over HTTP."""
