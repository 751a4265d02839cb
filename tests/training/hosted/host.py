"""A host of our own that speaks OpenAI's protocol of files and fine-tuning jobs, on this machine only."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlparse

KEY = "key-of-the-test"


@dataclass
class Host:
    """What the host knows, and how it is to behave."""

    files: dict[str, str] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    course: list[str] = field(default_factory=lambda: ["validating_files", "running", "succeeded"])
    """The states that a job goes through, one a question."""
    refuse: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    """Answers with errors, by path, given before the host does what it is asked."""
    swallow_starts: int = 0
    """Jobs that are started although the answer does not come."""
    asked: list[str] = field(default_factory=list)
    address: str = ""

    def started(self, form: dict[str, Any]) -> dict[str, Any]:
        """Start a job."""
        name = f"ftjob-{len(self.jobs) + 1}"
        self.jobs[name] = {
            "id": name, "object": "fine_tuning.job", "created_at": 1, "model": form["model"], "status": "queued",
            "training_file": form["training_file"], "validation_file": form.get("validation_file"), "error": None,
            "fine_tuned_model": None, "finished_at": None, "organization_id": "org", "result_files": [],
            "trained_tokens": None, "method": form["method"], "hyperparameters": {}, "seed": form["seed"],
            "asked_for": form, "left": list(self.course),
        }  # fmt: skip
        return self.jobs[name]

    def looked_at(self, name: str) -> dict[str, Any]:
        """Return a job, one state on."""
        job = self.jobs[name]
        if job["left"]:
            job["status"] = job["left"].pop(0)
        if job["status"] == "succeeded":
            suffix = job["asked_for"].get("suffix", "")
            job |= {"fine_tuned_model": f"ft:{job['model']}:org:{suffix}:1", "trained_tokens": 1234}
        if job["status"] == "failed":
            job["error"] = {"code": "invalid_training_file", "message": "Line 7 has no assistant.", "param": None}
        return job


class _Answers(BaseHTTPRequestHandler):
    """What the host says to one question."""

    host: Host

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def log_message(self, *_args: object) -> None:
        pass

    def _answer(self, kind: str) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlparse(self.path).path.removeprefix("/v1")
        self.host.asked.append(f"{kind} {path}")
        if self.headers.get("Authorization") != f"Bearer {KEY}":
            self._give(401, {"error": {"message": "Incorrect API key provided.", "type": "invalid_request_error"}})
        elif self.host.refuse.get(path):
            status, message = self.host.refuse[path].pop(0)
            self._give(status, {"error": {"message": message, "type": "invalid_request_error"}})
        else:
            self._do(kind, path, body)

    def _do(self, kind: str, path: str, body: bytes) -> None:
        job = re.fullmatch(r"/fine_tuning/jobs/([\w-]+)(/events)?", path)
        if (kind, path) == ("POST", "/files"):
            name = f"file-{len(self.host.files) + 1}"
            self.host.files[name] = self._part(body)
            self._give(200, {"id": name, "object": "file", "bytes": len(self.host.files[name]), "created_at": 1,
                "filename": "sent.jsonl", "purpose": "fine-tune", "status": "processed"})  # fmt: skip
        elif (kind, path) == ("POST", "/fine_tuning/jobs"):
            found = self.host.started(json.loads(body))
            if self.host.swallow_starts:
                self.host.swallow_starts -= 1
                self.close_connection = True
                self.connection.shutdown(2)
                return
            self._give(200, found)
        elif (kind, path) == ("GET", "/fine_tuning/jobs"):
            self._give(200, {"object": "list", "data": list(self.host.jobs.values())[::-1], "has_more": False})
        elif kind == "GET" and job and job[2]:
            event = {"id": "e", "object": "fine_tuning.job.event", "created_at": 1, "level": "info",
                "message": f"The job is {self.host.jobs[job[1]]['status']}.", "type": "message", "data": None}  # fmt: skip
            self._give(200, {"object": "list", "data": [event], "has_more": False})
        elif kind == "GET" and job and job[1] in self.host.jobs:
            self._give(200, self.host.looked_at(job[1]))
        else:
            self._give(404, {"error": {"message": f"There is no {path}.", "type": "invalid_request_error"}})

    def _part(self, body: bytes) -> str:
        """Return the file in a form of several parts; the form says what it is for."""
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        parts = {
            str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True)
            for part in BytesParser(policy=HTTP).parsebytes(head + body).iter_parts()  # type: ignore[attr-defined]
        }
        assert parts["purpose"].strip() == b"fine-tune"
        return str(parts["file"].decode())

    def _give(self, status: int, form: dict[str, Any]) -> None:
        text = json.dumps(form).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        if status == 429:
            self.send_header("Retry-After-Ms", "1")
        self.end_headers()
        self.wfile.write(text)


@contextmanager
def hosting() -> Iterator[Host]:
    """Serve on 127.0.0.1 for the time of a block."""
    host = Host()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Answers", (_Answers,), {"host": host}))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    host.address = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield host
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
