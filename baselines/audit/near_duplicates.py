"""Rows that say the same in nearly the same words: case, punctuation, a typo, a greeting, a word in a long sentence.

    twins = twins_of(items)                 # pairs within one list
    twins = twins_of(train, eval)           # pairs between two
    repeats(items, twins)                   # position of each later row → the earlier row that it repeats

Numbers must agree: rows of one template differ in them, and that is their content. So must the context fields: the
same question about another passage is another question.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from baselines.audit.languages import SMALL_WORDS
from baselines.audit.normal_form import bare, numbers
from baselines.audit.rows import Item
from baselines.audit.shingles import similar_pairs
from baselines.audit.typing_slips import Slips

ALIKE = 0.7
"""Jaccard similarity of the character 5-grams above which the wording may differ anyhow: about one word of ten."""
NEARLY = 0.75
"""Above this hardly more than an ending differs in a short text."""
MOST_ROWS = 40_000
"""Within one list so many different rows are compared at most: the time grows with the square."""
MOST_CHARACTERS = 12_000_000
"""Of texts that are compared at once: about 1 GB of memory."""

_COURTESY_WORDS = """\
hi hello hey dear team there good morning afternoon evening day please pls plz kindly thanks thank thx you many much
cheers regards best kind help advise sir madam quick question asap urgent sorry excuse me
hallo guten tag morgen abend liebes bitte danke vielen dank gruß grüße freundliche mit hilfe moin servus
bonjour bonsoir salut madame monsieur merci svp sil vous plaît cordialement
hola buenos buenas días tardes gracias por favor saludos ayuda
ciao salve buongiorno buonasera grazie per favore saluti
olá oi bom dia boa tarde obrigado obrigada por
hoi goedemorgen goedendag alstublieft alsjeblieft bedankt dank
cześć dzień dobry proszę dziękuję hej tack tak takk kiitos merhaba lütfen teşekkürler
здравствуйте привет пожалуйста спасибо добрый день
"""
_COURTESY = frozenset(_COURTESY_WORDS.split())
"""Words of greetings and thanks, in normal form: at the ends of a text they change nothing."""
_WEIGHTY_WORDS = """\
not no never without nicht kein keine nie ne pas non jamais não nem niet geen nie bez inte
what how why when where which who was wie warum wann wo wer que qui quand où comment pourquoi qué cómo cuándo dónde
quién come quando dove perché chi wat hoe wanneer waar jak czy co kiedy gdzie vad hur när var
"""
_WEIGHTY = frozenset(_WEIGHTY_WORDS.split())
_LIGHT = SMALL_WORDS - _WEIGHTY
"""Articles, pronouns, auxiliaries: one in the place of another changes little. Negations and question words do."""
_MOST_LIGHT = 2
LESS_SURE = 0.2
"""Taken off the similarity where a negation or a question word stands on one side alone: can I, and how can I."""


@dataclass(frozen=True)
class Twin:
    """Two rows that say nearly the same."""

    left: int
    """Position in the first list."""
    right: int
    """Position in the second list, or a later one in the only list."""
    alike: float
    """Jaccard similarity of the character 5-grams, 0 to 1; less where a word that decides differs."""
    same: bool
    """The same letters and digits: only case, blanks and punctuation differ."""


def twins_of(items: Sequence[Item], others: Sequence[Item] | None = None) -> list[Twin]:
    """All pairs that say nearly the same, the most alike first; identical normal forms included."""
    first, second = _comparable(items, others)
    left = _groups(items, first)
    found = []
    if others is None:
        found += [Twin(group[0], copy, 1.0, True) for group in left for copy in group[1:]]
        left = next(_portions(items, left), [])[:MOST_ROWS]
        for i, j, alike, same in _alike(items, left):
            found += [Twin(left[i][0], copy, alike, same) for copy in left[j]]
        return _sorted(found)
    for mine in _portions(items, left):
        for theirs in _portions(others, _groups(others, second)):
            for i, j, alike, same in _alike(items, mine, others, theirs):
                found += [Twin(copy, theirs[j][0], alike, same) for copy in mine[i]]
                found += [Twin(mine[i][0], copy, alike, same) for copy in theirs[j][1:]]
    return _sorted(found)


def same_answer(a: Item, b: Item) -> bool:
    """Whether two rows expect the same: one answer in common, or for longer answers six words of ten."""
    if a.answer == b.answer or set(a.outputs) & set(b.outputs):
        return True
    left, right = set(a.answer.split()), set(b.answer.split())
    return min(len(left), len(right)) > 3 and len(left & right) >= 0.6 * len(left | right)


def repeats(items: Sequence[Item], twins: Iterable[Twin]) -> dict[int, Twin]:
    """Later row → the twin that it repeats. A row that repeats a row which is itself a repeat is compared with those
    that stay: chains of small steps do not swallow a whole topic.
    """
    earlier: dict[int, list[Twin]] = {}
    for twin in twins:
        if same_answer(items[twin.left], items[twin.right]):
            earlier.setdefault(twin.right, []).append(twin)
    found: dict[int, Twin] = {}
    for at in sorted(earlier):
        kept = next((twin for twin in earlier[at] if twin.left not in found), None)
        if kept is not None:
            found[at] = kept
    return found


def _sorted(twins: list[Twin]) -> list[Twin]:
    return sorted(twins, key=lambda twin: (-twin.alike, twin.left, twin.right))


def _groups(items: Sequence[Item], chosen: Sequence[int]) -> list[list[int]]:
    """Positions of rows that are the same in normal form, answer included: only the first of each is compared."""
    groups: dict[tuple[str, str, str], list[int]] = {}
    for at in chosen:
        groups.setdefault((items[at].normal, items[at].frame, items[at].answer), []).append(at)
    return list(groups.values())


def _portions(items: Sequence[Item], groups: Sequence[list[int]]) -> Iterator[list[list[int]]]:
    """Groups in portions of at most so many characters, so that memory stays bounded."""
    portion: list[list[int]] = []
    size = 0
    for group in groups:
        length = len(items[group[0]].normal)
        if portion and size + length > MOST_CHARACTERS:
            yield portion
            portion, size = [], 0
        portion.append(group)
        size += length
    if portion:
        yield portion


def _alike(
    items: Sequence[Item],
    groups: Sequence[list[int]],
    others: Sequence[Item] | None = None,
    other_groups: Sequence[list[int]] = (),
) -> Iterator[tuple[int, int, float, bool]]:
    """(group, other group, similarity, whether letters and digits are the same) of all that say nearly the same."""
    left = [items[group[0]] for group in groups]
    right = left if others is None else [others[group[0]] for group in other_groups]
    texts = [item.normal for item in left], None if others is None else [item.normal for item in right]
    pairs = similar_pairs(*texts)
    told = set()
    for i, j, alike in zip(pairs.left.tolist(), pairs.right.tolist(), pairs.alike.tolist(), strict=True):
        a, b = left[i], right[j]
        if not _of_one_frame(a, b):
            continue
        same = bare(a.normal) == bare(b.normal)
        if same or alike >= ALIKE or _only_slips(a.normal, b.normal):
            told.add((i, j))
            yield i, j, 1.0 if same else _weighed(a.normal, b.normal, alike), same
    for i, j in Slips(*texts).pairs():
        if (i, j) not in told and _of_one_frame(left[i], right[j]):
            yield i, j, NEARLY, False


def _weighed(a: str, b: str, alike: float) -> float:
    return alike - LESS_SURE if _WEIGHTY & (set(a.split()) ^ set(b.split())) else alike


def _of_one_frame(a: Item, b: Item) -> bool:
    """Whether numbers and context fields agree."""
    return a.frame == b.frame and numbers(a.normal) == numbers(b.normal)


def _comparable(items: Sequence[Item], others: Sequence[Item] | None) -> tuple[list[int], list[int]]:
    """Positions of the rows that have a possible partner: one with the same numbers and context fields."""
    keys = [(numbers(item.normal), item.frame) for item in items]
    if others is None:
        seen: dict[object, int] = {}
        for key in keys:
            seen[key] = seen.get(key, 0) + 1
        return [i for i, key in enumerate(keys) if seen[key] > 1], []
    right = [(numbers(item.normal), item.frame) for item in others]
    common = set(keys) & set(right)
    return [i for i, k in enumerate(keys) if k in common], [i for i, k in enumerate(right) if k in common]


def _only_slips(a: str, b: str) -> bool:
    """Whether the words differ in typing mistakes, in a small word, and in greetings and thanks at the ends, alone."""
    left, right = _trimmed(a.split()), _trimmed(b.split())
    if not left or not right:
        return False
    light = 0
    for what, i1, i2, j1, j2 in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        gone, come = left[i1:i2], right[j1:j2]
        if what == "equal" or _is_slip("".join(gone), "".join(come)):
            continue
        light += max(len(gone), len(come))
        if light > _MOST_LIGHT or not _LIGHT.issuperset(gone) or not _LIGHT.issuperset(come):
            return False
    return True


def _trimmed(words: list[str]) -> list[str]:
    start, end = 0, len(words)
    while start < end and words[start] in _COURTESY:
        start += 1
    while end > start and words[end - 1] in _COURTESY:
        end -= 1
    return words[start:end]


def _is_slip(a: str, b: str) -> bool:
    """One letter more, less, other or swapped in a word of four letters or more; two in one of eight or more."""
    shorter = min(len(a), len(b))
    if shorter < 4 or abs(len(a) - len(b)) > 2:
        return False
    return _edits(a, b) <= (2 if shorter >= 8 else 1)


def _edits(a: str, b: str) -> int:
    """Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, start=1):
        older, before, row = before, row, [i]
        for j, other in enumerate(b, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1]
