"""The terminal UI, built with Textual: `app` opens it."""
