"""What the smoke suites are told of a shop, from what its database said."""

from __future__ import annotations

from pipeline.platforms.recognition import Facts
from pipeline.steps import journeys

PRESTASHOP = Facts({"prestashop": ("8.2.1",)})
WOOCOMMERCE = Facts({"wordpress": ("6.8",), "woocommerce": ("9.9.5",)})


def test_a_prestashop_that_told_everything() -> None:
    said = {"goods": "6 Mug blanc", "words": "mug blanc", "offline": "ps_wirepayment", "theme": "classic"}
    found = journeys.told(PRESTASHOP, said)
    assert dict(found.settings) == {
        "pages": "prestashop",
        "search_term": "blanc",
        "product_path": "/index.php?controller=product&id_product=6",
    }
    assert found.questions == ()
    assert found.notes == (
        "Bought is product 6, Mug blanc: simple, and in stock.",
        "Payments that need nobody outside: ps_wirepayment.",
    )


def test_a_shop_in_another_language_has_pages_elsewhere() -> None:
    said = {"goods": "9 Bol bleu", "cart": "5 panier", "account": "7 my-account", "contact_page": "8 nous-ecrire"}
    found = journeys.told(WOOCOMMERCE, said | {"offline": "bacs"})
    assert dict(found.settings)["selectors"] == {"cart-path": "/?page_id=5", "contact-path": "/?page_id=8"}
    assert dict(found.settings)["product_path"] == "/?post_type=product&p=9"


def test_what_is_missing_is_asked_with_its_key() -> None:
    found = journeys.told(WOOCOMMERCE, {"offline": "", "contact_page": "", "goods": ""})
    assert [blank.key for question in found.questions for blank in question.blanks] == [
        "journeys.search_term",
        "journeys.selectors.contact-path",
        "journeys.payment",
    ]


def test_what_could_not_be_asked_is_not_held_against_the_shop() -> None:
    found = journeys.told(PRESTASHOP, {"product": "Mug"})
    assert found.questions == ()
    assert dict(found.settings) == {"pages": "prestashop", "search_term": "mug"}


def test_a_theme_with_pages_of_its_own_gets_them() -> None:
    found = journeys.told(PRESTASHOP, {"theme": "hummingbird", "product": "Mug"})
    assert dict(found.settings)["pages"] == "hummingbird"
    assert not any("theme" in note for note in found.notes)


def test_another_theme_is_told() -> None:
    found = journeys.told(PRESTASHOP, {"theme": "warehouse", "product": "Mug"})
    assert dict(found.settings)["pages"] == "prestashop"
    said = "The theme is warehouse; the pages were written for classic, hummingbird."
    assert any(said in note for note in found.notes)
