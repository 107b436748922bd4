from pathlib import Path

import pytest

from modelyard_dev.images import CONTEXT, PARTS, context_hash, images


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in (*CONTEXT, *(f"{folder}/Dockerfile" for folder in PARTS.values())):
        path = tmp_path / name
        if "." in path.name or path.name == "Dockerfile":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
        else:
            path.mkdir(parents=True)
            (path / "main.py").write_text(name)
    return tmp_path


def test_equal_files_give_the_same_tag_so_that_nothing_is_built_twice(checkout: Path) -> None:
    assert images(checkout) == images(checkout)
    assert {image.part for image in images(checkout)} == {"operator", "api", "inference"}


@pytest.mark.parametrize("changed", ["uv.lock", "api/modelyard_api/main.py", "operator/Dockerfile"])
def test_a_change_of_any_file_of_the_build_gives_another_tag(checkout: Path, changed: str) -> None:
    before = context_hash(checkout)
    (checkout / changed).write_text("something else")
    assert context_hash(checkout) != before


def test_a_moved_file_gives_another_tag(checkout: Path) -> None:
    before = context_hash(checkout)
    (checkout / "api/modelyard_api/main.py").rename(checkout / "api/modelyard_api/other.py")
    assert context_hash(checkout) != before


def test_what_python_leaves_behind_and_tests_do_not_count(checkout: Path) -> None:
    before = context_hash(checkout)
    cache = checkout / "api/modelyard_api/__pycache__"
    cache.mkdir()
    (cache / "main.cpython-313.pyc").write_text("bytecode")
    (checkout / "tests").mkdir()
    (checkout / "tests/test_x.py").write_text("")
    assert context_hash(checkout) == before
