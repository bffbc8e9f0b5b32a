"""The demo projects' data: the committed files are what the script writes, and the script is deterministic."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor.demo import PROJECTS, project_folder
from advisor.demo.projects import FILES, write
from advisor.demo.tickets import LABELS, QUEUES, old_router, tickets


@pytest.mark.parametrize("name", PROJECTS)
def test_committed_data_are_the_scripts_output(name: str, tmp_path: Path) -> None:
    write(name, tmp_path)
    made = {p.relative_to(tmp_path): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    assert made
    for path, content in made.items():
        assert (project_folder(name) / path).read_bytes() == content, path


@pytest.mark.parametrize("name", PROJECTS)
def test_no_committed_data_beside_the_scripts_output(name: str) -> None:
    written_by_hand = {"advisor.yaml", "README.md"}
    folder = project_folder(name)
    found = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and "runs" not in p.parts}
    assert found - written_by_hand == set(FILES[name]())


@pytest.mark.parametrize("name", PROJECTS)
def test_eval_and_train_share_no_input(name: str) -> None:
    files = FILES[name]()
    tested = {line.split(",", 1)[1] for line in files["eval.csv"].splitlines()[1:]}
    assert not tested & set(files["train.csv"].splitlines()[1:])


def test_unknown_project_is_named() -> None:
    with pytest.raises(ValueError, match="no demo project named 'invoices'"):
        project_folder("invoices")


def test_every_queue_occurs_in_train_and_eval() -> None:
    files = FILES["tickets"]()
    for part in ("eval.csv", "train.csv"):
        queues = {line.rsplit(",", 1)[1] for line in files[part].splitlines()[1:]}
        assert queues == set(LABELS) == set(QUEUES.values())


def test_old_router_follows_its_key_words() -> None:
    assert old_router("[c-1234] My refund has not come.") == "harbor"
    assert old_router("Our number is c-1234. My refund has not come.") == "anchor"
    assert old_router("Hello, where is it?") == "meadow"


def test_ticket_follows_the_house_rule() -> None:
    for ticket in tickets(5, 300):
        letter = ticket.text[ticket.text.lower().index("c-")]
        allowed = {queue for (owner, _), queue in QUEUES.items() if owner == letter}
        assert ticket.queue in allowed


def test_handbook_answers_stand_on_their_page() -> None:
    from advisor.demo.handbook import handbook

    pages, asked = handbook(1)
    assert len(asked) == 3 * len(pages)
    assert all(a.answer in pages[a.page] for a in asked)


def test_order_lines_stand_in_the_mail() -> None:
    from advisor.demo.orders import orders

    for order in orders(1, 200):
        assert all(part.lower() in order.mail.lower() for part in order.line.split("; "))
