"""`ferrome model` against a server of our own that fails in every way, and against huggingface_hub's cache."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import huggingface_hub
import pytest

ROOT = Path(__file__).resolve().parents[2]
FERROME = os.environ["FERROME_BIN"]
GOLDEN = ROOT / "tests/golden/esm2_hf"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAME = "tiny/esm"


def git_sha1(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass
class Stored:
    """A file of the server, and how it misbehaves."""

    content: bytes
    large: bool = False  # lies on another address under its sha256, as large files of the hub do
    etag: str | None = None  # instead of the right one
    announced: int | None = None  # instead of the right size
    cuts: list[int] = field(default_factory=list)  # bytes after which a connection ends, one for each connection
    statuses: list[int] = field(default_factory=list)  # answers instead of the file, one for each request
    ranges: bool = True
    slow: float = 0.0  # seconds for each kilobyte

    def tag(self) -> str:
        right = hashlib.sha256(self.content).hexdigest() if self.large else git_sha1(self.content)
        return self.etag if self.etag is not None else right


class Hub:
    """The hub's addresses for the files of some repositories."""

    def __init__(self) -> None:
        self.files: dict[str, Stored] = {}
        self.requests: list[tuple[str, str, str | None]] = []
        self.tokens: list[tuple[str, str | None]] = []
        self.token: str | None = None
        self.is_hub = True
        self.error_code: str | None = None
        self.retry_after = "0"
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_HEAD(self) -> None:
                self.answer(body=False)

            def do_GET(self) -> None:
                self.answer(body=True)

            def refuse(self, status: int, **headers: str) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def answer(self, body: bool) -> None:
                hub.requests.append((self.command, self.path, self.headers.get("Range")))
                hub.tokens.append((self.path, self.headers.get("Authorization")))
                far = self.path.startswith("/far/")
                path = self.path.removeprefix("/far")
                repository, _, rest = path[1:].partition("/resolve/")
                revision, _, name = rest.partition("/")
                stored = hub.files.get(f"{repository}/{name}")
                if hub.token and not far and self.headers.get("Authorization") != f"Bearer {hub.token}":
                    return self.refuse(401)
                if stored is None or revision not in ("main", COMMIT):
                    extra = {"X_Error_Code": hub.error_code or "EntryNotFound"}
                    return self.refuse(404, **extra)
                if stored.statuses:
                    return self.refuse(stored.statuses.pop(0), Retry_After=hub.retry_after)
                if stored.large and not far:
                    self.send_response(302)
                    self.send_header("Location", f"http://localhost:{hub.port}/far{self.path}")
                    self.send_header("X-Linked-Etag", f'"{stored.tag()}"')
                    self.send_header("X-Linked-Size", str(stored.announced or len(stored.content)))
                    self.send_header("X-Repo-Commit", COMMIT)
                    self.send_header("Content-Length", "0")
                    return self.end_headers()
                return self.send(stored, body)

            def send(self, stored: Stored, body: bool) -> None:
                content, start = stored.content, 0
                asked = self.headers.get("Range") if stored.ranges else None
                if asked:
                    start = int(asked.removeprefix("bytes=").rstrip("-"))
                    if start >= len(content):
                        return self.refuse(416)
                self.send_response(206 if asked else 200)
                if asked:
                    self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
                if hub.is_hub:
                    self.send_header("X-Repo-Commit", COMMIT)
                self.send_header("ETag", f'"{stored.tag()}"')
                size = len(content) - start
                self.send_header("Content-Length", str(stored.announced or size) if not body else str(size))
                self.end_headers()
                if not body:
                    return None
                rest = content[start:]
                if stored.cuts:
                    rest = rest[: stored.cuts.pop(0)]
                    self.close_connection = True
                for at in range(0, len(rest), 1024):
                    self.wfile.write(rest[at : at + 1024])
                    if stored.slow:
                        self.wfile.flush()
                        time.sleep(stored.slow)
                return None

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def add(self, name: str, content: bytes, repository: str = NAME, **how: object) -> Stored:
        self.files[f"{repository}/{name}"] = Stored(content, **how)
        return self.files[f"{repository}/{name}"]

    def add_model(self, repository: str = NAME, folder: str = "", **how: object) -> Stored:
        for name in ("config.json", "vocab.txt"):
            self.add(folder + name, (GOLDEN / name).read_bytes(), repository)
        weights = (GOLDEN / "model.safetensors").read_bytes()
        return self.add(folder + "model.safetensors", weights, repository, large=True, **how)

    def gets(self, name: str) -> list[str | None]:
        """Ranges that were asked for of a file."""
        return [asked for method, path, asked in self.requests if method == "GET" and path.endswith(name) and "/far/" not in path]


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub()
    yield hub
    hub.server.shutdown()
    hub.server.server_close()


@pytest.fixture
def place(tmp_path: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, and an environment that knows no server but ours."""
    for name in list(os.environ):
        if name.startswith(("HF_", "HUGGING", "TRANSFORMERS_", "SSL_", "REQUESTS_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{hub.port}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ferrome(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([FERROME, *words], capture_output=True, text=True, check=False, timeout=120)


def pull(name: str = NAME) -> Path:
    done = ferrome("model", "pull", name)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def refused(*words: str, code: int = 1) -> str:
    done = ferrome(*words)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    return next(line for line in done.stderr.splitlines() if line.startswith("error: ")).removeprefix("error: ")


def cache(place: Path) -> Path:
    return place / "hf/hub"


def final_names(place: Path) -> list[Path]:
    """Files under names that someone would take for whole, and links to them."""
    files = [path for path in cache(place).rglob("*") if path.is_file() and ".locks" not in path.parts]
    return [path for path in files if not path.name.endswith(".incomplete")]


def assert_nothing_broken(place: Path, hub: Hub, name: str = "model.safetensors") -> None:
    right = {hashlib.sha256(stored.content).hexdigest() for file, stored in hub.files.items() if not file.endswith(name)}
    for path in final_names(place):
        if "refs" not in path.parts:
            assert hashlib.sha256(path.read_bytes()).hexdigest() in right, path
    assert not (cache(place) / f"models--{NAME.replace('/', '--')}/snapshots").exists()


# What works.


def test_pulled_model_is_found_by_huggingface_hub_and_transformers(place: Path, hub: Hub) -> None:
    hub.add_model()
    folder = pull()
    assert folder == cache(place) / f"models--tiny--esm/snapshots/{COMMIT}"
    for name in ("config.json", "vocab.txt", "model.safetensors"):
        found = huggingface_hub.try_to_load_from_cache(NAME, name, cache_dir=cache(place))
        assert found == str(folder / name)
        assert Path(found).read_bytes() == hub.files[f"{NAME}/{name}"].content
        assert not os.readlink(found).startswith("/")
    found = huggingface_hub.snapshot_download(NAME, local_files_only=True, cache_dir=cache(place))
    assert Path(found) == folder
    from transformers import EsmForMaskedLM

    model = EsmForMaskedLM.from_pretrained(NAME, cache_dir=cache(place), local_files_only=True)
    assert model.config.num_hidden_layers > 0
    names = {path.name.rpartition(".")[2] for path in cache(place).rglob("*")}
    assert "incomplete" not in names


def test_second_pull_asks_nobody_and_path_says_where(place: Path, hub: Hub) -> None:
    hub.add_model()
    folder = pull()
    before = len(hub.requests)
    assert pull() == folder
    assert len(hub.requests) == before
    assert ferrome("model", "path", NAME).stdout.strip() == str(folder)


def test_model_that_huggingface_hub_downloaded_is_found_and_verified(place: Path, hub: Hub) -> None:
    hub.add_model()
    # huggingface_hub read its variables when it was imported.
    for name in ("config.json", "model.safetensors"):
        huggingface_hub.hf_hub_download(NAME, name, cache_dir=cache(place), endpoint=os.environ["HF_ENDPOINT"])
    before = len(hub.requests)
    assert pull() == cache(place) / f"models--tiny--esm/snapshots/{COMMIT}"
    assert len(hub.requests) == before
    done = ferrome("model", "verify", NAME)
    assert done.returncode == 0, done.stderr
    assert "only its files were checked: 2 of 2 are right" in done.stdout


def test_registry_name_is_used_by_a_room_after_the_pull(place: Path, hub: Hub) -> None:
    name = "esm2_t36_3B_UR50D"
    (place / "in.fasta").write_text(">a\nMKTAYIAKQR\n")
    embed = ("protein", "embed", "in.fasta", "-m", name, "-o", "out.csv")
    message = refused(*embed)
    assert message.endswith(f"; get it with `ferrome model pull {name}` or give a folder")
    assert hub.requests == [], "nothing is downloaded unasked"
    hub.add_model(f"facebook/{name}")
    pull(name)
    done = ferrome(*embed)
    assert done.returncode == 0, done.stderr


def test_shards_of_an_index(place: Path, hub: Hub) -> None:
    repository = "facebook/esm2_t48_15B_UR50D"
    hub.add("config.json", (GOLDEN / "config.json").read_bytes(), repository)
    index = {"metadata": {}, "weight_map": {"a": "pytorch_model-1.bin", "b": "pytorch_model-2.bin", "c": "pytorch_model-1.bin"}}
    hub.add("pytorch_model.bin.index.json", json.dumps(index).encode(), repository)
    for i in (1, 2):
        hub.add(f"pytorch_model-{i}.bin", bytes([i]) * 5000, repository, large=True, cuts=[1000])
    folder = pull("esm2_t48_15B_UR50D")
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json", "pytorch_model-1.bin", "pytorch_model-2.bin", "pytorch_model.bin.index.json",
    ]
    assert (folder / "pytorch_model-2.bin").read_bytes() == bytes([2]) * 5000


def test_model_in_a_folder_of_a_repository_with_its_dictionaries(place: Path, hub: Hub) -> None:
    repository = "ctheodoris/Geneformer"
    hub.add_model(repository, "Geneformer-V2-104M_CLcancer/")
    hub.add("geneformer/ensembl_mapping_dict_gc104M.pkl", b"mapping", repository, large=True)
    folder = pull("Geneformer-V2-104M_CLcancer")
    assert folder.name == "Geneformer-V2-104M_CLcancer"
    assert (folder.parent / "geneformer/ensembl_mapping_dict_gc104M.pkl").read_bytes() == b"mapping"
    assert ferrome("model", "path", "ctheodoris/Geneformer/Geneformer-V2-104M_CLcancer").stdout.strip() == str(folder)


# What goes wrong on the way, and is made good.


def test_connection_that_is_cut_goes_on_where_it_was(place: Path, hub: Hub) -> None:
    weights = hub.add_model(cuts=[1000, 5000, 1])
    folder = pull()
    assert (folder / "model.safetensors").read_bytes() == weights.content
    assert hub.gets("model.safetensors") == [None, "bytes=1000-", "bytes=6000-", "bytes=6001-"]


def test_server_that_does_not_know_ranges(place: Path, hub: Hub) -> None:
    weights = hub.add_model(cuts=[1000, 2000], ranges=False)
    folder = pull()
    assert (folder / "model.safetensors").read_bytes() == weights.content


def test_killed_process_is_gone_on_with(place: Path, hub: Hub) -> None:
    weights = hub.add_model(slow=0.02)
    process = subprocess.Popen([FERROME, "model", "pull", NAME], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    partial = wait_for_partial(place)
    process.kill()
    process.wait()
    assert_nothing_broken(place, hub)
    there = partial.stat().st_size
    weights.slow = 0.0
    folder = pull()
    assert (folder / "model.safetensors").read_bytes() == weights.content
    assert hub.gets("model.safetensors")[-1] == f"bytes={there}-"


def test_ctrl_c_says_how_to_go_on(place: Path, hub: Hub) -> None:
    hub.add_model(slow=0.02)
    process = subprocess.Popen([FERROME, "model", "pull", NAME], stderr=subprocess.PIPE, text=True)
    wait_for_partial(place)
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert time.monotonic() - started < 5
    assert process.returncode == 130
    assert said.splitlines()[-1] == "error: interrupted; the same command goes on from there"
    assert_nothing_broken(place, hub)


def wait_for_partial(place: Path) -> Path:
    for _ in range(600):
        for path in cache(place).rglob("*.incomplete"):
            if path.stat().st_size > 2000:
                return path
        time.sleep(0.05)
    raise AssertionError("nothing came")


@pytest.mark.parametrize("status", [429, 503])
def test_server_that_wants_patience(place: Path, hub: Hub, status: int) -> None:
    hub.add_model()
    hub.files[f"{NAME}/config.json"].statuses = [status, status]
    hub.files[f"{NAME}/model.safetensors"].statuses = [status]
    done = ferrome("model", "pull", NAME)
    assert done.returncode == 0, done.stderr
    assert f"HTTP {status}" in done.stderr
    assert "trying again in 0.0 s" in done.stderr


def test_patience_ends(place: Path, hub: Hub) -> None:
    hub.add_model().statuses = [429] * 50
    message = refused("model", "pull", NAME)
    assert message.endswith(
        f"/{NAME}/resolve/{COMMIT}/model.safetensors: gave up after 5 tries: HTTP 429 (too many requests); "
        "the same command goes on from there"
    )
    hub.retry_after = "3600"
    message = refused("model", "pull", NAME)
    assert message.endswith("HTTP 429 (too many requests), and asks to wait 3600 s: try again then")


def test_two_processes_pull_at_once(place: Path, hub: Hub) -> None:
    weights = hub.add_model(slow=0.003)
    command = [FERROME, "model", "pull", NAME]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    ended = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], ended
    assert ended[0][0] == ended[1][0]
    assert (Path(ended[0][0].strip()) / "model.safetensors").read_bytes() == weights.content
    assert len(hub.gets("model.safetensors")) == 1, "one downloads, the other waits"


# What is refused.


def test_wrong_checksum_leaves_nothing(place: Path, hub: Hub) -> None:
    hub.add_model(etag=hashlib.sha256(b"other").hexdigest())
    message = refused("model", "pull", NAME)
    assert message.endswith(f"expected {hashlib.sha256(b'other').hexdigest()}; nothing of it was kept")
    assert "has sha256 " in message
    assert_nothing_broken(place, hub)
    assert not list(cache(place).rglob("*.incomplete"))


def test_wrong_checksum_of_a_small_file(place: Path, hub: Hub) -> None:
    hub.add_model()
    hub.files[f"{NAME}/config.json"].etag = "0" * 40
    message = refused("model", "pull", NAME)
    assert "has git sha1 " in message and message.endswith(f"expected {'0' * 40}; nothing of it was kept")
    assert not (cache(place) / "models--tiny--esm/snapshots").exists()


@pytest.mark.parametrize("wrong", [-7, 7])
def test_wrong_size_leaves_nothing(place: Path, hub: Hub, wrong: int) -> None:
    weights = hub.add_model()
    weights.announced = len(weights.content) + wrong
    message = refused("model", "pull", NAME)
    if wrong < 0:
        assert f"expected {weights.announced}; nothing of it was kept" in message
    else:
        assert "gave up after 5 tries: " in message
    assert_nothing_broken(place, hub)


def test_weights_other_than_the_published_ones_are_not_even_downloaded(place: Path, hub: Hub) -> None:
    repository = "facebook/esm2_t12_35M_UR50D"
    weights = hub.add_model(repository)
    message = refused("model", "pull", "esm2_t12_35M_UR50D")
    published = "e35647818e0e064351d4531ed480d225a002567b4b2b93ad3a9246d753150fc0"
    assert message.endswith(f"has sha256 {weights.tag()}, expected {published}; nothing of it was kept")
    assert hub.gets("model.safetensors") == []


def test_what_an_earlier_run_left_is_damaged(place: Path, hub: Hub) -> None:
    weights = hub.add_model()
    partial = cache(place) / f"models--tiny--esm/blobs/{weights.tag()}.ferrome.incomplete"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(b"x" * 500)  # as after a power cut: the length is on the disk, the bytes are not
    folder = pull()
    assert (folder / "model.safetensors").read_bytes() == weights.content
    assert hub.gets("model.safetensors") == ["bytes=500-", None]


def test_no_such_repository(place: Path, hub: Hub) -> None:
    hub.error_code = "RepoNotFound"
    message = refused("model", "pull", "no/such")
    assert message == f"http://127.0.0.1:{hub.port}/no/such/resolve/main/config.json: HTTP 404: no such file or repository"


def test_repository_without_weights(place: Path, hub: Hub) -> None:
    hub.add("config.json", b"{}")
    message = refused("model", "pull", NAME)
    assert message.startswith("tiny/esm: has none of model.safetensors, ")


def test_token_that_is_missing_wrong_and_right(place: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add_model()
    hub.token = "hf_secret"
    message = refused("model", "pull", NAME)
    assert message.endswith("HTTP 401: there is no such repository, or it wants a token: put one in HF_TOKEN")
    monkeypatch.setenv("HF_TOKEN", "hf_other")
    message = refused("model", "pull", NAME)
    assert message.endswith("HTTP 401: the token of HF_TOKEN is not accepted")
    monkeypatch.delenv("HF_TOKEN")
    (place / "hf").mkdir(exist_ok=True)
    (place / "hf/token").write_text("hf_secret\n")
    pull()
    assert {token for path, token in hub.tokens if "/far/" in path} == {None}, "other servers do not get it"


def test_licence_that_was_not_accepted(place: Path, hub: Hub) -> None:
    hub.add_model()
    hub.files[f"{NAME}/config.json"].statuses = [403]
    message = refused("model", "pull", NAME)
    assert message.endswith("HTTP 403: its licence has to be accepted on its page first, with a token in HF_TOKEN")


def test_licence_that_is_not_known_is_said_before_the_first_byte(place: Path, hub: Hub) -> None:
    hub.add_model()
    done = ferrome("model", "pull", NAME, "--quiet")
    assert done.stderr == f"tiny/esm: Ferrome does not know its licence: http://127.0.0.1:{hub.port}/tiny/esm says what it may be used for\n"
    assert ferrome("model", "pull", NAME).stderr == "", "and not again"


def test_offline(place: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add_model()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    message = refused("model", "pull", NAME)
    assert message.startswith(f"model `tiny/esm` is not in {cache(place)}, and HF_HUB_OFFLINE is set: ")
    assert hub.requests == []
    monkeypatch.delenv("HF_HUB_OFFLINE")
    folder = pull()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert pull() == folder


def test_server_that_is_no_hub(place: Path, hub: Hub) -> None:
    hub.add_model()
    hub.is_hub = False
    message = refused("model", "pull", NAME)
    assert message.endswith("the answer has no X-Repo-Commit: is this a server of the Hugging Face hub (HF_ENDPOINT)?")


def test_names_from_the_server_never_leave_the_cache(place: Path, hub: Hub) -> None:
    hub.add_model(etag="../../../../evil")
    message = refused("model", "pull", NAME)
    assert "the answer has the ETag `../../../../evil`" in message
    hub.files.clear()
    hub.add("config.json", b"{}")
    hub.add("model.safetensors.index.json", b'{"weight_map": {"a": "../../../evil"}}')
    message = refused("model", "pull", NAME)
    assert message.endswith("model.safetensors.index.json: names the file `../../../evil`")
    assert not list(place.rglob("evil"))


def test_server_that_is_not_there(place: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://no-such-host.invalid")
    message = refused("model", "pull", NAME)
    assert "no network? (docs/models.md says how to do without)" in message


@pytest.mark.parametrize("endpoint", ["ftp://host", "huggingface.co", "https://", "https://a b"])
def test_endpoint_that_is_no_address(place: Path, monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    message = refused("model", "pull", NAME)
    assert message == f"HF_ENDPOINT is `{endpoint}`: expected an address such as https://huggingface.co"


# HTTPS, by the way of institutes that sign every connection themselves.


@pytest.fixture
def https(hub: Hub, place: Path) -> str:
    if shutil.which("openssl") is None:
        pytest.fail("openssl is missing: apt-get install openssl")
    run = lambda *words: subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=place)  # noqa: E731
    (place / "san").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Institute", "-days", "2")
    run("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "request.pem", "-subj", "/CN=localhost")
    run("x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "cert.pem", "-days", "2", "-extfile", "san")
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(place / "cert.pem", place / "key.pem")
    hub.server.socket = context.wrap_socket(hub.server.socket, server_side=True)
    return f"https://localhost:{hub.port}"


def test_https_with_certificates_of_an_institute(place: Path, hub: Hub, https: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("config.json", "model.safetensors"):
        hub.add(name, (GOLDEN / name).read_bytes())
    monkeypatch.setenv("HF_ENDPOINT", https)
    message = refused("model", "pull", NAME)
    assert message.endswith("(an institute's own certificates go into SSL_CERT_FILE)"), message
    monkeypatch.setenv("SSL_CERT_FILE", str(place / "san"))
    assert refused("model", "pull", NAME) == f"{place / 'san'}: has no certificate in PEM (SSL_CERT_FILE or REQUESTS_CA_BUNDLE)"
    monkeypatch.setenv("SSL_CERT_FILE", str(place / "ca.pem"))
    assert (pull() / "config.json").is_file()


# Published numbers.


def goldens(place: Path, shift: float = 0.0) -> Path:
    """Logits and representations of the tiny model, as transformers computes them."""
    import torch
    from transformers import EsmForMaskedLM

    model = EsmForMaskedLM.from_pretrained(GOLDEN).eval()
    tokens = [0, 6, 4, 13, 5, 4, 16, 12, 11, 7, 2]
    with torch.no_grad():
        logits = model(torch.tensor([[0, 1, 2, 3, 4, 5]])).logits[0, :3, :3]
        hidden = model.esm(torch.tensor([tokens])).last_hidden_state[0, :3, :3]
    common = {"absolute": 1e-4, "relative": 1e-4, "source": "transformers"}
    entries = [
        {"what": "logits", "tokens": [0, 1, 2, 3, 4, 5], "expected": (logits + shift).tolist(), **common},
        {"what": "representation", "tokens": tokens, "expected": hidden.tolist(), **common},
    ]
    file = place / "goldens.json"
    file.write_text(json.dumps(entries))
    return file


def test_numbers_that_hold_and_numbers_that_do_not(place: Path, hub: Hub) -> None:
    hub.add_model()
    pull()
    done = ferrome("model", "verify", NAME, "--goldens", str(goldens(place)))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 of 3 files were checked and are right; 2 published results hold" in done.stdout
    assert "logits of tokens 0,1,2,3,4,5" in done.stdout
    done = ferrome("model", "verify", NAME, "--goldens", str(goldens(place, 0.01)))
    assert done.returncode == 1
    assert done.stderr == "error: tiny/esm: 0 of 3 files and 1 of 2 published results differ\n"
    assert "1.00e-2" in done.stdout and "WRONG" in done.stdout


def test_another_model_under_a_published_name_does_not_pass(place: Path, hub: Hub) -> None:
    shutil.copytree(GOLDEN, place / "esm2_t6_8M_UR50D")
    done = ferrome("model", "verify", "esm2_t6_8M_UR50D")
    assert done.returncode == 1
    assert done.stderr == "error: esm2_t6_8M_UR50D: 1 of 3 files and 2 of 2 published results differ\n", done.stderr
    assert "24c5fa474c48f3b754b86efe752d5f189d2bcd88190fa2270fc92b2ef3034189" in done.stdout or "31384292" in done.stdout


def test_blob_that_was_damaged_later(place: Path, hub: Hub) -> None:
    hub.add_model()
    weights = (pull() / "model.safetensors").resolve()
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    done = ferrome("model", "verify", NAME)
    assert (done.returncode, done.stderr) == (1, "error: tiny/esm: 1 of 3 files and 0 of 0 published results differ\n")
    assert f"expected {weights.name}" in done.stdout
