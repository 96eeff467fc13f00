"""What the demo shop sells and to whom: word lists, and the rows made of them. No two runs with one seed differ."""

from __future__ import annotations

import datetime as dt
import itertools
import random
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.demo.pictures import GLAZES, SHAPES, file_name

NOW = dt.datetime(2026, 11, 20, 18, 0, 0)  # noqa: DTZ001 -- WordPress stores UTC without saying so
"""The seed's "now": rows must not depend on the day on which they are made."""

SINGULAR = {
    "Assiettes": "Assiette",
    "Bols": "Bol",
    "Bougeoirs": "Bougeoir",
    "Jarres": "Jarre",
    "Pichets": "Pichet",
    "Plats": "Plat",
    "Tasses": "Tasse",
    "Vases": "Vase",
}
COLLECTIONS = (
    "Allier", "Bocage", "Brume", "Causse", "Dune", "Estuaire", "Falaise", "Garrigue", "Halage", "L’Île-d’Yeu",
    "Lande", "Marée", "Noroît", "Orée", "Palier", "Quai", "Rive", "Sologne", "Tourbe", "Vallon",
)  # fmt: skip
SIZES = ("mini", "petit modèle", "moyen modèle", "grand modèle", "très grand modèle")
PRICES = dict(zip(SINGULAR, (24, 22, 29, 68, 46, 54, 19, 58), strict=True))
"""Euros of a middle-sized piece, in the order of SINGULAR."""

SENTENCES = (
    "Tourné à la main dans un grès chamotté, puis émaillé à la cendre de hêtre.",
    "Passe au lave-vaisselle et au micro-ondes ; le bord reste brut, c’est voulu.",
    "Chaque pièce diffère un peu de sa voisine : c’est le four qui décide.",
    "Cuit à 1280 °C, pendant onze heures, dans notre four à bois.",
    "L’émail se charge de reflets là où la flamme est passée.",
    "Se marie avec le lin, le noyer et les tablées qui durent.",
)
FIRST_NAMES = (
    "Agnès", "Aïcha", "Amélie", "Benoît", "Camille", "Cécile", "Chloé", "Daphné", "Élodie", "Éric", "Fatou",
    "Françoise", "Gaël", "Hélène", "Inès", "Jean-Noël", "Jérôme", "Joëlle", "Loïc", "Maëlle", "Mathéo", "Noé",
    "Océane", "Raphaël", "Solène", "Théo", "Thị Hoa", "Véronique", "Yannick", "Zoé",
)  # fmt: skip
LAST_NAMES = (
    "Aït-Ahmed", "Barthélemy", "Besançon", "Châtelain", "D’Aubigné", "Dupré", "Fernández", "Gauthier", "Guérin",
    "Hébert", "L’Hermite", "Lefèvre", "Le Goff", "Maçon", "Müller", "N’Diaye", "Noël", "O’Connor", "Périer",
    "Prévost", "Rémond", "Šimková", "Tréguer", "Vaudé", "Zürn",
)  # fmt: skip
STREETS = (
    "rue de l’Église", "avenue du Général-Leclerc", "impasse des Prés", "chemin de la Forêt", "quai d’Allier",
    "place aux Œufs",
)  # fmt: skip
CITIES = (
    ("03000", "Moulins"), ("13001", "Marseille"), ("21000", "Dijon"), ("29200", "Brest"), ("31000", "Toulouse"),
    ("35400", "Saint-Malo"), ("38000", "Grenoble"), ("59000", "Lille"), ("63000", "Clermont-Ferrand"),
    ("69001", "Lyon"), ("75011", "Paris"), ("97400", "Saint-Denis"),
)  # fmt: skip
NOTES = (
    "", "", "", "", "Merci d’emballer pour offrir 🎁", "Sonner chez « Périer », 2e étage", "C’est pour un mariage 💐 !",
    "Laisser au gardien",
)  # fmt: skip
STATUSES = ("pending", "paid", "shipped", "shipped", "shipped", "cancelled")


@dataclass(frozen=True)
class Product:
    """One row of ``shop_products``, without its id and time."""

    sku: str
    slug: str
    name: str
    description: str
    price: float
    stock: int
    image: str
    category: str


@dataclass(frozen=True)
class Customer:
    """One row of ``shop_customers``, without its id."""

    email: str
    name: str
    phone: str
    address: str
    postcode: str
    city: str
    country: str
    created_at: dt.datetime


def slug_of(text: str) -> str:
    """Lower-case ASCII words joined by hyphens, the way an address wants them."""
    plain = (
        unicodedata.normalize("NFKD", text.lower().replace("’", " ").replace("œ", "oe"))
        .encode("ascii", "ignore")
        .decode()
    )
    return "-".join("".join(c if c.isalnum() else " " for c in plain).split())


def products(random_source: random.Random, count: int) -> list[Product]:
    """``count`` different products, mixed the way a catalogue is. The first dozen are in stock for any demo."""
    kinds = list(itertools.product(SHAPES, COLLECTIONS, GLAZES, SIZES))
    random_source.shuffle(kinds)
    made = []
    for number in range(count):
        series, position = divmod(number, len(kinds))
        made.append(_product(random_source, number, series, kinds[position]))
    return made


def _product(random_source: random.Random, number: int, series: int, kind: tuple[str, str, str, str]) -> Product:
    category, collection, glaze, size = kind
    again = f" n° {series + 1}" if series else ""
    name = f"{SINGULAR[category]} {collection} {glaze.lower()}, {size}{again}"
    described = " ".join(random_source.sample(SENTENCES, 3))
    # Old catalogues hold such slips; the loyalty module's migration tidies them.
    stored_name = name.replace(" ", "  ", 1) if random_source.random() < 0.1 else name
    price = PRICES[category] * (0.7 + 0.25 * SIZES.index(size)) + random_source.choice((0, 0.5, 0.9))
    empty = number >= 12 and random_source.random() < 0.04
    return Product(
        sku=f"MP-{slug_of(category)[:3].upper()}-{number + 1:05d}",
        slug=slug_of(name),
        name=stored_name,
        description=described,
        price=round(price, 2),
        stock=0 if empty else random_source.randint(40, 400),
        image=file_name(category, glaze),
        category=category,
    )


def customers(random_source: random.Random, count: int) -> Iterator[Customer]:
    """``count`` customers with addresses of their own at domains that cannot receive mail."""
    for number in range(1, count + 1):
        first, last = random_source.choice(FIRST_NAMES), random_source.choice(LAST_NAMES)
        postcode, city = random_source.choice(CITIES)
        address = f"{random_source.randint(1, 180)} {random_source.choice(STREETS)}"
        domain = random_source.choice(("courriel.example", "poste.example", "mel.example"))
        phone = f"0{random_source.choice('67')}" + "".join(f" {random_source.randint(0, 99):02d}" for _ in range(4))
        born = NOW - dt.timedelta(minutes=random_source.randint(30_000, 900_000))
        email = f"{slug_of(first)}.{slug_of(last)}.{number}@{domain}"
        yield Customer(email, f"{first} {last}", phone, address, postcode, city, "France", born)
