import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard_api.mapping.text import (
    deployment_name,
    display_name,
    is_label,
    model_name_fault,
    slug,
    with_suffix,
)
from modelyard_crds.names import NAME_MAX_LENGTH

labels = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?", fullmatch=True)
environments = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?", fullmatch=True)


@given(st.text(max_size=300))
def test_a_slug_is_always_a_valid_name(text: str) -> None:
    name = slug(text, "dataset")
    assert is_label(name)
    assert len(name) <= NAME_MAX_LENGTH
    assert is_label(with_suffix(name, "abc123"))
    assert len(with_suffix(name, "abc123")) <= NAME_MAX_LENGTH


@given(labels, environments, st.booleans())
def test_a_deployment_name_is_always_a_service_name(
    model: str, environment: str, taken: bool
) -> None:
    name = deployment_name(model, environment, taken=taken)
    assert is_label(name)
    assert name[0].isalpha()
    assert len(name) <= NAME_MAX_LENGTH


def test_pairs_that_spell_the_same_part_where_the_name_is_taken() -> None:
    one, other = ("a-b", "c"), ("a", "b-c")
    assert deployment_name(*one) == deployment_name(*other)
    assert deployment_name(*one, taken=True) != deployment_name(*other, taken=True)


@pytest.mark.parametrize(
    ("text", "name"),
    [("Sales 2024.csv", "sales-2024"), ("a.csv.gz", "a"), ("Ünïcode", "n-code"), ("…", "x")],
)
def test_slugs(text: str, name: str) -> None:
    assert slug(text, "x") == name


@pytest.mark.parametrize(
    "name", ["", "A", "a.b", "a/b", "-a", "a-", "ä", "a b", "a" * 53, "a" * 300, "build-logs"]
)
def test_names_that_no_model_can_have(name: str) -> None:
    assert model_name_fault(name)


@pytest.mark.parametrize("name", ["a", "0", "customer-churn-2", "a" * 52])
def test_names_that_a_model_can_have(name: str) -> None:
    assert model_name_fault(name) is None


def test_a_name_for_people() -> None:
    assert display_name("customer-churn-predictor") == "Customer Churn Predictor"
