"""The user's corpus: folders and tables."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from baselines.documents import load_documents
from baselines.formats.markup import html_text
from reports.errors import DataError


def pdf(text: str) -> bytes:
    """A PDF of one page, by hand."""
    stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode("latin-1")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    start = len(out)
    return out + b"xref\n0 6\n0000000000 65535 f \n%strailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        table,
        start,
    )


def test_a_folder_of_mixed_files(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.txt").write_text("Plain text.")
    (tmp_path / "b.md").write_text("\n# Opening hours\n\nWe open at 9.")
    (tmp_path / "sub" / "c.html").write_text("<title>Prices</title><body><p>One euro.</p></body>")
    (tmp_path / "d.pdf").write_bytes(pdf("Refunds take five days."))
    (tmp_path / "logo.png").write_bytes(b"\x89PNG")
    (tmp_path / ".hidden.txt").write_text("no")
    loaded = load_documents(tmp_path.name, tmp_path.parent)
    assert [(d.id, d.title, d.text.strip()) for d in loaded.items] == [
        ("a.txt", "a", "Plain text."),
        ("b.md", "Opening hours", "# Opening hours\n\nWe open at 9."),
        ("d.pdf", "d", "Refunds take five days."),
        ("sub/c.html", "Prices", "One euro."),
    ]
    assert loaded.notes == (f"{tmp_path.name}: files that are not read as documents: .png (1).",)


def test_an_empty_folder_and_one_without_documents(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    with pytest.raises(DataError, match="the folder docs is empty"):
        load_documents("docs", tmp_path)
    (tmp_path / "docs" / "a.png").write_bytes(b"x")
    with pytest.raises(DataError, match=r"docs has no readable document: it holds .png"):
        load_documents("docs", tmp_path)
    with pytest.raises(DataError, match="dosc does not exist") as error:
        load_documents("dosc", tmp_path)
    assert error.value.hint == "Did you mean docs?"


def test_unreadable_documents_are_located(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    for i in range(30):
        (tmp_path / f"{i}.txt").write_text(f"text {i}")
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    loaded = load_documents(".", tmp_path)
    assert len(loaded.items) == 30
    assert str(loaded.broken[0]).startswith("broken.pdf: is not a readable PDF")
    (tmp_path / "empty.txt").write_text(" ")
    with pytest.raises(DataError, match=r"2 of 32 documents cannot be used"):
        load_documents(".", tmp_path)
    assert len(load_documents(".", tmp_path, allow_broken=True).items) == 30


def test_a_scan_without_text_is_said(tmp_path: Path) -> None:
    (tmp_path / "scan.pdf").write_bytes(pdf(" "))
    with pytest.raises(DataError, match=r"scan.pdf: holds no text \(a scan\?\)"):
        load_documents("scan.pdf", tmp_path)


def test_one_bad_byte_does_not_cost_the_document(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("Müßig ist die Tür".encode() + b" \xe9")
    loaded = load_documents(".", tmp_path)
    assert loaded.items[0].text == "Müßig ist die Tür \ufffd"
    assert "except for 1 byte, the first at offset" in loaded.notes[0]


@pytest.mark.parametrize(
    ("record", "identity", "title"),
    [
        ({"doc_id": "d1", "title": "T", "text": "hello"}, "d1", "T"),
        ({"chunk_link": "http://x/1", "chunk_heading": "T", "text": "hello"}, "http://x/1", "T"),
        ({"url": "u", "page_content": "hello"}, "u", ""),
        ({"id": 7, "name": "T", "content": "hello"}, "7", "T"),
    ],
)
def test_columns_of_a_table_are_found(tmp_path: Path, record: dict[str, object], identity: str, title: str) -> None:
    (tmp_path / "docs.jsonl").write_text(json.dumps(record) + "\n")
    document = load_documents("docs.jsonl", tmp_path).items[0]
    assert (document.id, document.title, document.text) == (identity, title, "hello")
    assert document.source == "docs.jsonl line 1"


def test_tables_without_ids_take_them_from_the_content(tmp_path: Path) -> None:
    (tmp_path / "docs.csv").write_text("text,author\nhello,ann\nbye,ann\nhello,bob\n")
    loaded = load_documents("docs.csv", tmp_path)
    assert len(loaded.items) == len({d.id for d in loaded.items}) == 2
    assert "word for word count once: 1" in loaded.notes[0]


def test_unusable_tables(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    with pytest.raises(DataError, match="no column looks like the text of a document"):
        load_documents("a.csv", tmp_path)
    (tmp_path / "b.csv").write_text("id,text\n1,one\n1,two\n")
    from baselines.source import Source

    with pytest.raises(DataError, match=r"b.csv row 2 and b.csv row 3 have the same id '1'"):
        load_documents(Source(path="b.csv", id="id"), tmp_path)


def test_html_becomes_readable_text() -> None:
    title, text = html_text(
        "<html><head><title>A &amp; B</title><style>p{}</style></head><body><h2>Head</h2><p>One <b>two</b>\n three"
        "&nbsp;x<ul><li>a<li>b</ul><script>alert('</p>')</script><table><tr><td>1<td>2</table><pre>x\n  y</pre>end"
    )
    assert title == "A & B"
    assert text == "## Head\n\nOne two three x\n\n- a\n- b\n\n| 1 | 2\n\nx\ny\n\nend"


@pytest.mark.parametrize(
    ("path", "count", "first"),
    [
        ("xquad_en_de/corpus_en/articles", 48, "1973_oil_crisis.txt"),
        ("xquad_en_de/corpus_en/paragraphs.jsonl", 240, "Super_Bowl_50#0"),
        ("pubmedqa/corpus/abstracts.jsonl", 1000, "21645374"),
        ("anthropic_docs_rag/corpus/pages", 45, "en_api.md"),
        ("anthropic_docs_rag/corpus/chunks.jsonl", 232, "https://docs.claude.com/en/docs/welcome#get-started"),
    ],
)
def test_real_corpora(shared_data: Path, path: str, count: int, first: str) -> None:
    loaded = load_documents(path, shared_data)
    assert (len(loaded.items), loaded.items[0].id, loaded.broken) == (count, first, ())


def test_squad_paragraphs_are_documents_without_their_questions(shared_data: Path) -> None:
    loaded = load_documents("xquad_en_de/raw/google-deepmind__xquad/xquad.en.json", shared_data)
    assert len(loaded.items) == 240
    assert loaded.items[0].text.startswith("The Panthers defense")
