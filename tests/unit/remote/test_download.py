"""Downloads: https all the way, bounded, whole or not at all, and no secret told to a stranger."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from pipeline.remote.command import Secret
from pipeline.remote.download import DownloadFailed, Web, shown

Handler = Callable[[httpx.Request], httpx.Response]


def web(handler: Handler) -> Web:
    return Web(lambda: httpx.Client(transport=httpx.MockTransport(handler)))


def redirecting(places: dict[str, str]) -> Handler:
    def answer(request: httpx.Request) -> httpx.Response:
        target = places.get(str(request.url))
        return httpx.Response(302, headers={"location": target}) if target else httpx.Response(200, content=b"bytes")

    return answer


def test_a_file_is_fetched_over_redirects(tmp_path: Path) -> None:
    places = {"https://a.example/x.zip": "https://b.example/y", "https://b.example/y": "/z"}
    fetched = web(redirecting(places)).fetch("https://a.example/x.zip", tmp_path / "x.zip", most=10)
    assert (tmp_path / "x.zip").read_bytes() == b"bytes"
    assert fetched.address == "https://b.example/z"


@pytest.mark.parametrize(
    "places",
    [
        {"https://a.example/x": "http://a.example/x"},
        {"https://a.example/x": "file:///etc/passwd"},
        {"https://a.example/x": "https://a.example/x"},
    ],
    ids=["to http", "to a file", "for ever"],
)
def test_a_redirect_that_leads_astray_is_refused(tmp_path: Path, places: dict[str, str]) -> None:
    with pytest.raises(DownloadFailed):
        web(redirecting(places)).fetch("https://a.example/x", tmp_path / "x", most=10)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("address", ["http://a.example/x", "ftp://a.example/x", "https://", "https://a.example:bad/"])
def test_only_https_is_asked(tmp_path: Path, address: str) -> None:
    def nobody(request: httpx.Request) -> httpx.Response:
        raise AssertionError("nothing may be asked")

    with pytest.raises(DownloadFailed):
        web(nobody).fetch(address, tmp_path / "x", most=10)


def test_one_byte_too_many_and_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"before")
    big = web(lambda _: httpx.Response(200, content=b"a" * 11))
    with pytest.raises(DownloadFailed, match="larger"):
        big.fetch("https://a.example/x", tmp_path / "x", most=10)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_bytes() == b"before"


def test_headers_go_to_the_named_server_alone(tmp_path: Path) -> None:
    heard: dict[str, str | None] = {}

    def answer(request: httpx.Request) -> httpx.Response:
        heard[str(request.url)] = request.headers.get("authorization")
        return redirecting({"https://a.example/x": "https://b.example/y"})(request)

    web(answer).fetch("https://a.example/x", tmp_path / "x", most=10, headers={"Authorization": Secret("k")})
    assert heard == {"https://a.example/x": "k", "https://b.example/y": None}


def test_an_answer_that_is_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed, match="answered 404") as failed:
        web(lambda _: httpx.Response(404)).fetch("https://a.example/x?key=s3cret", tmp_path / "x", most=10)
    assert "s3cret" not in str(failed.value)


def test_a_lost_connection_is_said(tmp_path: Path) -> None:
    def lost(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route", request=request)

    with pytest.raises(DownloadFailed, match="cannot be fetched"):
        web(lost).text("https://a.example/x", most=10)


def test_what_is_shown_of_an_address_holds_no_secret() -> None:
    assert shown("https://me:pw@a.example/x.zip?token=t#f") == "https://a.example/x.zip"
