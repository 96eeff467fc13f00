"""The contact form: a message that is sent arrives."""

from __future__ import annotations

from smoke_tests.journey import Journey
from smoke_tests.pages.base import Pages, Visitor
from smoke_tests.shop import Shop
from smoke_tests.shopdata import Backstage


def test_a_message_arrives(
    journey: Journey, shop_pages: Pages, shop: Shop, visitor: Visitor, backstage: Backstage
) -> None:
    contact = shop_pages.contact
    message = f"Test message of {visitor.email}. Please ignore. Été, 7 €."
    with journey.step("fill in the contact form"):
        contact.open()
        contact.fill_in(visitor, message)
        assert contact.can_send(), f"the button that sends the message cannot be used on {journey.path}"
    if not shop.keeps_traces:
        journey.not_checked("sending a message (this run leaves no trace)")
        return
    with journey.step("send the message"):
        contact.send()
        assert contact.says_sent(), "the message was sent but the shop did not confirm it"
    stored = None if backstage.data is None else backstage.data.messages_of(visitor.email)
    if backstage.data is None:
        journey.not_checked("the message in the database (no database was given)")
    elif stored is None:
        journey.not_checked("the message in the database (this shop keeps none)")
    else:
        assert len(stored) == 1, f"{len(stored)} messages were stored where exactly 1 was expected"
        assert stored[0].strip() == message, "the stored message is not the text that was sent"
    if backstage.mailbox is None:
        journey.not_checked("the message's mail (no mail trap was given)")
    else:
        mails = backstage.mailbox.wait_for(holding=visitor.email)
        assert mails, "the contact form's mail did not arrive"
