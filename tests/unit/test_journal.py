"""The journal: nothing can be changed in it unnoticed, and a crash costs its last line at most."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import PalierError
from pipeline.journal import TORN, Entry, Fact, Journal, JournalDamaged, render, verify
from pipeline.remote.command import Command
from pipeline.remote.host import OutcomeUnknown, Result
from pipeline.remote.local import LocalHost

RUN = "20261121T190102Z-promote-0a1b"

_facts: st.SearchStrategy[dict[str, Fact]] = st.dictionaries(
    st.sampled_from(["step", "detail", "seconds", "critical"]),
    st.one_of(st.text(max_size=12), st.integers(-9, 9), st.booleans(), st.none()),
    max_size=3,
)
_entries = st.lists(
    st.builds(Entry, st.just("2026-11-21T19:01:02.000Z"), st.text(min_size=1, max_size=8), _facts), max_size=6
)


def written(entries: list[Entry]) -> str:
    first = Entry("2026-11-21T19:01:02.000Z", "created", {"run": RUN})
    text, last = "", RUN
    for entry in [first, *entries]:
        last = render(entry, last)
        text += last + "\n"
    return text


@given(_entries)
def test_what_was_written_is_read_back(entries: list[Entry]) -> None:
    assert verify(written(entries), RUN)[1:] == entries
    assert verify(written(entries))[1:] == entries


@given(_entries, st.data())
def test_every_change_of_one_byte_is_noticed(entries: list[Entry], data: st.DataObject) -> None:
    raw = bytearray(written(entries).encode())
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    text = raw.decode("ascii", "surrogateescape")
    try:
        found = verify(text, RUN)
    except JournalDamaged:
        return
    # Only the last line's end can be taken for a crash, and that is reported.
    assert place == len(raw) - 1
    assert found[-1].event == TORN


@given(_entries.filter(lambda entries: len(entries) > 1), st.data())
def test_a_line_taken_out_of_the_middle_or_put_elsewhere_is_noticed(entries: list[Entry], data: st.DataObject) -> None:
    lines = written(entries).splitlines(keepends=True)
    place = data.draw(st.integers(0, len(lines) - 2))
    with pytest.raises(JournalDamaged):
        verify("".join(lines[:place] + lines[place + 1 :]), RUN)
    other = data.draw(st.integers(0, len(lines) - 1).filter(lambda other: other != place))
    lines[place], lines[other] = lines[other], lines[place]
    with pytest.raises(JournalDamaged):
        verify("".join(lines), RUN)


@given(_entries, st.data())
def test_a_torn_last_line_costs_that_line_only(entries: list[Entry], data: st.DataObject) -> None:
    text = written(entries)
    start = text.rfind("\n", 0, -1) + 1
    cut = data.draw(st.integers(start + 1, len(text) - 1))
    found = verify(text[:cut], RUN if start == 0 else None)
    assert found[-1] == Entry("", TORN, {"text": text[start:cut]})
    assert len(found) == len(entries) + 1


def test_a_torn_line_in_the_middle_is_damage() -> None:
    lines = written([Entry("t", "begun"), Entry("t", "applied")]).splitlines(keepends=True)
    with pytest.raises(JournalDamaged, match="line 2"):
        verify(lines[0] + lines[1][:20] + "\n" + lines[2], RUN)


def test_the_journal_of_another_run_is_damage() -> None:
    with pytest.raises(JournalDamaged, match="line 1"):
        verify(written([]), "20261121T190102Z-promote-ffff")


class Flaky(LocalHost):
    """Loses the connection at the next command: before it has run, after it has, or in the middle of its writing."""

    def __init__(self) -> None:
        super().__init__()
        self.lose = ""

    def run(self, command: Command, *, check: bool = True, timeout: float | None = None) -> Result:
        lose, self.lose = self.lose, ""
        if lose != "before":
            result = super().run(command, check=check, timeout=timeout)
        if lose == "torn":
            path = Path(command.words[-3]) / "journal.jsonl"
            path.write_text(path.read_text()[:-30])
        if lose:
            raise OutcomeUnknown("The connection was lost.")
        return result


def begun(folder: Path) -> tuple[Flaky, Journal]:
    host = Flaky()
    journal = Journal(host, str(folder), RUN)
    (folder / "journal.jsonl").write_text(journal.begin(flow="promote"))
    return host, journal


@pytest.mark.parametrize("lose", ["before", "after", "torn"])
def test_a_lost_connection_neither_loses_nor_doubles_an_entry(scratch: Path, lose: str) -> None:
    host, journal = begun(scratch)
    journal.note("applied", step="Switch code")
    host.lose = lose
    with pytest.raises(OutcomeUnknown):
        journal.append("begun", step="Verify")
    journal.append("failed", step="Verify")
    events = [entry.event for entry in journal.entries() if entry.event not in {"created", "repaired"}]
    assert sorted(events) == ["applied", "begun", "failed"]


def test_a_torn_line_is_kept_as_an_entry_when_writing_goes_on(scratch: Path) -> None:
    begun(scratch)
    with (scratch / "journal.jsonl").open("a") as file:
        file.write('{"at":"20')
    Journal(LocalHost(), str(scratch), RUN).append("ended", outcome="done")
    entries = verify((scratch / "journal.jsonl").read_text(), RUN)
    assert [entry.event for entry in entries] == ["created", "repaired", "ended"]
    assert entries[1].facts["torn"] == '{"at":"20'


def test_two_writers_after_one_another_keep_one_chain(scratch: Path) -> None:
    _, journal = begun(scratch)
    journal.append("begun", step="1")
    Journal(LocalHost(), str(scratch), RUN).append("undo ok", fragment="01-close")
    journal.append("failed", step="1")
    assert [entry.event for entry in journal.entries()] == ["created", "begun", "undo ok", "failed"]


def test_noted_entries_cost_nothing_and_keep_their_place(scratch: Path) -> None:
    _, journal = begun(scratch)
    journal.note("applied", number=1)
    assert len(journal.entries()) == 1
    journal.append("begun", number=2)
    assert [entry.event for entry in journal.entries()] == ["created", "applied", "begun"]


def test_a_journal_that_cannot_be_written_is_a_sentence(scratch: Path) -> None:
    _, journal = begun(scratch)
    (scratch / "journal.jsonl").unlink()
    with pytest.raises(PalierError, match=r"journal\.jsonl"):
        journal.append("begun")
