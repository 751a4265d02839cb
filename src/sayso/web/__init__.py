"""The review page: a small web server over an open store, for people who say what is wrong with a model's answers.

    sayso.web.app        makes the application from a store
    sayso.web.served     one workspace, which each request brings to the application
    sayso.web.guard      what every request passes: host, size, who asks, forgery
    sayso.web.pages      the pages, drawn from `templates/`
    sayso.web.api_*      the JSON under /api, a file for each noun; the pages use nothing else

It never loads a model. Database work runs in threads; nothing is fetched from another host.
"""

from __future__ import annotations

__all__: list[str] = []
