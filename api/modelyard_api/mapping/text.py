"""Names: which are valid, and how one is made from what a person typed."""

import hashlib
import re

from modelyard_crds.names import NAME_MAX_LENGTH

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
NAME_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
RESERVED_MODEL_NAMES = frozenset({"build-logs"})


def is_label(text: str) -> bool:
    """Whether a text is a DNS label, and so safe as a name and in a path."""
    return _LABEL.fullmatch(text) is not None


def model_name_fault(name: str) -> str | None:
    """Why a model cannot have this name; None where it can."""
    if name in RESERVED_MODEL_NAMES:
        return f"The model name '{name}' is reserved."
    if not is_label(name):
        return (
            f"The model name '{name[:80]}' is not a DNS label: lower-case letters, digits and "
            "hyphens, beginning and ending with a letter or digit."
        )
    if len(name) > NAME_MAX_LENGTH:
        return f"The model name has {len(name)} characters; at most {NAME_MAX_LENGTH} fit."
    return None


def slug(text: str, fallback: str) -> str:
    """A valid object name that reminds of a text: ``Sales 2024.csv`` → ``sales-2024``."""
    stem = re.sub(r"\.(csv|tsv|parquet|jsonl?|ndjson|txt|gz|zst|bz2|xz)$", "", text.strip().lower())
    stem = re.sub(r"\.(csv|tsv|parquet|jsonl?|ndjson|txt)$", "", stem)
    cleaned = re.sub(r"[^a-z0-9]+", "-", stem).strip("-")
    return cleaned[:NAME_MAX_LENGTH].rstrip("-") or fallback


def with_suffix(name: str, suffix: str) -> str:
    """A name with a suffix, shortened so that both fit."""
    return f"{name[: NAME_MAX_LENGTH - len(suffix) - 1].rstrip('-')}-{suffix}"


def display_name(model_name: str) -> str:
    """A name for people: ``customer-churn-predictor`` → ``Customer Churn Predictor``."""
    return " ".join(word.capitalize() for word in model_name.split("-") if word)


def deployment_name(model: str, environment: str, *, taken: bool = False) -> str:
    """Name of the ModelDeployment of a model in an environment.

    Services carry it, so it begins with a letter. Two pairs can give the same name (``a-b``,
    ``c`` and ``a``, ``b-c``): where it is taken by another pair, a hash of the pair is added.
    """
    plain = f"{model}-{environment}"
    plain = plain if plain[0].isalpha() else f"m-{plain}"
    if not taken and len(plain) <= NAME_MAX_LENGTH:
        return plain
    digest = hashlib.sha256(f"{model}/{environment}".encode()).hexdigest()[:8]
    return with_suffix(plain, digest)
