import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard_crds import names


@given(st.uuids())
def test_public_ids_are_stable_and_have_twelve_lower_case_letters_or_digits(uid):
    first = names.public_id("ds", str(uid))
    assert re.fullmatch(r"ds_[a-z0-9]{12}", first)
    assert names.public_id("ds", str(uid)) == first


def test_ids_of_different_objects_differ():
    uids = [f"00000000-0000-0000-0000-{n:012d}" for n in range(2000)]
    assert len({names.dataset_id(uid) for uid in uids}) == len(uids)
    assert len({names.version_id("m", n) for n in range(1, 2000)}) == 1999


@given(st.integers(1, 999999))
def test_every_spelling_of_a_version_reads_back(version):
    for text in (names.version_label(version), f"v{version}", str(version)):
        assert names.parse_version(text) == version


@pytest.mark.parametrize(
    "text", ["", "v", "0", "v0.0", "v1.1", "1.5", "-1", "latest", "v1.0.0", "٣"]
)
def test_other_texts_are_no_version(text):
    assert names.parse_version(text) is None


def test_derived_names_fit_in_a_label():
    longest = "m" * names.NAME_MAX_LENGTH
    assert len(names.version_name(longest, 999999)) <= 63
    assert len(names.profile_job_name(longest, "f" * 64)) <= 63
    # A Service: letters first, whatever the model is called.
    assert re.fullmatch("[a-z][-a-z0-9]{0,62}", names.pods_name("uid", 0))


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.lists(st.integers())))
def test_content_hash_does_not_depend_on_the_order_of_keys(value):
    backwards = dict(reversed(value.items()))
    assert names.content_hash(value) == names.content_hash(backwards)


def test_content_hash_tells_values_apart():
    assert names.content_hash({"a": 1}) != names.content_hash({"a": "1"})
