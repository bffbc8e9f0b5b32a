"""Finding a file and turning its bytes into text. Knows no format; never changes a character that it could read.

    data = read_bytes(locate("eval.csv", base))
    decoded = decode(data, "eval.csv")     # decoded.text, decoded.encoding, decoded.notes

UTF-8 (with or without mark), UTF-16, CESU-8 and Windows-1252 are told apart by their bytes. Single bytes that are
not UTF-8 in a file that otherwise is stay in the text as lone surrogates (PEP 383), so that the reader of a row can
say which row is broken: see `unreadable`.
"""

from __future__ import annotations

import codecs
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

from baselines.formats.table import count, listed, nearest, sayable
from reports.errors import DataError

_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\x1b"))
_GZIP = b"\x1f\x8b"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Decoded:
    """A file's text and how it was read."""

    text: str
    encoding: str
    notes: tuple[str, ...] = ()


def locate(path: str | Path, base: Path = Path()) -> Path:
    """`path` below `base`, which must exist. Raises DataError that names the nearest existing name."""
    full = base / Path(path).expanduser()
    try:
        full.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, ValueError) as error:  # a name that is too long or holds NUL, a folder that may not be entered
        raise DataError(f"{sayable(str(path))} cannot be opened: {error}", "Name a readable file.") from None
    else:
        return full
    folder = full.parent
    if not folder.is_dir():
        raise DataError(f"{path} does not exist: there is no folder {_short(folder, base)}", "Check the path.")
    names = sorted(p.name for p in folder.iterdir() if not p.name.startswith("."))
    near = nearest(full.name, names)
    if near:
        hint = f"Did you mean {near}?"
    else:
        hint = f"In that folder: {listed(names)}." if names else "The folder is empty."
    raise DataError(f"{path} does not exist in {_short(folder, base)}", hint)


def _short(folder: Path, base: Path) -> str:
    if folder == base:
        return "the project's folder" if str(base) != "." else "this folder"
    return folder.name


def read_bytes(path: Path, name: str) -> bytes:
    """The file's content, unpacked where it is gzip. Raises DataError when it is unreadable, empty or cut off."""
    if path.is_dir():
        raise DataError(f"{name} is a folder, a file is needed", "Name the file in it that holds the rows.")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror}", "Check the file and its permissions.") from None
    if data.startswith(_GZIP):
        data = _unpack(data, name)
    if not data.strip():
        raise DataError(f"{name} is empty", "Name a file that holds rows.")
    return data


def _unpack(data: bytes, name: str) -> bytes:
    import gzip

    try:
        return gzip.decompress(data)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{name} is a damaged gzip file: {error}", "Copy or download it again.") from None


def decode(data: bytes, name: str, encoding: str | None = None) -> Decoded:
    """Bytes to text. Raises DataError with the offset and line of the first byte that no encoding explains."""
    if encoding:
        return _as_said(data, name, encoding)
    for mark, codec in _MARKS:
        if data.startswith(mark):
            text = _strict(data, codec)
            if text is not None:
                return Decoded(text, codec)
    if data[1:2000:2].count(0) > 0.4 * len(data[1:2000:2]):
        text = _strict(data, "utf-16-le")
        if text is not None:
            return Decoded(text, "utf-16-le", (f"{name} is UTF-16 without a byte order mark.",))
    text = _strict(data, "utf-8")
    if text is not None:
        return Decoded(text, "utf-8")
    return _not_utf8(data, name)


def _as_said(data: bytes, name: str, encoding: str) -> Decoded:
    try:
        return Decoded(data.decode(encoding), encoding)
    except LookupError:
        hint = "Usual ones: utf-8, cp1252, latin-1, utf-16, shift_jis."
        raise DataError(f"{name}: there is no encoding {encoding!r}", hint) from None
    except UnicodeDecodeError as error:
        where = _where(data, error.start)
        hint = "Leave `encoding` out to have it detected."
        raise DataError(f"{name} is not {encoding}: byte 0x{data[error.start]:02X} at {where}", hint) from None


def _not_utf8(data: bytes, name: str) -> Decoded:
    """CESU-8, Windows-1252, or UTF-8 with single bad bytes: whichever the bytes speak for."""
    text = _joined_surrogates(data)
    if text is not None:
        note = f"{name} is CESU-8 (surrogate pairs instead of UTF-8's four bytes, as some Java programs write)."
        return Decoded(text, "cesu-8", (note,))
    escaped = data.decode("utf-8", "surrogateescape")
    bad = len(_ESCAPED_BYTE.findall(escaped))
    good = len(_NOT_ASCII.findall(escaped)) - bad
    first = _where(data, _first_bad(data))
    if good > bad:
        note = f"{name} is UTF-8 except for {count(bad, 'byte')}, the first at {first}; their rows count as broken."
        return Decoded(escaped, "utf-8", (note,))
    sample = data[:65_536]
    if len(sample.translate(None, _CONTROLS)) < 0.98 * len(sample):
        raise DataError(f"{name} is not a text file", "Readable are CSV, JSON, JSONL, their gzip, Parquet and Excel.")
    text = _strict(data, "cp1252")
    if text is not None:
        note = f"{name} is not UTF-8 (first such byte at {first}); it was read as Windows-1252."
        return Decoded(text, "cp1252", (note,))
    hint = "Save it as UTF-8, or say its encoding: {path: …, encoding: shift_jis}."
    raise DataError(f"{name} is neither UTF-8 nor Windows-1252: first wrong byte at {first}", hint)


def _strict(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except UnicodeDecodeError:
        return None


def _joined_surrogates(data: bytes) -> str | None:
    try:
        return data.decode("utf-8", "surrogatepass").encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        return None


def _first_bad(data: bytes) -> int:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return 0


def _where(data: bytes, offset: int) -> str:
    return f"offset {offset} (line {data.count(10, 0, offset) + 1}, 0x{data[offset]:02X})"


def unreadable(text: str) -> str | None:
    """Why a text cannot be stored as UTF-8, or None: a byte that was no UTF-8, or half of a surrogate pair."""
    if text.isascii() or not (found := _SURROGATE.search(text)):
        return None
    code = ord(found.group())
    if 0xDC80 <= code <= 0xDCFF:
        return f"holds the byte 0x{code - 0xDC00:02X}, which is not UTF-8"
    return f"holds half of a surrogate pair (\\u{code:04x})"
