"""The language of a text as far as letters and small words tell it: a script, or one of nine languages in Latin script.

    language_of("Où est ma carte bancaire ? Je ne la trouve pas.")     # 'French'
    language_of("карта")                                                # 'Cyrillic script'
    language_of("OK")                                                   # '': too short to tell

Refuses to guess: a text needs 20 letters of one script, and in Latin script three small words of one language that no
other one matches as well.
"""

from __future__ import annotations

import unicodedata
from collections import Counter

from baselines.audit.normal_form import normal

LETTERS = 20
_SMALL_WORDS = {
    "English": "the of and to is in that it for was on are with this have had has not be you my our your we what how "
    "why can could do does did should would will i a an at by",
    "German": "der die das und ist nicht ein eine ich zu mit den auf für wie kann mein meine sich dem von wird es im",
    "French": "le la les des est et une un pas je ma mon dans pour que qui ne vous sur avec au du comment ce mes sont",
    "Spanish": "el la los las es y una un no en que mi por para con del se como está su al lo cómo más qué puedo mis",
    "Italian": "il la le gli è e una un non che di per con mia mio del della sono ho come si da nel posso questo più",
    "Portuguese": "o a os as é e uma um não em que meu minha por para com do da se como está no na posso eu mais",
    "Dutch": "de het een en is niet ik van op mijn te dat met voor hoe kan wat er zijn naar aan bij ook heb deze",
    "Polish": "i w nie jest na się z do że to mam jak moja mój czy dla po moje są o jestem mogę ale co",
    "Swedish": "och är inte en ett jag det att på min för med som hur kan av till mitt den i har om när var",
}
_WORDS = {name: frozenset(normal(word) for word in words.split()) for name, words in _SMALL_WORDS.items()}
SMALL_WORDS = frozenset().union(*_WORDS.values())
_JAPANESE = {"HIRAGANA", "KATAKANA"}


def language_of(text: str) -> str:
    """The name of the language or script; "" where the text does not tell."""
    scripts = Counter(_script(letter) for letter in text[:2000] if letter.isalpha())
    if sum(scripts.values()) < (LETTERS if scripts.get("LATIN") else LETTERS // 4):
        return ""
    if _JAPANESE & set(scripts):
        return "Japanese"
    script, most = scripts.most_common(1)[0]
    if most < 0.7 * sum(scripts.values()):
        return ""
    if script == "CJK":
        return "Chinese"
    if script == "HANGUL":
        return "Korean"
    return _latin(text) if script == "LATIN" else f"{script.title()} script"


def _script(letter: str) -> str:
    """The first word of the letter's Unicode name: LATIN, CYRILLIC, ARABIC, CJK, …"""
    return unicodedata.name(letter, "UNKNOWN").split()[0] if not letter.isascii() else "LATIN"


def _latin(text: str) -> str:
    words = normal(text[:2000]).split()
    hits = {name: sum(word in known for word in words) for name, known in _WORDS.items()}
    (name, most), (_, second) = Counter(hits).most_common(2)
    return name if most >= 3 and most >= 2 * second and most >= 0.15 * len(words) else ""
