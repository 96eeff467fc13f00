"""The seeded shop: the same every time, whole, and full of what makes copies go wrong."""

from __future__ import annotations

import random
import re
import struct
import zlib
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.demo import catalogue, seed
from pipeline.demo.pictures import GLAZES, SHAPES, SIZE


def _seeded(number: int = 1) -> random.Random:
    return random.Random(number)  # noqa: S311 -- the same every time


def test_equal_arguments_give_equal_text() -> None:
    assert "".join(seed.seed_sql(orders=20, products=50)) == "".join(seed.seed_sql(orders=20, products=50))


def test_it_has_as_many_orders_as_asked_for_each_with_its_own_reference() -> None:
    text = "".join(seed.seed_sql(orders=1203, products=50))
    references = re.findall(r"^\(\d+, '(MP-\d{6})',", text, re.MULTILINE)
    assert len(references) == len(set(references)) == 1203


def test_every_order_totals_its_lines() -> None:
    source = _seeded(1)
    goods = catalogue.products(source, 60)
    people = list(catalogue.customers(source, 5))
    for order, lines in seed._orders(source, 40, goods, people):
        total = order[seed.ORDER_COLUMNS.index("total")]
        assert total == sum(Decimal(str(line[-1])) * int(str(line[-2])) for line in lines)


def test_products_beyond_all_kinds_are_still_different() -> None:
    goods = catalogue.products(_seeded(1), 9000)
    assert len({product.slug for product in goods}) == len({product.sku for product in goods}) == 9000


def test_the_first_products_are_in_stock_and_some_others_are_not() -> None:
    goods = catalogue.products(_seeded(seed.SEED), 4000)
    assert all(product.stock >= 40 for product in goods[:12])
    assert 50 < sum(product.stock == 0 for product in goods) < 400


def test_the_text_holds_accents_apostrophes_emoji_and_the_prefix_asked_for() -> None:
    text = "".join(seed.seed_sql("x9_", orders=200, products=50))
    assert "INSERT INTO `x9_shop_orders`" in text
    assert all(awkward in text for awkward in ("é", "’", "🎁", "Š"))
    assert "wp_" not in text


def test_every_customer_lives_at_a_domain_that_cannot_receive_mail() -> None:
    assert all(one.email.endswith(".example") for one in catalogue.customers(_seeded(1), 300))


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=20), max_size=4))
def test_php_reads_back_what_was_serialised(values: dict[str, str]) -> None:
    assert _unserialised(seed._php(values)) == values


@given(st.text())
def test_a_literal_has_no_quote_or_line_break_that_could_end_it(text: str) -> None:
    inner = seed._literal(text)[1:-1]
    assert not re.search(r"(?<!\\)(?:\\\\)*'", inner)
    assert "\n" not in inner


def test_every_kind_of_product_has_a_picture_that_decodes(tmp_path: Path) -> None:
    written = seed.write_images(tmp_path / "shop")
    assert len({path.name for path in written}) == len(SHAPES) * len(GLAZES) == 40
    named = {product.image for product in catalogue.products(_seeded(1), 4000)}
    assert named == {path.name for path in written}
    for path in written[::9]:
        assert _decoded_length(path.read_bytes()) == SIZE * (1 + 3 * SIZE)


@pytest.mark.parametrize(
    ("text", "slug"), [("Œuf à l’Île-d’Yeu", "oeuf-a-l-ile-d-yeu"), ("N’Diaye  Šimková", "n-diaye-simkova")]
)
def test_slugs_are_plain_words(text: str, slug: str) -> None:
    assert catalogue.slug_of(text) == slug


def _unserialised(serialised: str) -> dict[str, str]:
    """Just enough of PHP's unserialize(): lengths count bytes."""
    raw = serialised.encode()
    head = re.match(rb"a:(\d+):\{", raw)
    assert head
    position, texts = head.end(), []
    while raw[position : position + 1] == b"s":
        length_end = raw.index(b":", position + 2)
        length = int(raw[position + 2 : length_end])
        start = length_end + 2
        texts.append(raw[start : start + length].decode())
        assert raw[start + length : start + length + 2] == b'";'
        position = start + length + 2
    assert raw[position:] == b"}"
    assert len(texts) == 2 * int(head[1])
    return dict(zip(texts[::2], texts[1::2], strict=True))


def _decoded_length(png: bytes) -> int:
    position, data = 8, b""
    while position < len(png):
        (length,) = struct.unpack(">I", png[position : position + 4])
        kind, body = png[position + 4 : position + 8], png[position + 8 : position + 8 + length]
        assert struct.unpack(">I", png[position + 8 + length : position + 12 + length])[0] == zlib.crc32(kind + body)
        data += body if kind == b"IDAT" else b""
        position += 12 + length
    return len(zlib.decompress(data))
