"""Builders of the objects that the operator owns: pure functions, one file a child kind.

A builder is a noun or ``build_…``, takes typed specs and returns the JSON object to apply. No
I/O, no clock, no randomness: equal input gives an equal object, byte for byte, and the golden
files in the tests hold that from release to release.
"""
