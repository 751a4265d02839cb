"""People and what they do beside commenting; columns and words that a queue and a search are asked of."""

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from sayso.store import search
from sayso.store.counted import count_again
from sayso.store.rows import head, kept, shuffle

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

CHUNK = 1000
COLUMNS: dict[str, dict[str, tuple[type[Any], str | None]]] = {  # name: type, and the default where it may not be null
    "prompts": {"family": (sa.Text, None), "head": (sa.Text, "")},
    "responses": {
        "head": (sa.Text, ""),
        "shuffle": (sa.Integer, "0"),
        "score": (sa.Float, None),
        "n_comments": (sa.Integer, "0"),
        "doubt": (sa.Float, "0"),
        "spread": (sa.Float, "0"),
        "contested": (sa.Integer, "0"),
    },
    "comments": {
        "author": (sa.Text, ""),
        "kind": (sa.Text, "fix"),
        "severity": (sa.Text, None),
        "created": (sa.Text, ""),
        "text": (sa.Text, ""),
        "said": (sa.Text, ""),
        "places": (sa.Text, ""),
    },
    "rejections": {"response_id": (sa.Text, None)},
}
INDEXES: dict[str, tuple[str, tuple[str, ...]]] = {
    "ix_prompts_family": ("prompts", ("family",)),
    "ix_responses_version": ("responses", ("version", "seq")),
    "ix_responses_prompt_id": ("responses", ("prompt_id", "version")),
    "ix_responses_shuffle": ("responses", ("shuffle", "seq")),
    "ix_responses_version_shuffle": ("responses", ("version", "shuffle", "seq")),
    "ix_responses_doubt": ("responses", ("doubt", "seq")),
    "ix_responses_version_doubt": ("responses", ("version", "doubt", "seq")),
    "ix_responses_spread": ("responses", ("spread", "seq")),
    "ix_responses_version_spread": ("responses", ("version", "spread", "seq")),
    "ix_comments_response_id": ("comments", ("response_id", "status", "author", "kind")),
    "ix_comments_author": ("comments", ("author", "seq", "created")),
    "ix_comments_said": ("comments", ("said",)),
    "ix_refinements_response_id": ("refinements", ("response_id",)),
    "ix_rejections_response_id": ("rejections", ("response_id",)),
    "ix_assignments_reviewer_id": ("assignments", ("reviewer_id", "state")),
    "ix_verdicts_reviewer_id": ("verdicts", ("reviewer_id",)),
}
PARTIAL = {"ix_responses_comments": ("seq", "n_comments"), "ix_responses_contested": ("spread", "seq", "contested")}
"""Of responses where the last column is not 0."""
WORDS = {"responses": "response_words", "comments": "comment_words"}
PEOPLE = ("tokens", "drafts", "assignments", "verdicts", "signoffs", "choices", "adjudications", "guideline", "reviewers")


def upgrade() -> None:
    op.drop_index("ix_responses_version", table_name="responses")
    for table, columns in COLUMNS.items():
        for name, (kind, default) in columns.items():
            op.add_column(table, sa.Column(name, kind(), nullable=default is None, server_default=default))
    _make_people()
    for name in WORDS.values():
        op.create_table(
            name,
            sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
            _text("words", ""),
            sa.PrimaryKeyConstraint("seq", name=f"pk_{name}"),
        )
    _make_search()
    _fill()
    for name, (table, indexed) in INDEXES.items():
        op.create_index(name, table, list(indexed))
    for name, indexed in PARTIAL.items():
        some = sa.text(f"{indexed[-1]} > 0")
        op.create_index(name, "responses", list(indexed), sqlite_where=some, postgresql_where=some)
    _count()


def downgrade() -> None:
    for name in PARTIAL:
        op.drop_index(name, table_name="responses")
    for name, (table, _columns) in INDEXES.items():
        op.drop_index(name, table_name=table)
    if op.get_bind().dialect.name == "sqlite":
        for table in WORDS:
            op.execute(f"DROP TABLE search_{table}_terms")
            op.execute(f"DROP TABLE search_{table}")
    for name in (*WORDS.values(), *PEOPLE):
        op.drop_table(name)
    for table, columns in COLUMNS.items():
        for name in columns:
            op.drop_column(table, name)
    op.create_index("ix_responses_version", "responses", ["version"])


def _make_people() -> None:
    _table("reviewers", _key("id"), *map(_text, ("name", "role")), _maybe("language"), _text("created"), _whole("active"),
           sa.UniqueConstraint("name", name="uq_reviewers_name"))  # fmt: skip
    _table("tokens", _key("hash"), _text("kind"), _points("tokens", "reviewer", nullable=True), _maybe("role"),
           _text("name", ""), _text("created"), _text("expires"), _maybe("used"))  # fmt: skip
    _pairs("drafts", "reviewer", "response", _text("body"), _text("updated"))
    by = _points("assignments", "reviewer", "assigned_by", nullable=True)
    _pairs("assignments", "response", "reviewer", _text("state"), by, _text("updated"))
    _pairs("verdicts", "response", "reviewer", _text("verdict"), _text("updated"))
    _pairs("signoffs", "refinement", "reviewer", _text("decision"), _text("created"))
    _table("choices", _points("choices", "reviewer"), _points("choices", "response", "left_id"),
           _points("choices", "response", "right_id"), _text("choice"), _text("reason", ""), _text("created"),
           sa.PrimaryKeyConstraint("reviewer_id", "left_id", "right_id", name="pk_choices"))  # fmt: skip
    _table("adjudications", _points("adjudications", "response"), _points("adjudications", "reviewer"), _text("verdict"),
           _text("reason", ""), _text("created"),
           sa.PrimaryKeyConstraint("response_id", name="pk_adjudications"))  # fmt: skip
    _table("guideline", sa.Column("seq", sa.Integer(), autoincrement=True, nullable=False), _text("text"),
           _points("guideline", "reviewer", "author"), _text("created"),
           sa.PrimaryKeyConstraint("seq", name="pk_guideline"), sqlite_autoincrement=True)  # fmt: skip


def _pairs(name: str, one: str, other: str, *columns: sa.Column[Any]) -> None:
    key = sa.PrimaryKeyConstraint(f"{one}_id", f"{other}_id", name=f"pk_{name}")
    _table(name, _points(name, one), _points(name, other), *columns, key)


def _table(name: str, *parts: Any, **options: Any) -> None:
    keys = [sa.PrimaryKeyConstraint(part.name, name=f"pk_{name}") for part in parts[:1] if isinstance(part, sa.Column)]
    given = any(isinstance(part, sa.PrimaryKeyConstraint) for part in parts)
    op.create_table(name, *parts, *([] if given else keys), **options)


def _key(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=False)


def _text(name: str, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=False, server_default=default)


def _maybe(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=True)


def _whole(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _points(table: str, target: str, name: str = "", *, nullable: bool = False) -> sa.Column[Any]:
    name = name or f"{target}_id"
    return sa.Column(name, sa.Text(), sa.ForeignKey(f"{target}s.id", name=f"fk_{table}_{name}"), nullable=nullable)


def _make_search() -> None:
    if op.get_bind().dialect.name == "postgresql":  # reads every text, until the next migration
        return
    for table, words in WORDS.items():
        op.execute(
            f"CREATE VIRTUAL TABLE search_{table} USING fts5"
            "(words, content='', detail='none', columnsize=0, tokenize='trigram case_sensitive 1')"
        )
        op.execute(f"CREATE VIRTUAL TABLE search_{table}_terms USING fts5vocab(search_{table}, row)")
        op.execute(  # the padding gives every place of the text a trigram that begins there
            f"CREATE TRIGGER {words}_found AFTER INSERT ON {words} BEGIN "
            f"INSERT INTO search_{table}(rowid, words) VALUES (new.seq, new.words || char(3, 3)); END"
        )


def _fill() -> None:
    for row in _bodies("prompts"):
        family, last = row.body.get("family"), row.body["messages"][-1]["content"]
        _set("prompts", row, family=None if family is None else kept(family), head=head(last))
    for row in _bodies("responses"):
        turns = [turn["content"] for turn in row.body["prompt"]["messages"] if turn["role"] != "system"]
        _set("responses", row, head=head(row.body["text"]), shuffle=shuffle(row.id))
        _keep_words("response_words", row.seq, "\n".join([*turns, row.body["text"]]))
    for row in _bodies("comments"):
        spans = [[span["start"], span["end"]] for span in row.body.get("spans", ())]
        words = {
            "author": kept(row.body.get("author", "")),
            "text": kept(row.body["text"]),
            "said": search.said(row.body["text"]),
        }
        form = {
            "kind": row.body.get("kind", "fix"),
            "created": row.body.get("created", ""),
            "severity": row.body.get("severity"),
        }
        _set("comments", row, **words, **form, places=json.dumps(spans) if spans else "")
        _keep_words("comment_words", row.seq, row.body["text"])
    for row in _bodies("rejections"):
        _set("rejections", row, response_id=row.body["response"]["id"])


class _Kept:
    def __init__(self, seq: int, record_id: str, body: str) -> None:
        self.seq, self.id, self.body = seq, record_id, json.loads(body)


def _bodies(table: str) -> Iterator[_Kept]:
    last = 0
    question = sa.text(f"SELECT seq, id, body FROM {table} WHERE seq > :last ORDER BY seq LIMIT {CHUNK}")
    while rows := op.get_bind().execute(question, {"last": last}).all():
        yield from (_Kept(row.seq, row.id, row.body) for row in rows)
        last = rows[-1].seq


def _set(table: str, row: _Kept, **values: Any) -> None:
    names = ", ".join(f"{name} = :{name}" for name in values)
    op.get_bind().execute(sa.text(f"UPDATE {table} SET {names} WHERE seq = :seq"), {"seq": row.seq, **values})


def _keep_words(table: str, seq: int, words: str) -> None:
    question = sa.text(f"INSERT INTO {table} (seq, words) VALUES (:seq, :words)")
    op.get_bind().execute(question, {"seq": seq, "words": search.fold(words)})


def _count() -> None:
    last = 0
    question = sa.text(f"SELECT seq, id FROM responses WHERE seq > :last ORDER BY seq LIMIT {CHUNK}")
    while rows := op.get_bind().execute(question, {"last": last}).all():
        count_again(op.get_bind(), [row.id for row in rows])
        last = rows[-1].seq
