"""HTML to readable text with the standard library's parser. Runs nothing, fetches nothing, keeps no markup.

title, text = html_text("<title>Opening hours</title><p>We open at <b>9</b>.</p>")
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

_SILENT = {"script", "style", "template", "noscript", "svg", "head", "iframe", "object"}
_BLOCK_NAMES = (
    "address article aside blockquote br dd div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header "
    "hr li main nav ol p pre section table tr ul"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_CELLS = {"td", "th"}


def html_text(markup: str) -> tuple[str, str]:
    """(title, text): blocks on lines of their own, table cells parted by a bar, list items and headings marked."""
    parser = _Text()
    parser.feed(markup)
    parser.close()
    lines = (re.sub(r"[ \t\r\f\v\xa0]+", " ", line).strip() for line in "".join(parser.pieces).split("\n"))
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    return " ".join("".join(parser.title).split()), text


class _Text(HTMLParser):
    """Collects what a reader would see."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.title: list[str] = []
        self.silent = 0
        self.in_title = False
        self.verbatim = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "title":
            self.in_title = True
        elif tag in _SILENT:
            self.silent += 1
        elif tag == "body":
            self.silent = 0  # a head that is never closed must not swallow the page
        elif tag in _BLOCKS:
            self.verbatim += tag == "pre"
            self.pieces.append("\n" if tag in {"br", "li", "tr", "dt", "dd"} else "\n\n")
            self.pieces.append(_mark(tag))
        elif tag in _CELLS:
            self.pieces.append(" | ")

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self.in_title = False
        elif tag in _SILENT:
            self.silent = max(0, self.silent - 1)
        elif tag in _BLOCKS and tag not in {"br", "li", "tr", "dt", "dd"}:
            self.verbatim = max(0, self.verbatim - (tag == "pre"))
            self.pieces.append("\n\n")

    def handle_data(self, data: str) -> None:
        if self.in_title:
            self.title.append(data)
        elif not self.silent:
            self.pieces.append(data if self.verbatim else re.sub(r"\s+", " ", data))


def _mark(tag: str) -> str:
    if tag == "li":
        return "- "
    return "#" * int(tag[1]) + " " if re.fullmatch(r"h[1-6]", tag) else ""
