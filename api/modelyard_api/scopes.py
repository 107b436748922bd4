"""What a key may be made for."""

from enum import StrEnum


class Scope(StrEnum):
    """One of the three things that a key can allow."""

    READ = "read"
    WRITE = "write"
    PREDICT = "predict"
