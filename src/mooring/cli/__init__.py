"""The ``mooring`` command: one file a noun. Nothing heavy is imported before a command asks for it."""
