"""Everything as a file for other tools, with the list of what it cannot hold."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from starlette.testclient import TestClient

from sayso.web.api_export import FORMATS


def archive(client: TestClient, name: str) -> dict[str, str]:
    answer = client.get(f"/api/export?format={name}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip"), answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as found:
        return {item: found.read(item).decode() for item in found.namelist()}


def test_every_format_is_an_archive_with_the_list_of_what_it_cannot_hold(lead: TestClient) -> None:
    form = {"key": "k", "text": "Say thank you first.", "spans": [{"start": 0, "end": 4}]}
    lead.post("/api/responses/r-2/comments", json=form)
    lead.post("/api/responses/r-2/refinements", json={"text": "Thank you, Mei."})
    assert "Say thank you first." in archive(lead, "sayso")["sayso.jsonl"]
    assert lead.get("/api/export/formats").json()["items"] == list(FORMATS)
    for name in FORMATS:
        lost = json.loads(archive(lead, name)["lost.json"])
        assert lost["format"] == name
    assert json.loads(archive(lead, "trl-sft")["lost.json"])["lost"]


@pytest.mark.parametrize("name", ["nothing", "os:getcwd", "sayso.store.bridges.trl:write_kto", "../../etc/passwd", ""])
def test_a_format_that_is_not_ours_is_refused(lead: TestClient, name: str) -> None:
    answer = lead.get("/api/export", params={"format": name})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "format")


def test_only_a_lead_takes_everything_out(mei: TestClient) -> None:
    assert mei.get("/api/export").status_code == 403
    assert mei.get("/api/export/formats").status_code == 403
