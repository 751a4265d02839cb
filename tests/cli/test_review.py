"""`sayso review`: its link, a clean end, a port that is taken, and what it does not load."""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.cli.conftest import Call, Said

from sayso.loop.workspace import Workspace
from sayso.store import people
from sayso.web import serving

COMMAND = [sys.executable, "-c", "from sayso.cli.main import main; main()"]
HEAVY = ("torch", "transformers", "peft", "numpy", "sklearn", "matplotlib", "rich", "alembic")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    Workspace.init(tmp_path / "w", model=str(tmp_path / "model")).close()
    return tmp_path / "w"


@contextmanager
def reviewing(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command for the time of a block, and give its process and its link."""
    command = [*COMMAND, "-C", str(folder), "review", "--no-browser", *options]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "LANGUAGE": "en", "LANG": "C.UTF-8"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            yield process, next((line.strip() for line in process.stdout if "http://" in line), "")
        finally:
            process.kill()


def ask(link: str, path: str) -> object:
    with urllib.request.urlopen(request_of(link, path), timeout=30) as answer:
        return json.load(answer)


def request_of(link: str, path: str) -> urllib.request.Request:
    address = f"http://{urlsplit(link).netloc}{path}"
    return urllib.request.Request(address, headers={"authorization": f"Bearer {token_in(link)}"})


def token_in(link: str) -> str:
    return parse_qs(urlsplit(link).query)["token"][0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_a_link_serves_who_has_it_and_ends_cleanly(folder: Path, number: signal.Signals) -> None:
    with reviewing(folder, "--port", "0", "--name", "Lin") as (process, link):
        assert ask(link, "/api/me")["name"] == "Lin"  # type: ignore[index]
        nobody_is_let_in_without(link)
        process.send_signal(number)
        _out, said = process.communicate(timeout=30)
    assert (process.returncode, "Traceback" in said) == (0, False), said
    workspace = Workspace.open(folder)
    assert people.reviewer_by_token(workspace.store, token_in(link)) is None  # it is worth nothing from now on
    workspace.close()


def nobody_is_let_in_without(link: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(f"http://{urlsplit(link).netloc}/", timeout=30)
    assert raised.value.code == 401
    raised.value.close()


def test_somebody_who_listens_does_not_keep_it_from_ending(folder: Path) -> None:
    with reviewing(folder, "--port", "0") as (process, link):
        with urllib.request.urlopen(request_of(link, "/api/events"), timeout=30) as told:
            assert told.readline() == b": here\n"
            process.send_signal(signal.SIGTERM)
            assert told.read() == b"\n"
        _out, said = process.communicate(timeout=30)
    assert (process.returncode, "Traceback" in said, "Cancel" in said) == (0, False, False), said


@pytest.fixture
def refused(folder: Path, sayso: Call) -> Iterator[Callable[..., Said]]:
    """Call the command where it cannot serve; how it sets its process up is undone."""
    interval = sys.getswitchinterval()
    yield lambda *options: sayso("-C", folder, "review", "--no-browser", *options)
    sys.setswitchinterval(interval)
    gc.enable()


def test_a_port_in_use_is_one_line_with_what_to_do(refused: Callable[..., Said]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = refused("--port", port)
    assert (done.code, done.out) == (2, "")
    assert len(done.err.splitlines()) == 1
    assert port in done.err
    assert "--port" in done.err


@pytest.mark.parametrize("host", ["192.0.2.7", "no.such.host.invalid"])
def test_an_address_of_another_machine_is_one_line_with_what_to_do(refused: Callable[..., Said], host: str) -> None:
    done = refused("--port", "0", "--host", host)
    assert (done.code, len(done.err.splitlines())) == (2, 1), done.err
    assert "127.0.0.1" in done.err


def test_the_page_is_up_without_anything_that_learns(folder: Path) -> None:
    script = f"""
import sys
from pathlib import Path
from starlette.testclient import TestClient
from sayso.cli import main, review
from sayso.loop.workspace import Workspace
from sayso.store import people
from sayso.web import app, serving
with_store = Workspace.open({str(folder)!r}).store
with serving.open(with_store, serving.Wanted(host="127.0.0.1", port=0, owner="Lin")) as served:
    token = served.link.partition("token=")[2]
    page = TestClient(app.make(with_store), base_url="http://127.0.0.1").get("/?token=" + token)
    assert page.status_code == 200 and "<title>" in page.text, page.text
print("MODULES", *sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(done.stdout.rsplit("MODULES", 1)[1].split())
    assert loaded.isdisjoint(HEAVY), loaded & set(HEAVY)


def test_a_workspace_always_has_the_same_port(tmp_path: Path) -> None:
    assert serving.usual_port(tmp_path) == serving.usual_port(Path(str(tmp_path)))
    ports = {serving.usual_port(tmp_path / str(number)) for number in range(50)}
    assert len(ports) > 45
    assert all(1024 < port < 32768 for port in ports)


def test_the_owner_stays_the_same_person(folder: Path) -> None:
    workspace = Workspace.open(folder)
    wanted = serving.Wanted(host="127.0.0.1", port=0, owner="Lin")
    for _time in range(2):
        with serving.open(workspace.store, wanted) as served:
            assert people.reviewer_by_token(workspace.store, served.link.partition("token=")[2]) is not None
    assert [(person.name, person.role) for person in people.reviewers(workspace.store)] == [("Lin", "lead")]
    workspace.close()


def test_the_link_of_a_server_for_everyone_is_for_this_machine(folder: Path) -> None:
    workspace = Workspace.open(folder)
    with serving.open(workspace.store, serving.Wanted(host="0.0.0.0", port=0, owner="Lin")) as served:
        assert served.link.startswith("http://127.0.0.1:")
    workspace.close()
