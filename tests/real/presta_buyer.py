"""A customer of a PrestaShop beside the pipeline, who buys as a guest, page after page, as the classic theme does."""

from __future__ import annotations

import re
import time

import httpx

from pipeline.demo.buyer import CONFIRMATION_TRIES, RETRY_SECONDS, Buyer, Confirmed, NoSale, ShopClosed, _now

CATEGORY = "/index.php?controller=category&id_category=2"
CHECKOUT = "/index.php?controller=order"
PAYMENT = "ps_wirepayment"
_PRODUCT = re.compile(r'data-id-product="(\d+)" data-id-product-attribute="(\d+)"')
_TOKEN = re.compile(r'"static_token":"(\w+)"')
_ADDRESS_TOKEN = re.compile(r'name="token" value="(\w+)"')
_COUNTRY = re.compile(r'<option\s+value="(\d+)"\s+selected')
_DELIVERY = re.compile(r'name="(delivery_option\[\d+\])"[^>]*\svalue="(\d+,)"', re.DOTALL)
_PAYMENT = re.compile(rf'action="([^"]*/module/{PAYMENT}/validation[^"]*)"')
_REFERENCE = re.compile(r"\b[A-Z]{9}\b")
_CONFIRMATION = re.compile(r'id="order-reference-value"[^>]*>(.*?)</li>', re.DOTALL)


class PrestaShopBuyer(Buyer):
    """Buys at ``base_url``, each time as a new guest in a session of its own; see :class:`Buyer` for what it keeps."""

    def _buy(self, client: httpx.Client) -> None:
        """One purchase: a product, the cart, guest, address, delivery, payment."""
        client.follow_redirects = True
        token = self._found(_TOKEN, self._read(client, CATEGORY), "token")
        product, combination = self._some_product(client).split("-")
        added = self._send(
            client,
            "/index.php?controller=cart",
            {"add": "1", "action": "update", "ajax": "1", "id_product": product, "token": token}
            | {"id_product_attribute": combination, "qty": str(self._random.choice((1, 1, 2)))},
        )
        if '"success":true' not in added:
            raise NoSale(f"the cart did not take product {product}-{combination}")
        email = f"{self.name}.{next(self._numbers)}@courriel.example"
        self._order(client, email, self._to_the_payment(client, email))

    def _to_the_payment(self, client: httpx.Client, email: str) -> str:
        """Through the steps of the checkout; returns where the order button leads."""
        person = self._person(email)
        first, _, last = re.sub(r"[^\w ]", "", person["name"]).partition(" ")
        name = {"firstname": first, "lastname": last}
        guest = {"email": email, "id_gender": "1", "customer_privacy": "1", "psgdpr": "1", "password": ""}
        page = self._send(client, CHECKOUT, name | guest | {"id_customer": "", "submitCreate": "1", "continue": "1"})
        form = page[page.find("checkout-addresses-step") :]
        told = {
            "token": self._found(_ADDRESS_TOKEN, form, "address form"),
            "id_country": self._found(_COUNTRY, form[form.find('name="id_country"') :], "country"),
            "address1": "7 rue de la Paix",
            "city": person["city"],
            "postcode": "",
        }
        saved = {"saveAddress": "delivery", "use_same_address": "1", "submitAddress": "1", "confirm-addresses": "1"}
        page = self._send(client, f"{CHECKOUT}&id_address=0", name | told | saved)
        delivery = _DELIVERY.search(page)
        if delivery is None:
            raise NoSale("the checkout offers no delivery")
        page = self._send(client, CHECKOUT, {delivery[1]: delivery[2], "confirmDeliveryOption": "1"})
        return self._found(_PAYMENT, page, "payment")

    def _order(self, client: httpx.Client, email: str, button: str) -> None:
        try:
            answer = client.post(button, follow_redirects=False)
        except httpx.ConnectError as error:
            raise NoSale(f"no connection: {error}") from error  # nothing was sent
        except httpx.HTTPError as error:
            self._lost_sight(email, f"{type(error).__name__}: {error}")
            return
        leads = answer.headers.get("location", "")
        if answer.status_code == 302 and "id_order=" in leads:
            self._confirm(client, leads, email)
        elif answer.status_code >= 500 and answer.status_code != 503:
            self._lost_sight(email, f"the order button answered {answer.status_code}")
        else:
            raise NoSale(f"the order button answered {self._answer(answer).status_code}")

    def _confirm(self, client: httpx.Client, address: str, email: str) -> None:
        """See the confirmation page, however long the shop stays closed meanwhile."""
        reason = "the confirmation was not asked for"
        for _ in range(CONFIRMATION_TRIES):
            try:
                shown = self._found(_CONFIRMATION, self._read(client, address), "confirmation")
                self.confirmed.append(Confirmed(self._found(_REFERENCE, shown, "reference"), email, _now()))
            except ShopClosed:
                self.refusals += 1
                reason = "the confirmation page answered 503"
            except (NoSale, httpx.HTTPError) as error:
                reason = f"the confirmation page: {error}"
            else:
                return
            time.sleep(RETRY_SECONDS)
            if self._stopping.is_set():
                break
        self._lost_sight(email, reason)

    def _some_product(self, client: httpx.Client) -> str:
        """``product-combination`` of one that was in the shop's list when it was last read."""
        if not self._products:
            self._products = ["-".join(each) for each in _PRODUCT.findall(self._read(client, CATEGORY))]
        if not self._products:
            raise NoSale("the shop's list has no product")
        self._random.shuffle(self._products)
        return self._products.pop()

    def _read(self, client: httpx.Client, address: str) -> str:
        return self._whole(client.get(address))

    def _send(self, client: httpx.Client, address: str, told: dict[str, str]) -> str:
        return self._whole(client.post(address, data=told))

    def _whole(self, answer: httpx.Response) -> str:
        if self._answer(answer).status_code != 200:
            raise NoSale(f"{answer.request.url.path} answered {answer.status_code}")
        return answer.text

    @staticmethod
    def _found(pattern: re.Pattern[str], text: str, what: str) -> str:
        found = pattern.search(text)
        if found is None:
            raise NoSale(f"the page has no {what}")
        return found[found.re.groups]
