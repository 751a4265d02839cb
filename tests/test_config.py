"""Settings from YAML and --set."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sayso import config
from sayso.errors import NotFoundError, SettingsError


@dataclass(frozen=True, kw_only=True, slots=True)
class Inner:
    max_steps: int = 3
    names: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Outer:
    method: str
    train: Inner = field(default_factory=Inner)
    rate: float | None = None


def test_settings_are_built_from_a_mapping_with_defaults():
    assert config.build(Outer, {"method": "x", "train": {"max_steps": 5}}, where="a.yaml") == Outer(
        method="x", train=Inner(max_steps=5)
    )


def test_settings_survive_being_dumped_and_read_back(tmp_path: Path):
    settings = Outer(method="说话", train=Inner(names=("a", "b")), rate=0.5)
    path = tmp_path / "a.yaml"
    path.write_text(config.dump(settings), encoding="utf-8")
    assert config.build(Outer, config.read(path), where="a.yaml") == settings


def test_an_unknown_key_names_the_nearest_one_with_its_path():
    with pytest.raises(SettingsError, match=r"a\.yaml: unknown key 'train\.max_step'; did you mean 'max_steps'"):
        config.build(Outer, {"method": "x", "train": {"max_step": 5}}, where="a.yaml")


def test_an_unknown_key_far_from_all_lists_the_known_ones():
    with pytest.raises(SettingsError, match="expected one of method, rate, train"):
        config.build(Outer, {"method": "x", "zzz": 5}, where="a.yaml")


def test_a_wrong_type_says_the_key_and_what_was_found():
    with pytest.raises(SettingsError, match=r"train\.max_steps: found 'many'"):
        config.build(Outer, {"method": "x", "train": {"max_steps": "many"}}, where="a.yaml")


def test_a_missing_key_is_named():
    with pytest.raises(SettingsError, match="method"):
        config.build(Outer, {}, where="a.yaml")


def test_set_lays_values_over_without_touching_the_original():
    given = {"train": {"max_steps": 1}}
    assert config.override(given, ["train.max_steps=7", "rate=0.1"]) == {"train": {"max_steps": 7}, "rate": 0.1}
    assert given == {"train": {"max_steps": 1}}


@pytest.mark.parametrize("bad", ["train", "=3", "a..b=1", "a={"])
def test_a_malformed_set_is_refused(bad: str):
    with pytest.raises(SettingsError, match="--set"):
        config.override({}, [bad])


def test_set_below_a_single_value_is_refused():
    with pytest.raises(SettingsError, match="single value"):
        config.override({"method": "x"}, ["method.beta=1"])


@pytest.mark.parametrize("text", ["", "- a\n", "just words", "a: [", "\t: x"])
def test_a_file_that_holds_no_mapping_is_refused(tmp_path: Path, text: str):
    path = tmp_path / "a.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"a\.yaml"):
        config.read(path)


def test_a_missing_file_a_folder_and_a_wrong_encoding_are_each_one_clear_line(tmp_path: Path):
    with pytest.raises(NotFoundError, match="no file"):
        config.read(tmp_path / "none.yaml")
    with pytest.raises(SettingsError, match="folder"):
        config.read(tmp_path)
    (tmp_path / "b.yaml").write_bytes(b"method: \xff\xfe")
    with pytest.raises(SettingsError, match="UTF-8"):
        config.read(tmp_path / "b.yaml")
