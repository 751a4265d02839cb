"""What comments are about: groups of comments whose words are alike, named by the words that set them apart.

Words are cut to their first letters, so that forms of one word meet; Chinese is read by pairs of neighbouring characters,
which needs no dictionary. A group is a cluster of k-means on TF-IDF weights brought down to a few dozen dimensions
(Deerwester et al. 1990, *Indexing by Latent Semantic Analysis*), learnt on a sample of the different texts; every other
text then joins the group it is nearest to. The same texts give the same groups, in whatever order they come.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEARN = 4_000
"""How many different texts the groups are learnt from."""
MOST = 12
"""How many groups at most."""
EXAMPLES = 3
WORDS = 4
_STEM, _DIMENSIONS, _READ = 6, 60, 200
_WORD = re.compile(r"[^\W\d_\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+(?:['’][^\W\d_]+)?")
_PAIR = re.compile(r"(?=([\u3400-\u9fff\uf900-\ufaff]{2}))")
_UNIT = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]|[^\W_\u3400-\u9fff\uf900-\ufaff]+(?:['’][^\W\d_]+)?|[^\w\s]")
_FILLERS = """
a an the this that these those it its it's is are was were be been being am i you we they he she me us them my your our
their his her of to in on at by for with from as and or but so if than then there here have has had do does did will would
can could should may might must just very also what which who when where how all any some such into about out up
"""
_PARTICLES = frozenset("的了是在和与也都就得地着过把被")
_STOP = frozenset(_FILLERS.split())


class Said(NamedTuple):
    """One comment, as far as themes go."""

    comment_id: str
    response_id: str | None
    kind: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Theme:
    """Comments that are alike: the words that set them apart, how many there are, and the most typical of them."""

    words: tuple[str, ...]
    n: int
    kinds: Mapping[str, int] = field(hash=False)
    examples: tuple[Said, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Themes:
    """The groups, largest first; `estimated` where they were counted on a sample of the comments."""

    themes: tuple[Theme, ...]
    n: int
    """How many comments there are in all, also of those in no group, which have no words."""
    estimated: bool


def find(comments: Iterable[Said], *, of: int | None = None, seed: int = 0) -> Themes:
    """Return the themes of these comments, a sample from `of` in all unless that is None.

    The counts are of all comments, not of different texts; examples are different texts, the nearest to the middle.
    """
    voices = _voices(comments)
    sampled = sum(len(found) for found in voices.values())
    n = sampled if of is None else max(of, sampled)
    texts = sorted(voices)
    groups = _groups(texts, [len(voices[text]) for text in texts], seed)
    common = _shares(_sample(texts, LEARN, seed))
    themes = [_theme(members, voices, common, n / sampled) for members in groups]
    themes.sort(key=lambda theme: (-theme.n, theme.words))
    return Themes(themes=tuple(themes), n=n, estimated=n > sampled)


def same_words(text: str) -> str:
    """Return a text in the form in which repetitions meet: lower case, single spaces, without marks at its ends."""
    return " ".join(text.lower().split()).strip(" .!?,;:。！？，；：…")


def _voices(comments: Iterable[Said]) -> dict[str, list[Said]]:
    """Return who said the same: each different text with its comments."""
    voices: dict[str, list[Said]] = {}
    for said in comments:
        voices.setdefault(same_words(said.text), []).append(said)
    return voices


def _sample(texts: Sequence[str], most: int, seed: int) -> list[str]:
    if len(texts) <= most:
        return list(texts)
    import numpy as np

    chosen = np.random.default_rng(seed).choice(len(texts), most, replace=False)
    return [texts[number] for number in sorted(chosen.tolist())]


def _parts(text: str) -> list[str]:
    """Return what a text is compared by: cut words, and pairs of Chinese characters."""
    words = [word[:_STEM] for word in _WORD.findall(text) if word not in _STOP]
    return words if text.isascii() else words + _PAIR.findall(text)


def _groups(texts: Sequence[str], weights: Sequence[int], seed: int) -> list[list[str]]:
    """Return the groups of those texts that have words, in each the text nearest to the middle first."""
    told = [(text, weight) for text, weight in zip(texts, weights, strict=True) if _parts(text)]
    if not told:
        return []
    labels, near = _clusters(_places([text for text, _weight in told], seed), [weight for _text, weight in told], seed)
    groups: dict[int, list[tuple[float, str]]] = {}
    for (text, _weight), label, cosine in zip(told, labels, near, strict=True):
        groups.setdefault(label, []).append((-cosine, text))
    return [[text for _near, text in sorted(group)] for group in groups.values()]


def _places(texts: Sequence[str], seed: int) -> NDArray[np.float64]:
    """Return the texts as unit vectors (texts, dimensions)."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import normalize

    sample = _sample(texts, LEARN, seed)
    rare = 1 if len(sample) < 50 else 2 if len(sample) < 1000 else 3
    weigh = TfidfVectorizer(analyzer=_parts, min_df=rare, max_df=1.0 if len(sample) < 20 else 0.4, sublinear_tf=True)
    try:
        weigh.fit(sample)
    except ValueError:  # every word is in too many or too few of the texts
        weigh = TfidfVectorizer(analyzer=_parts).fit(sample)
    weights = weigh.transform(texts)
    width = min(_DIMENSIONS, len(weigh.vocabulary_) - 1, len(sample) - 1)
    if width < 2:
        found: NDArray[np.float64] = normalize(weights.toarray())
        return found
    turn = TruncatedSVD(width, random_state=seed).fit(weigh.transform(sample))
    places: NDArray[np.float64] = normalize(turn.transform(weights))
    return places


def _clusters(places: NDArray[np.float64], weights: Sequence[int], seed: int) -> tuple[list[int], list[float]]:
    """Return the group of each text and its cosine to the middle of it."""
    import numpy as np
    from sklearn.cluster import KMeans
    from sklearn.preprocessing import normalize

    chosen = np.arange(len(places))
    if len(places) > LEARN:
        chosen = np.sort(np.random.default_rng(seed).choice(len(places), LEARN, replace=False))
    different = len(np.unique(places[chosen].round(6), axis=0))
    number = min(MOST, different, max(1, round(1.3 * len(places) ** 0.5)))
    model = KMeans(number, n_init=3, random_state=seed)
    model.fit(places[chosen], sample_weight=np.sqrt(np.asarray(weights, dtype=float)[chosen]))
    cosines = places @ normalize(model.cluster_centers_).T  # (texts, groups)
    labels = cosines.argmax(axis=1)
    return labels.tolist(), cosines[np.arange(len(labels)), labels].tolist()


def _theme(members: Sequence[str], voices: Mapping[str, Sequence[Said]], common: Mapping[str, float], scale: float) -> Theme:
    said = [voice for text in members for voice in voices[text]]
    kinds = sorted(Counter(voice.kind for voice in said).items(), key=lambda item: (-item[1], item[0]))
    return Theme(
        words=_words(members[:_READ], common),
        n=round(len(said) * scale),
        kinds={kind: round(number * scale) for kind, number in kinds},
        examples=tuple(voices[text][0] for text in members[:EXAMPLES]),
    )


def _pieces(text: str) -> set[str]:
    """Return whole words and pairs of Chinese characters: what a group may be named by."""
    words = {word for word in _WORD.findall(text) if word not in _STOP and len(word) > 1}
    return words if text.isascii() else words | {pair for pair in _PAIR.findall(text) if _PARTICLES.isdisjoint(pair)}


def _shares(texts: Sequence[str]) -> dict[str, float]:
    """Return in which share of the texts each piece stands."""
    counts = Counter(piece for text in texts for piece in _pieces(text))
    return {piece: number / len(texts) for piece, number in counts.items()}


def _words(texts: Sequence[str], common: Mapping[str, float]) -> tuple[str, ...]:
    """Return the words that are frequent in these texts and rare in all, each grown to the phrase it mostly stands in."""
    inside = _shares(texts)

    def apart(piece: str) -> float:
        return inside[piece] * log(inside[piece] / common.get(piece, inside[piece]) + 0.1)

    units = [_UNIT.findall(text) for text in texts]
    chosen: list[str] = []
    named: set[str] = set()
    for piece in sorted(inside, key=lambda piece: (-apart(piece), piece)):
        phrase = _grown(piece, units)
        if named.isdisjoint(_pieces(phrase)):
            chosen.append(phrase)
            named |= _pieces(phrase)
        if len(chosen) == WORDS:
            break
    return tuple(chosen)


def _grown(piece: str, texts: Sequence[Sequence[str]]) -> str:
    """Return a word with the neighbours that it nearly always has in these texts: `long` as `too long`, 完整 as 不完整."""
    phrase = list(piece) if _PAIR.match(piece) else [piece]
    for _step in range(3):
        found = [(units, place) for units in texts for place in _where(phrase, units)]
        before = Counter(units[place - 1] for units, place in found if place > 0)
        after = Counter(units[place + len(phrase)] for units, place in found if place + len(phrase) < len(units))
        left, right = _usual(before, len(found)), _usual(after, len(found))
        if left is None and right is None:
            break
        phrase = [left, *phrase] if left is not None else [*phrase, *([right] if right is not None else [])]
    return ("" if _PAIR.match(piece) else " ").join(phrase)


def _where(phrase: Sequence[str], units: Sequence[str]) -> list[int]:
    return [
        place
        for place in range(len(units) - len(phrase) + 1)
        if units[place] == phrase[0] and list(units[place : place + len(phrase)]) == list(phrase)
    ]


def _usual(neighbours: Counter[str], of: int) -> str | None:
    if not neighbours:
        return None
    unit, number = min(neighbours.items(), key=lambda item: (-item[1], item[0]))
    return unit if number >= 0.7 * of and unit[0].isalnum() else None
