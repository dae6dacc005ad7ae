"""The list of photographs, and that only the very files that were looked at are used."""

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from training.photographs import Photograph, PhotographError, prepare, read_list


def test_every_file_has_a_free_licence_and_a_hash():
    rows = read_list()
    assert {row.kind for row in rows} == {"background", "thing"}
    assert all(len(row.sha256) == 64 and set(row.sha256) <= set("0123456789abcdef") for row in rows)
    assert all(row.licence.startswith(("CC-BY", "CC0", "GPL", "public", "Apache")) for row in rows)
    assert len({(row.package, row.path) for row in rows}) == len(rows)


def _photograph(folder: Path, **changes: str) -> Photograph:
    picture = np.random.default_rng(0).integers(0, 255, (300, 2000, 3)).astype(np.uint8)
    (folder / "root").mkdir()
    cv2.imwrite(str(folder / "root" / "wall.png"), picture)
    digest = hashlib.sha256((folder / "root" / "wall.png").read_bytes()).hexdigest()
    row = {
        "package": "walls-data",
        "version": "1",
        "path": "wall.png",
        "sha256": digest,
        "licence": "CC0",
        "kind": "background",
    }
    return Photograph(**(row | changes))


def test_a_photograph_is_made_smaller_once(tmp_path: Path):
    photograph = _photograph(tmp_path)
    assert prepare(photograph, tmp_path / "root", tmp_path / "out")
    (made,) = (tmp_path / "out").rglob("*.jpg")
    assert cv2.imread(str(made)).shape[1] == 1024
    assert not prepare(photograph, tmp_path / "root", tmp_path / "out")


@pytest.mark.parametrize(
    ("changes", "message"), [({"sha256": "0" * 64}, "SHA-256"), ({"path": "gone.png"}, "no such file")]
)
def test_another_file_is_refused(tmp_path: Path, changes: dict[str, str], message: str):
    with pytest.raises(PhotographError, match=message):
        prepare(_photograph(tmp_path, **changes), tmp_path / "root", tmp_path / "out")
    assert not list((tmp_path).rglob("*.jpg"))


def test_an_unknown_kind_in_the_list_is_an_error(tmp_path: Path):
    path = tmp_path / "list.csv"
    path.write_text("package,version,path,sha256,licence,kind\na,1,b.png,0,CC0,portrait\n")
    with pytest.raises(PhotographError, match="portrait"):
        read_list(path)
