"""Working as a team over the API: progress, invitations, sharing out, deciding, the guideline, two versions side by side."""

from __future__ import annotations

from starlette.testclient import TestClient


def ids(client: TestClient) -> dict[str, str]:
    return {item["name"]: item["id"] for item in client.get("/api/team").json()["reviewers"]}


def test_everybody_sees_how_far_everybody_is(lead: TestClient, mei: TestClient) -> None:
    mei.post("/api/responses/r-2/comments", json={"key": "k", "text": "Warm."})
    mei.post("/api/responses/r-2/state", json={"state": "done"})
    members = {item["name"]: item for item in mei.get("/api/team").json()["reviewers"]}
    assert (members["Mei"]["done"], members["Mei"]["comments"], members["Mei"]["comments_today"]) == (1, 1, 1)
    assert (members["Lin"]["role"], members["Lin"]["done"]) == ("lead", 0)


def test_agreement_is_told_with_its_interval_or_with_why_not(lead: TestClient, mei: TestClient, ann: TestClient) -> None:
    assert lead.get("/api/team").json()["agreement"]["verdicts"] is None
    for response, one, other in (("r-2", "good", "good"), ("r-3", "bad", "bad"), ("r-chat", "good", "bad")):
        mei.put(f"/api/responses/{response}/verdict", json={"verdict": one})
        ann.put(f"/api/responses/{response}/verdict", json={"verdict": other})
    agreement = lead.get("/api/team").json()["agreement"]
    assert agreement["verdicts"]["n"] == 3
    assert agreement["verdicts"]["low"] <= agreement["verdicts"]["alpha"] <= agreement["verdicts"]["high"]
    assert [(pair["a"], pair["b"]) for pair in agreement["pairs"]] == [("Ann", "Mei")]


def test_only_a_lead_is_told_who_is_still_to_come(lead: TestClient, mei: TestClient) -> None:
    lead.post("/api/invitations", json={"name": "Zoe", "role": "reviewer"})
    (waiting,) = lead.get("/api/team").json()["invitations"]
    assert (waiting["name"], waiting["role"]) == ("Zoe", "reviewer")
    assert mei.get("/api/team").json()["invitations"] == []


def test_a_person_who_lost_their_session_is_let_in_again(lead: TestClient, mei: TestClient, stranger: TestClient) -> None:
    link = lead.post(f"/api/reviewers/{ids(lead)['Mei']}/invitations").json()["link"]
    assert stranger.post("/join", data={"invitation": link.partition("invitation=")[2]}).status_code == 303
    assert stranger.get("/api/me").json()["name"] == "Mei"


def test_responses_are_shared_out_with_overlap(lead: TestClient, mei: TestClient, ann: TestClient) -> None:
    people = [ids(lead)[name] for name in ("Mei", "Ann")]
    made = lead.post("/api/assignments", json={"reviewer_ids": people, "count": 2, "overlap": 2}).json()
    assert made == {"assigned": dict.fromkeys(people, 2), "responses": 2}
    assert mei.get("/api/queue").json()["total"] == 2
    again = lead.post("/api/assignments", json={"reviewer_ids": people, "count": 5, "overlap": 1}).json()
    assert again["responses"] == 1


def test_too_much_overlap_is_refused(lead: TestClient) -> None:
    answer = lead.post("/api/assignments", json={"reviewer_ids": [ids(lead)["Lin"]], "count": 2, "overlap": 2})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "overlap")


def test_a_lead_decides_where_people_differ(lead: TestClient, mei: TestClient, ann: TestClient) -> None:
    mei.put("/api/responses/r-2/verdict", json={"verdict": "good"})
    ann.put("/api/responses/r-2/verdict", json={"verdict": "bad"})
    ann.post("/api/responses/r-2/comments", json={"key": "k", "text": "Cold.", "kind": "concern"})
    (dispute,) = lead.get("/api/adjudication").json()["items"]
    assert dispute["response_id"] == "r-2"
    assert dispute["verdicts"] == [{"name": "Ann", "verdict": "bad"}, {"name": "Mei", "verdict": "good"}]
    assert dispute["kinds"] == [{"name": "Ann", "kinds": ["concern"]}]
    assert lead.post("/api/adjudication/r-2", json={"verdict": "needs_work", "reason": "Kind, but cold."}).status_code == 204
    assert lead.get("/api/adjudication").json()["items"] == []
    assert mei.get("/api/responses/r-2").json()["resolution"]["reason"] == "Kind, but cold."


def test_a_guideline_is_not_written_over_a_newer_one(lead: TestClient, mei: TestClient) -> None:
    assert mei.get("/api/guideline").json()["seq"] == 0
    first = lead.put("/api/guideline", json={"text": "# Be **fair**", "seq": 0}).json()
    assert (first["html"], first["author"]) == ("<h1>Be <strong>fair</strong></h1>\n", "Lin")
    late = lead.put("/api/guideline", json={"text": "Be quick", "seq": 0})
    assert (late.status_code, late.json()["guideline"]["text"]) == (409, "# Be **fair**")
    assert lead.put("/api/guideline", json={"text": "Be quick", "seq": first["seq"]}).status_code == 200


def test_two_versions_are_compared_without_their_names(mei: TestClient, ann: TestClient) -> None:
    (pair,) = mei.get("/api/pairs?a=v1&b=v2").json()["items"]
    assert {pair["left"]["id"], pair["right"]["id"]} == {"r-2", "r-3"}
    assert "version" not in str(pair)
    choice = {"left": pair["left"]["id"], "right": pair["right"]["id"], "choice": "left", "reason": "Warmer."}
    assert mei.post("/api/pairs", json=choice).status_code == 204
    assert mei.get("/api/pairs?a=v1&b=v2").json()["items"] == []
    assert len(ann.get("/api/pairs?a=v1&b=v2").json()["items"]) == 1
    tally = mei.get("/api/pairs/tally?a=v1&b=v2").json()
    assert (tally["a"] + tally["b"], tally["ties"]) == (1, 0)
    assert mei.get("/api/pairs?a=v1&b=v1").status_code == 422


def test_the_overview_counts_what_there_is(mei: TestClient) -> None:
    mei.post("/api/responses/r-2/comments", json={"key": "k", "text": "Warm."})
    found = mei.get("/api/overview").json()
    assert (found["totals"]["responses"], found["totals"]["commented"]) == (3, 1)
    assert {item["family"]: item["commented"] for item in found["coverage"]} == {"letters": 1, None: 0}
