"""Finding and fetching weights: against a server on this machine, and without any."""

from __future__ import annotations

import hashlib
import http.server
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bodydouble import model_store
from bodydouble.errors import MissingWeights, UsageError
from bodydouble.model_store import store, table
from bodydouble.model_store.table import RemoteFile, RemoteModel

GOOD = bytes(range(256)) * 3000
SHA = hashlib.sha256(GOOD).hexdigest()


class Told:
    """Remembers what a download told."""

    def __init__(self) -> None:
        self.starts: list[tuple[str, int | None]] = []
        self.received = self.finished = 0

    def start(self, file_name: str, num_bytes: int | None) -> None:
        self.starts.append((file_name, num_bytes))

    def advance(self, num_bytes: int) -> None:
        self.received += num_bytes

    def finish(self) -> None:
        self.finished += 1


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/missing.bin":
                self.send_error(404)
                return
            self.send_response(200)
            if self.path != "/no_length.bin":
                self.send_header("Content-Length", str(len(GOOD)))
            self.end_headers()
            self.wfile.write({"/short.bin": GOOD[:1000], "/wrong.bin": GOOD[::-1]}.get(self.path, GOOD))

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        served.daemon_threads = True
        thread = threading.Thread(target=served.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{served.server_port}"
        served.shutdown()
        thread.join()


def model_of(url: str, *, sha256: str | None = SHA, num_bytes: int | None = len(GOOD), **more: object) -> RemoteModel:
    name = url.rsplit("/", 1)[1]
    return RemoteModel(
        name="toy",
        summary="a toy",
        licence="CC0-1.0",
        source="nowhere",
        revision="1",
        files=(RemoteFile(name=name, url=url, sha256=sha256, num_bytes=num_bytes),),
        size_mb=1,
        **more,  # type: ignore[arg-type]
    )


@pytest.fixture
def offer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Makes one model the whole table, and an empty folder the store."""
    monkeypatch.setenv("BODYDOUBLE_MODELS", str(tmp_path / "models"))

    def put(model: RemoteModel) -> Path:
        monkeypatch.setattr(table, "MODELS", (model,))
        monkeypatch.setattr(store, "MODELS", (model,))
        return tmp_path / "models" / model.name

    return put


def test_fetched_once_then_found(server: str, offer) -> None:
    folder = offer(model_of(f"{server}/good.bin"))
    assert not model_store.is_present("toy")
    told = Told()
    path = model_store.fetch_model("toy", told)
    assert path == folder / "good.bin"
    assert path.read_bytes() == GOOD
    assert told.starts == [("good.bin", len(GOOD))]
    assert (told.received, told.finished) == (len(GOOD), 1)
    assert model_store.is_present("toy")
    assert model_store.find_model("toy") == path
    again = Told()
    model_store.fetch_model("toy", again)
    assert again.starts == []
    assert sorted(p.name for p in folder.iterdir()) == ["good.bin", "sha256.json"]
    assert path.stat().st_mode & 0o444 == 0o444, "others may read a shared store"


def test_size_may_be_unknown_to_everybody(server: str, offer) -> None:
    offer(model_of(f"{server}/no_length.bin", num_bytes=None))
    told = Told()
    assert model_store.fetch_model("toy", told).read_bytes() == GOOD
    assert told.starts == [("no_length.bin", None)]


def test_file_address(tmp_path: Path, offer) -> None:
    (tmp_path / "weights.bin").write_bytes(GOOD)
    offer(model_of((tmp_path / "weights.bin").as_uri()))
    assert model_store.fetch_model("toy").read_bytes() == GOOD


@pytest.mark.parametrize(
    ("file", "options", "said"),
    [
        ("wrong.bin", {}, "came with sha256 .* expected .* nothing was kept"),
        ("short.bin", {}, f"broke off after 1000 of {len(GOOD)} bytes"),
        ("short.bin", {"sha256": None, "num_bytes": None}, "broke off"),
        ("missing.bin", {}, "HTTP 404"),
        ("good.bin", {"num_bytes": len(GOOD) - 1}, "should have .* bytes"),
        ("good.bin", {"num_bytes": len(GOOD) + 1, "sha256": None}, "should have .* bytes"),
    ],
)
def test_what_is_wrong_never_gets_the_name(server: str, offer, file: str, options: dict, said: str) -> None:
    folder = offer(model_of(f"{server}/{file}", **options))
    with pytest.raises(MissingWeights, match=said) as caught:
        model_store.fetch_model("toy")
    assert caught.value.exit_code == 4
    assert list(folder.iterdir()) == []


def test_no_network(offer) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = offer(model_of(f"http://127.0.0.1:{port}/good.bin"))
    with pytest.raises(MissingWeights, match=re.escape(f"put the file into {folder}")):
        model_store.fetch_model("toy")
    assert list(folder.iterdir()) == []


def test_strange_addresses_are_refused(offer) -> None:
    offer(model_of("ftp://example.org/good.bin"))
    with pytest.raises(MissingWeights, match="none of https"):
        model_store.fetch_model("toy")


def test_loading_never_downloads_and_says_everything(server: str, offer) -> None:
    folder = offer(model_of(f"{server}/good.bin"))
    with pytest.raises(MissingWeights) as caught:
        model_store.find_model("toy", option="perception.people.weights")
    message = str(caught.value)
    for part in ("bodydouble models fetch toy", "--download", "1 MB", "CC0-1.0", f"{server}/good.bin",
                 "BODYDOUBLE_MODELS", "perception.people.weights"):  # fmt: skip
        assert part in message, part
    assert message.endswith(str(folder))
    assert not folder.exists()


def test_files_put_there_by_hand_are_compared(server: str, offer) -> None:
    folder = offer(model_of(f"{server}/good.bin"))
    folder.mkdir(parents=True)
    (folder / "good.bin").write_bytes(GOOD)
    assert model_store.find_model("toy") == folder / "good.bin"
    (folder / "good.bin").write_bytes(GOOD[::-1] + b"!")
    with pytest.raises(MissingWeights, match=f"but toy at 1 has {SHA}"):
        model_store.find_model("toy")


def test_first_hash_is_recorded_where_the_table_knows_none(server: str, offer) -> None:
    folder = offer(model_of(f"{server}/good.bin", sha256=None))
    model_store.fetch_model("toy")
    assert SHA in (folder / "sha256.json").read_text()
    (folder / "good.bin").write_bytes(b"another")
    with pytest.raises(MissingWeights, match="when it was first seen"):
        model_store.find_model("toy")
    (folder / "sha256.json").unlink()
    model_store.find_model("toy")


def test_damaged_record(server: str, offer) -> None:
    folder = offer(model_of(f"{server}/good.bin"))
    model_store.fetch_model("toy")
    (folder / "sha256.json").write_text("[1]")
    with pytest.raises(MissingWeights, match="record of hashes"):
        model_store.find_model("toy")


def test_folder_models_are_found_as_folders(server: str, offer) -> None:
    folder = offer(model_of(f"{server}/good.bin", is_folder=True))
    assert model_store.fetch_model("toy") == folder


def test_option_names_a_path_or_a_model(server: str, offer, tmp_path: Path) -> None:
    folder = offer(model_of(f"{server}/good.bin"))
    model_store.fetch_model("toy")
    own = tmp_path / "own.onnx"
    own.write_bytes(b"anything")
    where = {"default": "toy", "option": "perception.people.weights"}
    assert model_store.locate("", **where) == folder / "good.bin"
    assert model_store.locate("toy", **where) == folder / "good.bin"
    assert model_store.locate(str(own), **where) == own
    with pytest.raises(MissingWeights, match=r"perception\.people\.weights is neither .* toy.*absent\.onnx"):
        model_store.locate("absent.onnx", **where)


def test_store_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("BODYDOUBLE_MODELS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert model_store.store_folder() == tmp_path / "bodydouble" / "models"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert model_store.store_folder() == Path.home() / ".cache" / "bodydouble" / "models"


def test_folder_that_cannot_be_made(offer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    offer(model_of("https://example.org/good.bin"))
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("BODYDOUBLE_MODELS", str(tmp_path / "file"))
    with pytest.raises(MissingWeights, match="cannot be made"):
        model_store.fetch_model("toy")


def test_unknown_model() -> None:
    with pytest.raises(UsageError, match=r"no model is called 'yolo99'; there are: yolox-nano"):
        model_store.find_model("yolo99")


def test_the_table_is_well_formed() -> None:
    names = [model.name for model in table.MODELS]
    assert len(set(names)) == len(names)
    for model in table.MODELS:
        assert model.licence, model.name
        assert model.size_mb > 0, model.name
        for file in model.files:
            assert file.url.startswith("https://"), file.url
            assert file.url.endswith(file.name), file.url
            assert model.revision in file.url, "the address must be pinned"
            assert file.sha256 is None or re.fullmatch("[0-9a-f]{64}", file.sha256), file.name
            if "huggingface.co" in file.url:
                assert re.fullmatch("[0-9a-f]{40}", model.revision), model.name
        # Code can hide in a pickle: such a file must be the one that was looked at.
        assert all(file.sha256 for file in model.files if file.name.endswith((".pt", ".pth"))), model.name


def test_weights_of_the_package_are_named_like_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    packaged = {"own": tmp_path / "own"}
    monkeypatch.setattr(store, "PACKAGED", packaged)
    with pytest.raises(MissingWeights, match=r"'own' is not in this copy.*generation\.weights"):
        store.locate("own", default="yolox-s", option="generation.weights")
    packaged["own"].mkdir()
    assert store.locate("own", default="yolox-s", option="generation.weights") == packaged["own"]
