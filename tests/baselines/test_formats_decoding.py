"""Bytes to text, and files that are not there."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from baselines.formats.decoding import decode, locate, read_bytes, unreadable
from reports.errors import DataError

GERMAN = "Frage;Antwort\nWo ist die Tür?;Müllerstraße – links\n"


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "utf-32"])
def test_usual_encodings_are_recognised(codec: str) -> None:
    decoded = decode((GERMAN * 5).encode(codec), "a.csv")
    assert decoded.text == GERMAN * 5
    assert decoded.encoding.split("-")[0] == codec.split("-")[0]


def test_windows_1252_is_said_with_its_place() -> None:
    decoded = decode(GERMAN.encode("cp1252"), "a.csv")
    assert decoded.notes == (
        "a.csv is not UTF-8 (first such byte at offset 26 (line 2, 0xFC)); it was read as Windows-1252.",
    )


def test_cesu_8_gives_the_real_characters() -> None:
    decoded = decode(b"party \xed\xa0\xbc\xed\xbd\x95 time", "a.json")
    assert decoded.text == "party \U0001f355 time"
    assert decoded.encoding == "cesu-8"


def test_single_bad_bytes_in_utf8_stay_marked_for_their_rows() -> None:
    decoded = decode("Müßig über Öl\n".encode() + b"caf\xe9\n", "a.csv")
    assert decoded.encoding == "utf-8"
    assert "except for 1 byte, the first at offset 21 (line 2, 0xE9)" in decoded.notes[0]
    assert unreadable(decoded.text) == "holds the byte 0xE9, which is not UTF-8"


def test_half_a_surrogate_pair_is_told_apart() -> None:
    assert unreadable("broken \ud83d emoji") == "holds half of a surrogate pair (\\ud83d)"
    assert unreadable("whole 🎉 é") is None


def test_neither_encoding_is_refused_with_the_offset() -> None:
    with pytest.raises(
        DataError, match=r"neither UTF-8 nor Windows-1252: first wrong byte at offset 5 \(line 2, 0x81\)"
    ):
        decode(b"text\n\x81\x8d\x8f\n", "a.csv")


def test_binary_content_is_refused() -> None:
    with pytest.raises(DataError, match="is not a text file"):
        decode(bytes(range(256)) * 20, "a.csv")


def test_a_said_encoding_is_used_and_checked() -> None:
    assert decode("日本".encode("shift_jis"), "a.csv", "shift_jis").text == "日本"
    with pytest.raises(DataError, match=r"is not ascii: byte 0xC3 at offset 1 \(line 1"):
        decode("aé".encode(), "a.csv", "ascii")
    with pytest.raises(DataError, match="there is no encoding 'utf8000'"):
        decode(b"a", "a.csv", "utf8000")


def test_a_missing_file_names_the_nearest_one(tmp_path: Path) -> None:
    (tmp_path / "eval.csv").write_text("x")
    (tmp_path / "train.csv").write_text("x")
    with pytest.raises(DataError, match=r"evla.csv does not exist in the project's folder") as error:
        locate("evla.csv", tmp_path)
    assert error.value.hint == "Did you mean eval.csv?"
    with pytest.raises(DataError) as error:
        locate("zzz", tmp_path)
    assert error.value.hint == "In that folder: eval.csv, train.csv."
    with pytest.raises(DataError, match="there is no folder data"):
        locate("data/eval.csv", tmp_path)
    assert str(tmp_path) not in str(error.value)


@pytest.mark.parametrize("name", ["a" * 400, "a\0b"])
def test_impossible_names_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="cannot be opened"):
        locate(name, tmp_path)


def test_gzip_is_unpacked_and_damage_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"text,label\na,b\n"))
    assert read_bytes(path, "a.csv.gz") == b"text,label\na,b\n"
    path.write_bytes(gzip.compress(b"text,label\na,b\n")[:-6])
    with pytest.raises(DataError, match="damaged gzip file"):
        read_bytes(path, "a.csv.gz")


@pytest.mark.parametrize("content", [b"", b"\n \r\n"])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"^a.csv is empty"):
        read_bytes(path, "a.csv")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a folder, a file is needed"):
        read_bytes(tmp_path, "data")
