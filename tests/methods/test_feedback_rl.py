"""Answers drawn while training: who is asked what, what it earns, which rows come of it, and that it learns."""

from __future__ import annotations

import dataclasses
from statistics import fmean

import pytest
import torch
from tests.contracts.method import _sharpened, examples
from tests.losses.test_policy_gradient import trainer

from sayso.batches import collate
from sayso.errors import NotFoundError, PreflightError, SettingsError
from sayso.methods.feedback_rl import FeedbackRl
from sayso.models.writing.sampling import Written
from sayso.records import Check, Comment, Example, Message, Prompt, Response, ask
from sayso.training.engine.drawing import source
from sayso.training.engine.optimizer import prepare
from sayso.training.settings import Train
from sayso.training.steps import steps

HAS_E = Check(name="regex", args={"pattern": "e"})
SHORT = Check(name="max_words", args={"n": 3})


class Told:
    """A model that says what it is told: answers by the prompt's last words, in turn; it notes what it was asked."""

    max_length = 10_000

    def __init__(self, tiny, answers, *, cut=()):
        self.tiny, self.answers, self.cut = tiny, {key: list(said) for key, said in answers.items()}, cut
        self.asked = []

    def encode_prompt(self, prompt):
        return self.tiny.encode_prompt(prompt)

    def write(self, prompts, sampling):
        self.asked.append((prompts, sampling))
        texts = [self.answers[prompt.text].pop(0) for prompt in prompts]
        return [Written(text=text, ids=tuple(self.tiny.encode_response(text)), ended=text not in self.cut) for text in texts]


def example(text="Greet me.", *comments, response="a b"):
    prompt = text if isinstance(text, Prompt) else ask(text)
    return Example(prompt=prompt, response=Response(prompt=prompt, text=response), comments=comments)


def comment(text, check):
    return Comment(text=text, check=check)


E = comment("Use an e.", HAS_E)
BRIEF = comment("At most three words.", SHORT)


def drawn(method, model, *given, step=0, seed=0):
    return method.draw(model, method.tasks(given, model), step=step, seed=seed)


def weights(found):
    return [(row.kind, round(row.weights[-1], 6)) for row in found.rows]


def test_failing_answers_are_told_the_comments_they_fail_and_no_others(tiny):
    model = Told(tiny, {"Greet me.": ["hello", "oh o o o"], "Use an e.\nAt most three words.": ["hey"]})
    drawn(FeedbackRl(num_generations=2), model, example("Greet me.", E, BRIEF))
    (first, _), (again, _) = model.asked
    assert [prompt.text for prompt in first] == ["Greet me."] * 2
    (second,) = again
    assert [message.content for message in second.messages] == ["Greet me.", "oh o o o", "Use an e.\nAt most three words."]


def test_second_answers_are_learnt_after_the_bare_prompt_by_what_they_earn_over_the_first(tiny):
    model = Told(tiny, {"Greet me.": ["hello", "oh", "no", "ah"], "Use an e.": ["hey", "so", "yes"]})
    found = drawn(FeedbackRl(num_generations=4), model, example("Greet me.", E))
    # r0 = 1, 0, 0, 0: their mean is .25; r1 = 1, 0, 1
    first = [("first", 0.75), ("first", -0.25), ("first", -0.25), ("first", -0.25)]
    assert weights(found) == [*first, ("told", 0.75), ("told", -0.25), ("told", 0.75)]
    assert (found.answers, found.reward, found.count) == (4, 0.25, 4)
    assert found.sums == {"level": 0, "ended": 1, "told": 3, "told_reward": pytest.approx(2 / 3)}
    told = found.rows[4]
    assert tiny.tokenizer.decode(told.ids) == "<|user|>Greet me.<|assistant|>hey<|end|>"
    assert told.label.startswith(f"{ask('Greet me.').id} {E.id}")


def test_critique_grpo_takes_the_best_second_answer_into_the_group(tiny):
    model = Told(tiny, {"Greet me.": ["hello", "oh", "no"], "Use an e.": ["so", "hey"]})
    found = drawn(FeedbackRl(shaping="critique_grpo", num_generations=3), model, example("Greet me.", E))
    # r = 1, 0, 0 and the best second one, 1: the mean is .5
    assert weights(found) == [("first", 0.5), ("first", -0.5), ("first", -0.5), ("told", 0.5)]


def test_where_all_earn_the_same_nothing_is_learnt_and_the_record_says_so(tiny):
    model = Told(tiny, {"Greet me.": ["hello", "hey"]})
    found = drawn(FeedbackRl(num_generations=2), model, example("Greet me.", E))
    assert found.rows == ()
    assert (found.answers, found.reward, found.sums["level"], found.sums["told"]) == (2, 1.0, 1.0, 0)


def test_without_a_weight_for_the_first_turn_only_second_answers_are_learnt(tiny):
    model = Told(tiny, {"Greet me.": ["hello", "oh"], "Use an e.": ["hey"]})
    found = drawn(FeedbackRl(num_generations=2, first_turn=0), model, example("Greet me.", E))
    assert weights(found) == [("told", 0.5)]


def test_an_answer_earns_the_share_of_the_checks_of_everything_said_of_its_prompt(tiny):
    twice = [example("Greet me.", E, response="one"), example("Greet me.", BRIEF, E, response="another")]
    given = [*twice, example("Part.", E)]
    model = Told(
        tiny, {"Greet me.": ["e o o o", "hey"], "Part.": ["e", "ee"], "At most three words.": ["e e e e"], "Use an e.": []}
    )
    found = drawn(FeedbackRl(num_generations=2), model, *given)
    assert len(model.asked[0][0]) == 4, "two answers each of two prompts, of which one has two examples"
    assert found.reward == fmean([0.5, 1, 1, 1])


@pytest.mark.parametrize("text", ["", "...", "e " * 40])
def test_what_is_no_answer_earns_nothing(text, tiny):
    model = Told(tiny, {"Greet me.": [text, "hey"], "Use an e.": ["hey"]})
    assert drawn(FeedbackRl(num_generations=2), model, example("Greet me.", E)).reward == 0.5


def test_an_answer_that_was_cut_off_earns_nothing_unless_it_may(tiny):
    for must_end, reward in ((True, 0.5), (False, 1.0)):
        model = Told(tiny, {"Greet me.": ["here", "hey"]}, cut=("here",))
        found = drawn(FeedbackRl(num_generations=2, must_end=must_end), model, example("Greet me.", E))
        assert found.reward == reward
        assert found.sums["ended"] == 0.5


def test_a_conversation_of_several_turns_is_asked_and_told_whole(tiny):
    turns = (("user", "Hi."), ("assistant", "Yes?"), ("user", "Greet me."))
    prompt = Prompt(messages=tuple(Message(role=role, content=text) for role, text in turns))
    model = Told(tiny, {"Greet me.": ["oh", "hey"], "Use an e.": ["hey"]})
    found = drawn(FeedbackRl(num_generations=2), model, example(prompt, E))
    assert [message.content for message in model.asked[1][0][0].messages] == ["Hi.", "Yes?", "Greet me.", "oh", "Use an e."]
    assert all(list(row.ids[: len(tiny.encode_prompt(prompt))]) == tiny.encode_prompt(prompt) for row in found.rows)


def test_every_step_and_every_turn_has_a_seed_of_its_own(tiny):
    seeds = []
    for step, seed in ((0, 0), (1, 0), (0, 1)):
        model = Told(tiny, {"Greet me.": ["oh", "hey"], "Use an e.": ["hey"]})
        drawn(FeedbackRl(num_generations=2), model, example("Greet me.", E), step=step, seed=seed)
        seeds += [sampling.seed for _prompts, sampling in model.asked]
    assert len(set(seeds)) == 6


def test_an_answer_too_long_to_be_told_has_no_second_one(tiny):
    model = Told(tiny, {"Greet me.": ["o" * 100, "oh"], "Use an e.": ["hey"]})
    model.max_length = 130
    found = drawn(FeedbackRl(num_generations=2, max_new_tokens=64), model, example("Greet me.", E, response="o"))
    assert found.sums["told"] == 1


def test_comments_without_a_check_are_refused_by_name(tiny):
    loose = Comment(text="Be kinder.", polarity=-1.0)
    with pytest.raises(PreflightError, match=rf"1 of 2 comments have no check, .*: {loose.id} \(Be kinder\.\); give"):
        FeedbackRl().tasks([example("Greet me.", E, loose)], tiny)


def test_a_check_that_is_not_there_is_said_before_anything_is_drawn(tiny):
    wrong = comment("Be short.", Check(name="max_word", args={"n": 3}))
    with pytest.raises(NotFoundError, match="did you mean 'max_words'"):
        list(FeedbackRl().rows([example("Greet me.", wrong)], tiny))


def test_a_prompt_that_leaves_no_room_is_named(tiny):
    long = example("word " * 45, E)
    with pytest.raises(PreflightError, match=f"1 of 2 prompts leave no room for the 64 tokens .* of 256: {long.prompt.id};"):
        FeedbackRl().tasks([example("Greet me.", E), long], tiny)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"num_generations": 1}, "num_generations: found 1; expected a number of at least 2"),
        ({"max_new_tokens": 0}, "max_new_tokens: found 0"),
        ({"gamma": 0.0}, "gamma: found 0.0; expected a number above 0"),
        ({"temperature": 0.0}, "temperature: found 0.0"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings, said):
    with pytest.raises(SettingsError, match=said):
        FeedbackRl(**settings)


@pytest.mark.filterwarnings("ignore")
def test_the_first_turn_is_trls_grpo_over_the_whole_group(tiny):
    """One answer of three earns the mean: it makes no row, and counts all the same."""
    from trl import GRPOTrainer

    texts = ["hey", "e o o o", "o o o o o"]
    model = Told(tiny, {"Greet me.": texts, BRIEF.text: ["no"], f"{E.text}\n{BRIEF.text}": ["no"]})
    method = FeedbackRl(num_generations=3, first_turn=1.0)
    found = drawn(method, model, example("Greet me.", E, BRIEF))
    first = [row for row in found.rows if row.kind == "first"]
    assert [row.weights[-1] for row in first] == [0.5, -0.5]
    mine = method.loss(tiny, tiny, collate(first, packed=tiny.packed, pad_id=tiny.pad_id)).total / found.count
    answers = [tiny.encode_response(text) for text in texts]
    prompt = tiny.encode_prompt(ask("Greet me."))
    logprobs = torch.zeros(3, max(map(len, answers)))
    for line, answer in enumerate(answers):
        logits = tiny.module(torch.tensor([[*prompt, *answer]])).logits[0, len(prompt) - 1 : -1]
        logprobs[line, : len(answer)] = logits.log_softmax(1).gather(1, torch.tensor(answer)[:, None]).squeeze(1)
    mask = torch.tensor([[1] * len(answer) + [0] * (logprobs.shape[1] - len(answer)) for answer in answers])
    theirs = GRPOTrainer._compute_loss(trainer(logprobs), None, {
        "prompt_ids": torch.zeros(3, 1, dtype=torch.long), "prompt_mask": torch.ones(3, 1, dtype=torch.long),
        "completion_ids": torch.zeros_like(mask), "completion_mask": mask, "advantages": torch.tensor([0.5, 0.0, -0.5]),
    })  # fmt: skip
    assert mine.item() == pytest.approx(theirs.item(), abs=1e-5)
    weight = tiny.module.lm_head.weight
    (one,), (other,) = (torch.autograd.grad(loss, [weight]) for loss in (mine, theirs))
    assert one.abs().max() > 1e-4
    assert torch.allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("shaping", ["rltf_sd", "critique_grpo"])
def test_the_loss_of_a_batch_equals_its_rows_one_by_one_by_the_formula(shaping, tiny):
    said = {"Greet me.": ["hello", "oh", "no"], "Use an e.": ["hey", "so"]}
    method = FeedbackRl(shaping=shaping, num_generations=3, first_turn=0.3, gamma=0.05)
    rows = drawn(method, Told(tiny, said), example("Greet me.", E)).rows
    loss = method.loss(tiny, tiny, collate(rows, packed=tiny.packed, pad_id=tiny.pad_id))
    slow = torch.zeros(())
    for row in rows:
        advantage, logprobs = row.weights[-1], tiny.token_logprobs(collate([row], packed=False))
        if row.kind == "first":
            slow = slow - 0.3 * advantage * (logprobs - logprobs.detach()).exp().mean()
        elif shaping == "rltf_sd":
            slow = slow - advantage * logprobs.mean()
        else:
            slow = slow - advantage * (logprobs.exp() / (logprobs.exp() + 0.05)).mean()
    assert loss.total.item() == pytest.approx(slow.item(), abs=1e-5)
    assert loss.count == len(rows)
    (mine,) = torch.autograd.grad(loss.total, [tiny.module.lm_head.weight])
    (theirs,) = torch.autograd.grad(slow, [tiny.module.lm_head.weight])
    assert torch.allclose(mine, theirs, atol=1e-5)


def judged_by(check):
    """Return the contract's examples, their comments judged by another check."""
    return [
        dataclasses.replace(item, comments=tuple(dataclasses.replace(said, check=check, id="") for said in item.comments))
        for item in examples()
    ]


@pytest.mark.parametrize("shaping", ["rltf_sd", "critique_grpo"])
def test_what_is_drawn_earns_more_and_more(shaping, tiny_copy):
    """A model that is drawn at random and knows no word comes to write an e."""
    settings = Train(
        max_steps=16, per_device_train_batch_size=5, learning_rate=1e-2, use_lora=False, warmup_ratio=0,
        lr_scheduler_type="constant",
    )  # fmt: skip
    method = FeedbackRl(shaping=shaping, max_new_tokens=16, must_end=False)
    policy = prepare(_sharpened(tiny_copy()), settings)
    records = list(steps(method, policy, source(method, judged_by(HAS_E), policy), settings))
    assert all(record.answers == 40 for record in records)
    first, last = (fmean(record.reward for record in part) for part in (records[:3], records[-3:]))
    assert first < 0.2
    assert last > first + 0.2
