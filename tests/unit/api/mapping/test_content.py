import pytest

from modelyard_api.mapping.content import refusal


@pytest.mark.parametrize(
    "start", [b"a,b\n1,2\n", b"PAR1\x00", b"\x1f\x8b\x08\x00", b"\xff\xfea\x00", b'{"a": 1}\n', b""]
)
def test_what_may_be_a_table(start: bytes) -> None:
    assert refusal(start) is None


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"PK\x03\x04", "a ZIP archive or a spreadsheet"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\x7fELF\x02", "a program"),
        (b"\x80\x04\x95", "a Python pickle"),
        (b"a\x00b", "binary"),
    ],
)
def test_what_cannot_be_one(start: bytes, kind: str) -> None:
    assert refusal(start) == kind
