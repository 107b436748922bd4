from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard_api.errors import InvalidInputError, InvalidRequestError
from modelyard_api.multipart import MAX_FIELD_BYTES, FormStream

TYPE = "multipart/form-data; boundary=xyz"


def form(*parts: tuple[str, str | None, bytes], end: bytes = b"--xyz--\r\n") -> bytes:
    content = b""
    for name, filename, body in parts:
        place = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename else "")
        content += f"--xyz\r\nContent-Disposition: {place}\r\n\r\n".encode() + body + b"\r\n"
    return content + end


async def stream(content: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def read(content: bytes, size: int) -> list[tuple[str, str | None, bytes]]:
    return [
        (part.name, part.filename, b"".join([chunk async for chunk in part.chunks()]))
        async for part in FormStream(stream(content, size), TYPE).parts()
    ]


bodies = st.binary(max_size=60) | st.sampled_from([b"\r\n--xy", b"--xyz", b"\r\n\r\n", b""])


@given(st.lists(bodies, max_size=3), st.integers(1, 40))
async def test_content_comes_through_however_it_is_cut(contents: list[bytes], size: int) -> None:
    parts = [(f"f{i}", f"{i}.csv" if i else None, body) for i, body in enumerate(contents)]
    assert await read(form(*parts), size) == parts


async def test_what_is_not_read_is_passed_over() -> None:
    content = form(("file", "a.csv", b"1" * 500), ("name", None, b"x"))
    names = [part.name async for part in FormStream(stream(content, 7), TYPE).parts()]
    assert names == ["file", "name"]


async def test_the_path_of_a_file_name_is_dropped() -> None:
    assert await read(form(("f", "C:\\\\data\\\\a.csv", b"x")), 50) == [("f", "a.csv", b"x")]


@pytest.mark.parametrize("end", [b"", b"--xyz\r\nContent-Dispo", b"--x"])
async def test_a_form_that_was_cut_is_an_error(end: bytes) -> None:
    with pytest.raises(InvalidRequestError, match="ends before"):
        await read(form(("f", "a.csv", b"1,2"), end=end), 20)


async def test_what_is_no_form_is_an_error() -> None:
    with pytest.raises(InvalidRequestError, match="cannot be read"):
        await read(b"a,b\n1,2\n", 4)
    with pytest.raises(InvalidRequestError, match="boundary"):
        FormStream(stream(b"", 1), "multipart/form-data")


async def test_fields_are_small_text() -> None:
    long, binary = b"x" * (MAX_FIELD_BYTES + 1), b"\xff\xfe"
    for body, message in ((long, "too long"), (binary, "not UTF-8")):
        content = form(("name", None, body))
        async for part in FormStream(stream(content, 4096), TYPE).parts():
            with pytest.raises(InvalidInputError, match=message):
                await part.text()
            break
