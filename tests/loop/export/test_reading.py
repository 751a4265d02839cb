"""What is exported is what the method itself makes of the examples; what is not is listed, setting by setting."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from tests.contracts.method import examples
from tests.loop.export.samples import data_set, lines, written

from sayso.batches import Row
from sayso.errors import PreflightError
from sayso.loop.export import TOOLS, llama_factory, ms_swift, reading, settings, trl
from sayso.loop.learning import method_of
from sayso.loop.settings import Settings
from sayso.methods import METHODS
from sayso.models.local import LocalModel
from sayso.records import Example, Message, Prompt, Response

CARRIED: dict[str, Any] = {"trl": trl.CARRIED, "llama-factory": llama_factory.CARRIED, "ms-swift": ms_swift.CARRIED}
EXPORTED = [name for name in METHODS if not reading.why_not(name)]


@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_exported_or_says_why_not(name: str, tiny_folder: Path, tmp_path: Path) -> None:
    reason = reading.why_not(name)
    assert (name in reading.FORMS) != bool(reason)
    assert not reason or len(reason.split()) > 5
    assert name not in METHODS or "only sayso's own methods" not in reason
    if not reason:
        found = written(data_set(tiny_folder, name), "trl", tmp_path / "out")
        assert found.count == len(lines(tmp_path / "out" / "train.jsonl")) > 0


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("name", EXPORTED)
def test_every_form_is_written_or_refused_with_a_reason(name: str, tool: str, tiny_folder: Path, tmp_path: Path) -> None:
    found = data_set(tiny_folder, name)
    if found.form in CARRIED[tool]:
        done = written(found, tool, tmp_path / "out")
        assert all(path.is_file() for path in done.files)
        assert {path.name for path in (tmp_path / "out").iterdir()} == {path.name for path in done.files}
        readme = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
        assert all(path.name in readme for path in done.files if path.name != "README.md")
        assert all(item.what in readme for item in done.lost)
    else:
        with pytest.raises(PreflightError, match=r"take --for trl"):
            written(found, tool, tmp_path / "out")
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("name", EXPORTED)
def test_every_setting_of_a_method_is_in_its_rows_carried_or_listed(name: str, tool: str, tiny_folder: Path) -> None:
    found = data_set(tiny_folder, name)
    if found.form not in CARRIED[tool]:
        return
    carried = CARRIED[tool][found.form]
    listed = {item.what.split(":")[0].removeprefix("method.") for item in settings.losses(found, carried)}
    every = {item.name for item in dataclasses.fields(found.method)}  # type: ignore[arg-type]
    off = {key for key, value in settings._OFF.items() if getattr(found.method, key, object()) == value}
    assert every <= carried | listed | off | settings.IN_ROWS.get(name, frozenset()) | {"learning_rate"}
    assert settings.IN_ROWS.get(name, frozenset()) <= every


def by_hand(policy: LocalModel, row: Row) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Return the runs of tokens that a row learns, each with the tokens before it."""
    starts = [place for place, weight in enumerate(row.weights) if weight and not (place and row.weights[place - 1])]
    ends = [next((at for at in range(start, len(row.ids)) if not row.weights[at]), len(row.ids)) for start in starts]
    return [(row.ids[:start], row.ids[start:end]) for start, end in zip(starts, ends, strict=True)]


@pytest.mark.parametrize("name", ["sft", "refine_sft", "conditional", "critique"])
@pytest.mark.parametrize("form", ["fcp", "chain"])
def test_the_texts_become_the_tokens_that_the_method_learns(
    name: str, form: str, tiny: LocalModel, tiny_folder: Path
) -> None:
    method: Any = {"name": name, **({"form": form} if name == "conditional" else {})}
    found = data_set(tiny_folder, method)
    rows = found.method.rows(examples(6), tiny)
    expected = [part for row in rows for part in by_hand(tiny, row)]
    got = [(tuple(tiny.encode_prompt(line.prompt)), tuple(tiny.encode_response(line.answer))) for line in found.lines]
    assert got == expected


def test_every_answer_of_a_conversation_is_a_row_of_its_own(tiny_folder: Path) -> None:
    turns = (
        Message(role="user", content="One?"),
        Message(role="assistant", content="1."),
        Message(role="user", content="2?"),
    )
    (given,) = examples(1)
    prompt = Prompt(messages=turns)
    response = Response(prompt=prompt, text="b")
    assert given.refinement is not None
    talk = Example(prompt=prompt, response=response, refinement=dataclasses.replace(given.refinement, response=response))
    found = data_set(tiny_folder, "sft", inside=[talk])
    assert [(len(line.prompt.messages), line.answer) for line in found.lines] == [(1, "1."), (3, given.refinement.text)]
    found = data_set(tiny_folder, {"name": "sft", "last_turn_only": True}, inside=[talk])
    assert [len(line.prompt.messages) for line in found.lines] == [3]


def test_pairs_are_the_refinement_over_its_response(tiny_folder: Path) -> None:
    given = examples(6)
    for name in ("refine_dpo", "scoped"):
        found = data_set(tiny_folder, name)
        expected = [(item.prompt.messages, item.refinement and item.refinement.text, item.response and item.response.text)
                    for item in given]  # fmt: skip
        assert [(pair.prompt.messages, pair.chosen, pair.rejected) for pair in found.pairs] == expected
        assert {line.kind for line in found.anchors} == {"near", "out"}


def test_a_pair_that_scoped_goes_round_to_stands_there_once(tiny_folder: Path) -> None:
    found = data_set(tiny_folder, "scoped", inside=examples(2))
    assert len(found.pairs) == 2
    assert [(item.what, item.count) for item in found.lost] == [("repetitions of pairs", 1)]


def test_without_the_guard_there_are_no_anchors(tiny_folder: Path, tmp_path: Path) -> None:
    with_guard = data_set(tiny_folder, "refine_dpo")
    assert len(with_guard.anchors) == 6
    lost = {item.what: item.count for item in written(with_guard, "trl", tmp_path / "one").lost}
    assert (lost["anchors"], lost["guard"]) == (6, 1)
    given = Settings(method="refine_dpo")
    off = dataclasses.replace(given, guard=dataclasses.replace(given.guard, enabled=False))
    assert reading._anchors(method_of(off), _material(), off) == ()
    assert not (tmp_path / "two").exists()


def _material() -> Any:
    from tests.contracts.method import anchor

    from sayso.loop.learning import Material

    return Material(examples=(), near=(anchor("near", 1),), out=(anchor("out", 1),), unrefined=0, left_out=0)


def test_praise_and_blame_weigh_what_the_method_weighs_them(tiny_folder: Path, tmp_path: Path) -> None:
    inside = [*examples(2), *[dataclasses.replace(item, refinement=None) for item in examples(6)[2:]]]
    found = data_set(tiny_folder, "polarity", inside=inside)
    assert [line.kind for line in found.lines].count("desirable") == 2
    praised, blamed = settings.class_weights(found)
    assert praised * 2 == pytest.approx(blamed * 6)
    written(found, "trl", tmp_path)
    assert [line["label"] for line in lines(tmp_path / "train.jsonl")].count(False) == 6
    assert trl.arguments_of(found)["desirable_weight"] == praised


def test_the_teacher_reads_in_trl_what_it_reads_here(tiny_folder: Path, tmp_path: Path) -> None:
    from sayso.models.templates import hindsight

    for show in (False, True):
        found = data_set(tiny_folder, {"name": "hindsight", "show_response": show})
        written(found, "trl", tmp_path)
        template = trl.arguments_of(found)["teacher_prompt_template"]
        for line, item in zip(lines(tmp_path / "train.jsonl"), examples(6), strict=True):
            read = template.format(prompt=line["prompt"][-1]["content"], privileged_context=line["privileged_context"])
            assert read == hindsight(item.prompt, item.response if show else None, item.comments).text
            assert item.comments[0].text in line["privileged_context"]


def test_another_place_of_the_comment_is_listed(tiny_folder: Path) -> None:
    for template in ("told", "refine"):
        found = data_set(tiny_folder, {"name": "hindsight", "template": template})
        assert {hint.words for hint in found.hints} == {"Say who."}
        assert "the place of the comments" in [item.what for item in found.lost]


def test_of_cut_what_can_be_held_is_the_context_that_tells_the_comment(tiny_folder: Path) -> None:
    found = data_set(tiny_folder, "cut")
    assert all("Say who." in line.prompt.text for line in found.lines)
    assert [(item.what, item.count) for item in found.lost] == [("responses without their comment", 6)]


def test_a_system_turn_that_the_template_would_lose_is_said_by_the_user(tiny_folder: Path) -> None:
    (item, *_rest) = examples(1)
    prompt = Prompt(messages=(Message(role="system", content="Be brief."), *item.prompt.messages))
    found = data_set(tiny_folder, "refine_sft", inside=[dataclasses.replace(item, prompt=prompt)])
    (row,) = trl.rows_of(found)
    assert row["prompt"] == [{"role": "user", "content": f"Be brief.\n\n{item.prompt.text}"}]
    (row,) = ms_swift.rows_of(found)  # it has templates of its own
    assert [turn["role"] for turn in row["messages"]] == ["system", "user", "assistant"]


def test_rows_that_weigh_less_are_listed(tiny_folder: Path) -> None:
    found = data_set(tiny_folder, "critique")
    assert [(item.count, "0.2" in item.reason) for item in found.lost] == [(6, True)]
    assert data_set(tiny_folder, {"name": "critique", "critique_weight": 1.0}).lost == ()


def test_the_checks_judge_answers_in_the_folder_as_they_do_here(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import runpy

    from sayso.critics.rewards import judge_of

    written(data_set(tiny_folder, "feedback_rl"), "trl", tmp_path)
    (line, *_rest) = lines(tmp_path / "train.jsonl")
    checks = runpy.run_path(str(tmp_path / "reward.py"))["checks"]
    answers = ["It ran away.", "?", "TTTT"]
    said = [[{"role": "assistant", "content": answer}] for answer in answers]
    got = checks(said, [line["comments"]] * 3, [line["response"]] * 3, prompts=[line["prompt"]] * 3)
    (item, *_more) = examples(1)
    judge = judge_of(item.comments, item.response)
    assert got == [judge(answer).reward for answer in answers]
    assert len(set(got)) == 2
    assert checks(answers, [line["comments"]] * 3, [""] * 3) == [1.0, 0.0, 0.0]


def test_what_edit_weighted_learns_is_refused_with_what_to_take_instead(tiny_folder: Path) -> None:
    assert "refine_dpo" in reading.why_not("edit_weighted")
    assert "refine_dpo" in reading.why_not("my_package:Mine")
