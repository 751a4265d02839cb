"""The queue and one response: read, judged, drafted, marked, improved."""

from __future__ import annotations

from starlette.testclient import TestClient

from sayso.records import Response, ask
from sayso.store import answering, people, teamwork
from sayso.store.database import Store


def test_the_queue_lists_responses_with_the_reader_s_counts(mei: TestClient) -> None:
    found = mei.get("/api/queue?order=oldest").json()
    assert [(item["id"], item["prompt"], item["version"], item["my_state"]) for item in found["items"]] == [
        ("r-chat", "**Hello?**", "v1", "todo"),
        ("r-2", "Write to Mei.", "v1", "todo"),
        ("r-3", "Write to Mei.", "v2", "todo"),
    ]
    assert (found["total"], found["next"], found["counts"]) == (3, None, {"todo": 3, "done": 0, "comments": 0})


def test_the_queue_goes_on_where_a_page_ended(mei: TestClient) -> None:
    for order in ("newest", "oldest", "random", "uncertain", "disagreement"):
        seen, after = [], ""
        while True:
            page = mei.get(f"/api/queue?order={order}&limit=1{after}").json()
            seen += [item["id"] for item in page["items"]]
            if page["next"] is None:
                break
            after = f"&after={page['next']}"
        assert sorted(seen) == ["r-2", "r-3", "r-chat"], order


def test_the_queue_is_narrowed_by_words_and_version(mei: TestClient) -> None:
    assert [item["id"] for item in mei.get("/api/queue?search=thank you").json()["items"]] == ["r-3"]
    assert [item["id"] for item in mei.get("/api/queue?version=v1&order=oldest").json()["items"]] == ["r-chat", "r-2"]
    assert mei.get("/api/versions").json() == {
        "items": [{"version": "v2", "responses": 1}, {"version": "v1", "responses": 2}]
    }


def test_a_response_comes_as_it_is_stored_and_as_safe_html(mei: TestClient) -> None:
    found = mei.get("/api/responses/r-chat").json()
    assert found["text"] == "# Hi\n\nThere you are 😀, <b>friend</b>."
    assert found["html"] == "<h1>Hi</h1>\n<p>There you are 😀, &lt;b&gt;friend&lt;/b&gt;.</p>\n"
    assert [turn["role"] for turn in found["prompt"]["messages"]] == ["system", "user"]
    assert found["prompt"]["messages"][1]["html"] == "<p><strong>Hello?</strong></p>\n"
    assert (found["state"], found["verdict"], found["draft"], found["comments"]) == ("todo", None, None, [])


def test_other_responses_to_the_prompt_stand_beside_it(mei: TestClient) -> None:
    assert mei.get("/api/responses/r-2").json()["siblings"] == [{"id": "r-3", "version": "v2", "text": "Mei! Thank you."}]


def test_a_draft_is_kept_for_its_writer_only(mei: TestClient, ann: TestClient) -> None:
    assert mei.put("/api/responses/r-2/draft", json={"body": {"text": "Too sh", "at": [0, 4]}}).status_code == 204
    assert mei.get("/api/responses/r-2").json()["draft"] == {"text": "Too sh", "at": [0, 4]}
    assert ann.get("/api/responses/r-2").json()["draft"] is None
    assert mei.delete("/api/responses/r-2/draft").status_code == 204
    assert mei.get("/api/responses/r-2").json()["draft"] is None


def test_a_verdict_is_given_changed_and_taken_back(mei: TestClient, ann: TestClient) -> None:
    for verdict in ("good", "bad"):
        assert mei.put("/api/responses/r-2/verdict", json={"verdict": verdict}).status_code == 204
    assert mei.get("/api/responses/r-2").json()["verdict"] == "bad"
    assert ann.get("/api/responses/r-2").json()["verdicts"] == [{"name": "Mei", "verdict": "bad", "mine": False}]
    assert mei.put("/api/responses/r-2/verdict", json={"verdict": None}).status_code == 204
    assert mei.get("/api/responses/r-2").json()["verdicts"] == []


def test_a_response_that_is_done_leaves_the_reader_s_queue(mei: TestClient, ann: TestClient) -> None:
    assert mei.post("/api/responses/r-2/state", json={"state": "done"}).status_code == 204
    assert mei.get("/api/queue").json()["counts"] == {"todo": 2, "done": 1, "comments": 0}
    assert ann.get("/api/queue").json()["total"] == 3
    assert mei.post("/api/responses/r-2/state", json={"state": "todo"}).status_code == 204
    assert mei.get("/api/queue").json()["total"] == 3


def test_a_better_answer_is_kept_once_and_signed_off(mei: TestClient, lead: TestClient) -> None:
    form = {"key": "k1", "text": "Dear Mei,\nthank you so much.", "addresses": []}
    made = [mei.post("/api/responses/r-2/refinements", json=form) for _time in range(2)]
    assert [answer.status_code for answer in made] == [201, 201]
    assert made[0].json() == made[1].json()
    refinement = made[0].json()["id"]
    assert lead.post(f"/api/refinements/{refinement}/signoff", json={"decision": "accepted"}).status_code == 204
    (found,) = mei.get("/api/responses/r-2").json()["refinements"]
    assert (found["refiner"], found["signoffs"]) == ("Mei", [{"name": "Lin", "decision": "accepted", "mine": False}])


def test_who_was_asked_for_a_view_of_their_own_does_not_see_others_before_they_are_done(
    store: Store, lead: TestClient, mei: TestClient, ann: TestClient
) -> None:
    ids = {name: person.id for person in people.reviewers(store) for name in [person.name]}
    by = people.reviewer(store, ids["Lin"])
    teamwork.assign(store, ["r-2"], [ids["Mei"], ids["Ann"]], overlap=2, by=by)
    answering.set_verdict(store, people.reviewer(store, ids["Mei"]), "r-2", "bad")
    assert mei.post("/api/responses/r-2/comments", json={"key": "a", "text": "Too short."}).status_code == 201
    before = ann.get("/api/responses/r-2").json()
    assert (before["others_hidden"], before["comments"], before["verdicts"]) == (True, [], [])
    assert len(lead.get("/api/responses/r-2").json()["comments"]) == 1
    ann.post("/api/responses/r-2/state", json={"state": "done"})
    after = ann.get("/api/responses/r-2").json()
    assert (after["others_hidden"], len(after["comments"]), len(after["verdicts"])) == (False, 1, 1)


def test_a_response_that_is_not_there_is_said_to_be_missing_with_near_ones(mei: TestClient) -> None:
    answer = mei.get("/api/responses/r-cha")
    assert answer.status_code == 404
    assert "r-chat" in answer.json()["error"]["message"]


def test_an_id_may_hold_a_slash(store: Store, mei: TestClient) -> None:
    store.add_responses([Response(id="a/b?c/draft", prompt=ask("x"), text="y")])
    found = mei.get("/api/responses/a%2Fb%3Fc%2Fdraft")
    assert found.json()["id"] == "a/b?c/draft"
    assert mei.put("/api/responses/a%2Fb%3Fc%2Fdraft/verdict", json={"verdict": "good"}).status_code == 204
