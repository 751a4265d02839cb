"""An engine of our own that speaks OpenAI's chat protocol, on this machine only."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Engine:
    """An engine that says the last turn backwards, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.failures: list[int] = []
        self.refused: set[str] = set()
        self.delays: list[float] = []
        self.at_once = self.most = 0
        self.lock = threading.Lock()
        self.address = ""


@contextmanager
def running() -> Iterator[Engine]:
    engine = Engine()

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with engine.lock:
                engine.asked.append({**form, "key": self.headers["Authorization"], "path": self.path})
                status = engine.failures.pop(0) if engine.failures else 200
                status = 400 if form["messages"][-1]["content"] in engine.refused else status
                delay = engine.delays.pop(0) if engine.delays else 0.01
                engine.at_once += 1
                engine.most = max(engine.most, engine.at_once)
            time.sleep(delay)
            with engine.lock:
                engine.at_once -= 1
            said = {"role": "assistant", "content": form["messages"][-1]["content"][::-1]}
            good = {"id": "1", "object": "chat.completion", "created": 1, "model": form["model"],
                "choices": [{"index": 0, "finish_reason": "stop", "message": said}]}  # fmt: skip
            text = json.dumps(good if status == 200 else {"error": {"message": "The model is not loaded."}}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.send_header("Retry-After-Ms", "1")
            with suppress(ConnectionError):  # who asked has given up waiting
                self.end_headers()
                self.wfile.write(text)

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    engine.address = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield engine
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
