"""Small samples of other tools' files, written by us after the public documentation that each bridge names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sayso.store.bridges import moving
from sayso.store.bridges.results import Bridged

QUESTION = "How do I reset my password?"
ANSWER = "Click the gear. Then click Reset. 🙂 It takes a minute."
BETTER = "Open Settings, choose Security, and click Reset."
WORDS = "Say which page the gear is on."


def reading(folder: Path, value: Any, name: str, *, file: str = "file.json") -> Bridged:
    """Write a value as JSON (a list of lines for `.jsonl`) and read it with a bridge."""
    path = folder / file
    if file.endswith(".jsonl"):
        path.write_text("".join(json.dumps(line) + "\n" for line in value), encoding="utf-8")
    else:
        path.write_text(json.dumps(value, indent=1), encoding="utf-8")
    return moving.read(path, name)


def lost(found: Bridged) -> dict[str, int]:
    """What was lost, and in how many records."""
    return {item.what: item.count for item in found.lost}


LABEL_STUDIO = [
    {
        "id": 7,
        "data": {"question": QUESTION, "answer": ANSWER},
        "annotations": [
            {
                "id": 11,
                "completed_by": {"id": 3, "email": "ann@example.org"},
                "created_at": "2026-01-31T09:30:00.000000Z",
                "was_cancelled": False,
                "result": [
                    {
                        "id": "r1", "from_name": "label", "to_name": "answer", "type": "labels",
                        "value": {"start": 0, "end": 15, "text": "Click the gear.", "labels": ["vague"]},
                    },
                    {
                        "id": "r1", "from_name": "why", "to_name": "answer", "type": "textarea",
                        "value": {"start": 0, "end": 15, "text": [WORDS]},
                    },
                    {
                        "id": "r2", "from_name": "label", "to_name": "answer", "type": "labels",
                        "value": {"start": 36, "end": 53, "text": "It takes a minute", "labels": ["unverified"]},
                    },
                    {
                        "id": "r3", "from_name": "tone", "to_name": "answer", "type": "choices",
                        "value": {"choices": ["curt"]},
                    },
                    {
                        "id": "r4", "from_name": "corrected_answer", "to_name": "answer", "type": "textarea",
                        "value": {"text": [BETTER]},
                    },
                    {"id": "r5", "from_name": "stars", "to_name": "answer", "type": "rating", "value": {"rating": 2}},
                ],
            },
            {"id": 12, "completed_by": 4, "was_cancelled": True, "result": []},
        ],
    }
]  # fmt: skip
ARGILLA = [
    {
        "id": "rec-1",
        "fields": {"prompt": [{"role": "user", "content": QUESTION}], "response": ANSWER},
        "metadata": {"team": "support"},
        "suggestions": {"tone": {"value": "curt", "score": 0.7, "agent": "tone-model"}},
        "responses": {
            "comment": [{"value": WORDS, "user_id": "u1"}, {"value": "Friendly ending.", "user_id": "u2"}],
            "places": [{"value": [{"start": 0, "end": 15, "label": "concern"}], "user_id": "u1"}],
            "kind": [{"value": "keep", "user_id": "u2"}],
            "corrected": [{"value": BETTER, "user_id": "u1"}],
            "stars": [{"value": 3, "user_id": "u1"}],
        },
        "vectors": {},
        "status": "completed",
        "_server_id": "s-1",
    }
]
ARGILLA_FLAT = [
    {
        "id": "rec-1",
        "status": "completed",
        "prompt": QUESTION,
        "response": ANSWER,
        "comment.responses": [WORDS],
        "comment.responses.users": ["u1"],
        "comment.responses.status": ["submitted"],
        "tone.suggestion": "curt",
        "tone.suggestion.agent": "tone-model",
        "tone.suggestion.score": 0.7,
    }
]
LANGFUSE_TRACE = {
    "id": "t1",
    "name": "chat",
    "input": {"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": QUESTION}]},
    "output": {"role": "assistant", "content": ANSWER},
    "observations": [{"id": "o1", "type": "GENERATION", "input": QUESTION, "output": "Gear, Reset.", "model": "small-1"}],
    "scores": [
        {
            "id": "s1", "name": "thumb", "value": 0, "dataType": "BOOLEAN", "comment": WORDS, "source": "ANNOTATION",
            "authorUserId": "ann", "timestamp": "2026-01-31T09:30:00.000Z", "traceId": "t1",
        },
        {"id": "s2", "name": "stars", "value": 4, "dataType": "NUMERIC", "comment": "Kind.", "traceId": "t1"},
        {"id": "s3", "name": "thumb", "value": 1, "dataType": "BOOLEAN", "comment": None, "traceId": "t1"},
        {"id": "s4", "name": "output", "stringValue": BETTER, "dataType": "CORRECTION", "traceId": "t1"},
        {"id": "s5", "name": "thumb", "value": 1, "dataType": "BOOLEAN", "comment": "Short.", "observationId": "o1"},
    ],
}  # fmt: skip
PHOENIX_SPANS = [
    {
        "context.span_id": "67f6740bbe1ddc3f",
        "name": "ChatCompletion",
        "attributes.input.value": json.dumps({"messages": [{"role": "user", "content": QUESTION}]}),
        "attributes.output.value": ANSWER,
        "attributes.llm.model_name": "small-1",
    }
]
PHOENIX_ANNOTATIONS = {
    "data": [
        {
            "span_id": "67f6740bbe1ddc3f", "name": "helpful", "annotator_kind": "HUMAN", "user_id": "ann",
            "created_at": "2026-01-31T09:30:00+00:00", "result": {"label": "no", "score": 0.0, "explanation": WORDS},
        },
        {
            "span_id": "67f6740bbe1ddc3f", "name": "helpful", "annotator_kind": "LLM",
            "result": {"score": 1.0, "explanation": "Kind."},
        },
        {"span_id": "67f6740bbe1ddc3f", "name": "tone", "annotator_kind": "CODE", "result": {"label": "curt"}},
        {"span_id": "67f6740bbe1ddc3f", "name": "helpful", "annotator_kind": "HUMAN", "result": {"score": 0.5}},
    ]
}  # fmt: skip
OPEN_WEBUI = [
    {
        "id": "f1",
        "user_id": "ann",
        "version": 0,
        "type": "rating",
        "data": {"rating": -1, "model_id": "small-1", "reason": "not_helpful", "comment": WORDS, "tags": ["account"]},
        "meta": {"message_id": "m2", "chat_id": "c1", "message_index": 1},
        "snapshot": {
            "chat": {
                "id": "c1",
                "chat": {
                    "history": {
                        "messages": {
                            "m1": {"id": "m1", "parentId": None, "role": "user", "content": QUESTION},
                            "m2": {"id": "m2", "parentId": "m1", "role": "assistant", "content": ANSWER},
                        },
                        "currentId": "m2",
                    }
                },
            }
        },
        "created_at": 1769851800,
        "updated_at": 1769851800,
    }
]
KILN_RUN = {
    "v": 1,
    "id": "run1",
    "created_at": "2026-01-31T09:30:00",
    "created_by": "ann",
    "input": QUESTION,
    "input_source": {"type": "human", "properties": {"created_by": "ann"}},
    "output": {
        "output": ANSWER,
        "source": {"type": "synthetic", "properties": {"model_name": "small-1", "model_provider": "local"}},
        "rating": {"type": "five_star", "value": 2.0},
    },
    "repair_instructions": WORDS,
    "repaired_output": {"output": BETTER},
    "model_type": "task_run",
}
GITHUB = [
    {
        "id": 10,
        "path": "app/reset.py",
        "pull_request_url": "https://api.github.com/repos/acme/shop/pulls/7",
        "diff_hunk": "@@ -10,3 +10,4 @@ def reset(user):\n     token = make()\n-    send(token)\n"
        "+    token = token\n+    send(user, token)",
        "side": "RIGHT",
        "original_start_line": 11,
        "original_line": 12,
        "body": "This line does nothing.\r\n```suggestion\r\n    send(user, token)\r\n```\r\n",
        "user": {"login": "ann"},
        "created_at": "2026-01-31T09:30:00Z",
        "original_commit_id": "abc123",
    },
    {"id": 11, "in_reply_to_id": 10, "path": "app/reset.py", "body": "Done.", "diff_hunk": "@@ -1 +1 @@\n+x"},
]
DOCCANO = [
    {
        "id": 1,
        "text": ANSWER,
        "label": [[0, 15, "vague"], [37, 54, "unverified"]],
        "Comments": [WORDS],
        "question": QUESTION,
    },
    {
        "id": 2,
        "text": ANSWER,
        "entities": [{"id": 5, "label": "concern", "start_offset": 0, "end_offset": 15}],
        "relations": [],
        "Comments": [WORDS],
        "question": QUESTION,
    },
]
