"""From an intent and a table to the plan of a build: target, task, metric, features, outputs.

Pure functions over typed columns; nothing here reads files, trains or asks a network. Each
decision is a list of policies in order, and whatever a schema of the spec states wins. Faults are
``UserError`` with the reason that the ModelVersion will show.
"""
