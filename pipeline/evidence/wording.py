"""The words of the report in English and French, the sentences of the smoke suites included."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, get_args

from pipeline.config.inventory import Suite
from pipeline.evidence.french import FRENCH

Language = Literal["en", "fr"]
SUITES = get_args(Suite)

WORDS: Mapping[str, tuple[str, str]] = {
    "title": ("Updates of {shop}", "Mises à jour de {shop}"),
    "tried": ("{n} updates were tried", "{n} mises à jour essayées"),
    "tried one": ("1 update was tried", "1 mise à jour essayée"),
    "kept": ("Ready to promote", "Prêtes pour la production"),
    "aside": ("Set aside", "Écartées"),
    "kept word": ("kept", "gardée"),
    "aside word": ("set aside", "écartée"),
    "kept n": ("{n} kept", "{n} gardées"),
    "kept n one": ("1 kept", "1 gardée"),
    "aside n": ("{n} set aside", "{n} écartées"),
    "aside n one": ("1 set aside", "1 écartée"),
    "colon": (": ", "\u00a0: "),
    "lead": (
        (
            "Each update was installed alone on a copy of the shop, then the shop was visited, searched, bought from."
            " What passed was kept; what did not was taken back, so that the others could go on."
        ),
        (
            "Chaque mise à jour a été installée seule sur une copie de la boutique, puis la boutique a été visitée, une"
            " recherche faite, une commande passée. Ce qui a réussi est gardé ; le reste a été retiré avant la suite."
        ),
    ),
    "nothing kept": ("Nothing is ready to promote.", "Rien n’est prêt pour la production."),
    "production": (
        "Production has not been changed by any of this.",
        "Rien de tout cela n’a modifié la production.",
    ),
    "module": ("Module", "Module"),
    "version": ("Version", "Version"),
    "why": ("Why", "Pourquoi"),
    "result": ("Result", "Résultat"),
    "security": ("Security", "Sécurité"),
    "malfunction": ("Malfunction", "Dysfonctionnement"),
    "feature": ("New feature", "Nouveauté"),
    "with": (
        "It fails together with the new version of {names}; by itself it passes.",
        "Elle échoue avec la nouvelle version de {names} ; seule, elle réussit.",
    ),
    "alone": ("It fails by itself.", "Elle échoue même seule."),
    "approve": ("How to approve", "Comment approuver"),
    "approve lead": (
        (
            "Read this page. If you agree, sign with your SSH key; {n} signatures are needed. What you sign is the"
            " fingerprint below: it stands for exactly these versions, files and test results."
        ),
        (
            "Lisez cette page. Si vous êtes d’accord, signez avec votre clé SSH ; il faut {n} signatures. Vous signez"
            " l’empreinte ci-dessous : elle désigne exactement ces versions, ces fichiers et ces résultats."
        ),
    ),
    "approve lead one": (
        (
            "Read this page. If you agree, sign with your SSH key; one signature is needed. What you sign is the"
            " fingerprint below: it stands for exactly these versions, files and test results."
        ),
        (
            "Lisez cette page. Si vous êtes d’accord, signez avec votre clé SSH ; une signature suffit. Vous signez"
            " l’empreinte ci-dessous : elle désigne exactement ces versions, ces fichiers et ces résultats."
        ),
    ),
    "approve none": (
        "The playbook asks for no signature. The fingerprint of what is promoted:",
        "Le plan ne demande aucune signature. L’empreinte de ce qui partira en production :",
    ),
    "fingerprint": ("Fingerprint", "Empreinte"),
    "database": ("What it changes in the database", "Ce qu’elle change dans la base de données"),
    "no rows": ("It changes nothing in the database.", "Elle ne change rien dans la base de données."),
    "table": ("Table", "Table"),
    "added": ("added", "ajoutées"),
    "changed": ("changed", "modifiées"),
    "removed": ("removed", "supprimées"),
    "schema": ("structure", "structure"),
    "files": ("{n} files change", "{n} fichiers changent"),
    "files one": ("1 file changes", "1 fichier change"),
    "commit": ("Commit", "Commit"),
    "package": ("Package", "Paquet"),
    "journeys": ("What was tested", "Ce qui a été testé"),
    "journeys lead": (
        "The last run, with everything that was kept in place.",
        "Le dernier passage, avec tout ce qui est gardé.",
    ),
    "home": ("Home page", "Page d’accueil"),
    "category": ("Category page", "Page d’une catégorie"),
    "search": ("Search", "Recherche"),
    "product": ("Product page", "Page d’un produit"),
    "checkout": ("Purchase", "Achat"),
    "contact": ("Contact form", "Formulaire de contact"),
    "login": ("Customer login", "Compte client"),
    "passed": ("passed", "réussi"),
    "failed": ("failed", "échoué"),
    "doubtful": ("passed at the second try", "réussi au second essai"),
    "inconclusive": ("not established", "non établi"),
    "not checked": ("Not checked", "Non vérifié"),
    "four eyes": (
        "Not by {by}, who ran the updates.",
        "Pas celle de {by}, qui a lancé les mises à jour.",
    ),
    "two eyes": (
        "{by}, who ran the updates, may sign too.",
        "{by}, qui a lancé les mises à jour, peut aussi signer.",
    ),
    "roles": ("Only these roles count: {names}.", "Seuls ces rôles comptent : {names}."),
    "left out": (
        "These did not pass before any update either, so nothing is known of them: {names}.",
        "Ces parcours échouaient déjà avant toute mise à jour, on n’en sait donc rien : {names}.",
    ),
    "business": ("orders, customers", "commandes, clients"),
    "browser": ("Reported by the browser, not before", "Signalé par le navigateur, et non avant"),
    "log": ("Logged by PHP meanwhile, not before", "Relevé dans le journal de PHP, et non avant"),
    "slower": ("Slower than before", "Plus lent qu’avant"),
    "pages": ("Loading times", "Temps de chargement"),
    "page": ("Page", "Page"),
    "ttfb": ("first byte", "premier octet"),
    "lcp": ("main content", "contenu principal"),
    "times": ("Duration", "Durée"),
    "total": ("In all", "En tout"),
    "picture": ("What the visitor would have seen", "Ce que le visiteur aurait vu"),
    "run": ("Run", "Passage"),
    "by": ("by", "par"),
    "made by": ("Made by Palier", "Rédigé par Palier"),
}

_STEPS: Mapping[str, str] = {
    "open the home page": "ouvrir la page d’accueil",
    "open a category": "ouvrir une catégorie",
    "open a product of the category": "ouvrir un produit de la catégorie",
    "open the login": "ouvrir la page de connexion",
    "register an account": "ouvrir un compte",
    "log out after registering": "se déconnecter du nouveau compte",
    "log in": "se connecter",
    "log out": "se déconnecter",
    "search for a known product": "chercher un produit connu",
    "narrow the result": "filtrer le résultat",
    "open the product that was found": "ouvrir le produit trouvé",
    "search for nonsense": "chercher un mot absurde",
    "open a product": "ouvrir un produit",
    "put it into the cart": "le mettre au panier",
    "fill in the checkout": "remplir la commande",
    "place the order": "commander",
    "look into the cart again": "revoir le panier",
    "fill in the contact form": "remplir le formulaire",
    "send the message": "envoyer le message",
    "failure": "l’échec",
}


def word(key: str, language: Language, **values: object) -> str:
    """One text of the report. With ``n`` = 1 the key's own form for one is taken, if there is one."""
    if values.get("n") == 1 and f"{key} one" in WORDS:
        key = f"{key} one"
    english, french = WORDS[key]
    return english.format(**values) if language == "en" else _unbroken(french.format(**values))


def _unbroken(french: str) -> str:
    """French puts a space before high punctuation, and no line ends there."""
    return re.sub(r" (?=[;:!?»])|(?<=«) ", "\u00a0", french)


def suite_word(suite: str, language: Language) -> str:
    """A suite's name for people; a team's own suite keeps its own."""
    return word(suite, language) if suite in SUITES else suite


def step(name: str, language: Language) -> str:
    """A step of a journey; one that we do not know stays as it is."""
    return name if language == "en" else _STEPS.get(name, name)


def sentence(text: str, language: Language) -> str:
    """A sentence of the suites', or of an upgrade's, in the report's language; one we do not know stays as it is."""
    if language == "en":
        return text
    suite, colon, said = text.partition(": ")
    if colon and re.fullmatch(r"[a-z_]+", suite):
        return suite_word(suite, language) + word("colon", language) + _translated(said)
    return _translated(text)


def _translated(said: str) -> str:
    for pattern, french in reversed(FRENCH):
        found = re.fullmatch(pattern, said, re.DOTALL)
        if found:
            groups = found.groups()
            nested = groups and groups[0] and pattern.startswith("(.*)")
            text = found.expand(french)
            return text.replace(groups[0], _translated(groups[0]), 1) if nested else _unbroken(text)
    return said
