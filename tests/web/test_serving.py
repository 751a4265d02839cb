"""The server of one workspace: what it does before anybody asks."""

from __future__ import annotations

import socket
from typing import Any

from sayso.web.serving import Serving


class Listening:
    """Takes one request where a server would serve."""

    def run(self, sockets: list[socket.socket]) -> None:
        connection, _address = sockets[0].accept()
        with connection:
            self.asked = connection.recv(65_536).decode()
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def test_a_server_asks_itself_for_the_first_page_so_that_the_first_visitor_need_not_wait() -> None:
    server: Any = Listening()
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen()
        link = f"http://127.0.0.1:{bound.getsockname()[1]}/?token=abc"
        Serving(server, bound, link).run()
    assert server.asked.startswith("GET / HTTP/1.1\r\nHost: 127.0.0.1:")
    assert "Authorization: Bearer abc\r\n" in server.asked
