"""One release has exactly one text, and nothing else is read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.approvals.manifest import ManifestRefused, canonical, digest, read
from tests.unit.approvals.conftest import release


def test_the_text_is_compact_sorted_and_in_utf8(manifest: bytes) -> None:
    text = manifest.decode("utf-8")
    assert text.startswith('{"approvals":{"four_eyes":true,"required":1,"roles":[]},"base":"aaaa')
    assert "stockée" in text
    assert '"from":"2.3.0"' in text
    assert ": " not in text
    assert list(json.loads(text)) == sorted(json.loads(text))


def test_what_was_written_is_read_back(manifest: bytes) -> None:
    assert read(manifest) == release()
    assert canonical(read(manifest)) == manifest


def test_a_new_module_has_no_version_before() -> None:
    modules = release().modules
    added = release(modules=(modules[0].model_copy(update={"from_": None}),))
    assert read(canonical(added)).modules[0].from_ is None


EXACT = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), EXACT, max_size=4), st.text(min_size=1))
def test_any_release_is_read_back(footprint: dict[str, object], run: str) -> None:
    made = release(footprint=footprint, run=run)
    assert read(canonical(made)) == made
    assert canonical(read(canonical(made))) == canonical(made)


@pytest.mark.parametrize("found", [1, 3])
def test_a_manifest_of_another_format_is_refused_with_what_to_do(manifest: bytes, found: int) -> None:
    with pytest.raises(ManifestRefused) as refused:
        read(manifest.replace(b'"format":2', f'"format":{found}'.encode()))
    assert f"is of format {found}; this Palier" in str(refused.value)
    assert "Run the update again" in str(refused.value)


def test_what_an_approval_takes_is_signed(manifest: bytes) -> None:
    told = json.loads(manifest)
    assert told["ran_by"] == "chloe@laptop"
    assert told["approvals"] == {"required": 1, "four_eyes": True, "roles": []}
    assert digest(manifest) != digest(manifest.replace(b'"four_eyes":true', b'"four_eyes":false'))


OTHERWISE = {
    "a space": lambda text: text.replace(b'"shop":', b'"shop": '),
    "a newline at the end": lambda text: text + b"\n",
    "a mark in front": lambda text: b"\xef\xbb\xbf" + text,
    "another order": lambda text: json.dumps(dict(reversed(json.loads(text).items())), separators=(",", ":")).encode(),
    "a key twice": lambda text: text.replace(b'"shop":', b'"shop":"other","shop":'),
    "an unknown key": lambda text: text.replace(b'"shop":', b'"shell":"rm","shop":'),
    "a default left out": lambda text: text.replace(b'"files":{},', b""),
    "escapes": lambda text: text.replace("é".encode(), b"\\u00e9"),
    "a fraction": lambda text: text.replace(b'"added":3', b'"added":3.0'),
    "an exponent": lambda text: text.replace(b'"added":3', b'"added":3e0'),
    "not a number": lambda text: text.replace(b'"added":3', b'"added":NaN'),
    "a number as text": lambda text: text.replace(b'"format":2', b'"format":"2"'),
    "a later format": lambda text: text.replace(b'"format":2', b'"format":3'),
    "a short hash": lambda text: text.replace(b"f" * 64, b"f" * 63),
    "a hash in capitals": lambda text: text.replace(b"f" * 64, b"F" * 64),
    "a hash and a newline": lambda text: text.replace(b"f" * 64, b"f" * 64 + b"\\n"),
    "another result": lambda text: text.replace(b'"passed"', b'"skipped"'),
    "a moment without zone": lambda text: text.replace(b"19:01:02Z", b"19:01:02"),
    "latin-1": lambda text: text.replace("é".encode(), b"\xe9"),
    "cut short": lambda text: text[:-1],
    "nothing": lambda _: b"",
    "a list": lambda _: b"[]",
    "a deep nest": lambda _: b"[" * 100_000,
    "half a pair": lambda text: text.replace(b'"wp_options"]', b'"\\ud800"]'),
    "too much": lambda text: text + b" " * (9 << 20),
}


@pytest.mark.parametrize("change", OTHERWISE.values(), ids=OTHERWISE.keys())
def test_nothing_but_the_canonical_text_is_read(manifest: bytes, change: object) -> None:
    assert callable(change)
    text = change(manifest)
    assert text != manifest
    with pytest.raises(ManifestRefused):
        read(text)


def test_a_release_with_a_fraction_is_not_made() -> None:
    with pytest.raises(ValidationError, match="must be whole"):
        release(footprint={"a": [{"b": 1.5}]})


def test_half_a_pair_of_surrogates_cannot_be_written() -> None:
    with pytest.raises(ManifestRefused, match="UTF-8"):
        canonical(release(production="https://\ud800"))


def test_a_manifest_does_not_change_once_made() -> None:
    with pytest.raises(ValidationError):
        release().shop = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    "changes", [{"shop": "other"}, {"head": "0" * 40}, {"modules": ()}, {"quarantined": ()}, {"rows": {}}]
)
def test_every_change_changes_the_digest(manifest: bytes, changes: dict[str, object]) -> None:
    assert digest(canonical(release(**changes))) != digest(manifest)
