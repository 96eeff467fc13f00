"""Sentences that end up in a report, in French: (pattern of the English one, French). Later ones win."""

from __future__ import annotations

FRENCH: tuple[tuple[str, str], ...] = (
    (r"the page (\S+) answered (\d+)", r"la page \1 a répondu \2"),
    (r"the page (\S+) shows an error: (.*)", r"la page \1 affiche une erreur : \2"),
    (r"the page (.+) did not load within (\d+) s", r"la page \1 ne s’est pas chargée en \2 s"),
    (r"the page (.+) did not answer \((.*)\)", r"la page \1 n’a pas répondu (\2)"),
    (r"(\S+), which the page (\S+) needs, answered (\d+)", r"\1, nécessaire à la page \2, a répondu \3"),
    (
        r"(\d+) orders were stored where exactly 1 was expected",
        r"\1 commandes enregistrées alors qu’une seule était attendue",
    ),
    (
        r"(\d+) messages were stored where exactly 1 was expected",
        r"\1 messages enregistrés alors qu’un seul était attendu",
    ),
    (
        r"(-?\d+) pieces were taken from stock where exactly 1 was bought",
        r"\1 pièces retirées du stock alors qu’une seule a été achetée",
    ),
    (
        r"order (\S+) was stored with (\S+) but the screen said (\S+)",
        r"la commande \1 est enregistrée à \2 alors que l’écran disait \3",
    ),
    (r"the cart is not empty after the order", "le panier n’est pas vide après la commande"),
    (
        r"the confirmation mail of order (\S+) did not arrive",
        r"le mail de confirmation de la commande \1 n’est pas arrivé",
    ),
    (r"the contact form's mail did not arrive", "le mail du formulaire de contact n’est pas arrivé"),
    (r"no payment method is offered on (\S+)", r"aucun moyen de paiement n’est proposé sur \1"),
    (r"none of the (\d+) products of (\S+) shows a price", r"aucun des \1 produits de \2 n’affiche de prix"),
    (r"the product (\S+) cannot be put into the cart", r"le produit \1 ne peut être mis au panier"),
    (
        r"the customer's account is not shown after logging in",
        "le compte client n’apparaît pas après la connexion",
    ),
    (
        r"the customer's account is not shown after registering",
        "le compte client n’apparaît pas après son ouverture",
    ),
    (r"the customer is still known after logging out", "le client reste connecté après s’être déconnecté"),
    (r".+ was refused: (.*)", r"refusé par la boutique : \1"),
    (r"no product is shown on (\S+)", r"aucun produit n’est affiché sur \1"),
    (r"a search for “(.+)” found nothing", r"la recherche « \1 » ne trouve rien"),
    (
        r"“(.+)” was not there or could not be used on (\S+) within (\d+) s",
        r"« \1 » était absent ou inutilisable sur \2 (\3 s)",
    ),
    # Of the suites, and of what keeps them from running.
    (r"(\d+) images of (\S+) did not load, the first is (.+)", r"\1 images de \2 ne se chargent pas, la première : \3"),
    (r"the page (\S+) lacks a part of its own: (.*)", r"il manque à la page \1 un élément : \2"),
    (
        r"the page (\S+) reports an error in the browser's console: (.*)",
        r"la page \1 signale une erreur dans la console du navigateur : \2",
    ),
    (r"no product is shown on the home page", "aucun produit n’est affiché sur la page d’accueil"),
    (r"no product is shown on (\S+) nor on (.+)", r"aucun produit n’est affiché sur \1 ni sur \2"),
    (
        r"the home page leads to no category; name one in the inventory as journeys\.category_path",
        "la page d’accueil ne mène à aucune catégorie ; indiquez-en une dans l’inventaire (journeys.category_path)",
    ),
    (r"the product page (\S+) shows no name", r"la page produit \1 n’affiche pas de nom"),
    (r"the product page (\S+) shows no price", r"la page produit \1 n’affiche pas de prix"),
    (r"the product page (\S+) shows the price (.+)", r"la page produit \1 affiche le prix \2"),
    (r"the confirmation shows no reference but “(.*)”", r"la confirmation n’affiche pas de référence mais « \1 »"),
    (r"putting a product into the cart answered (\d+)", r"la mise au panier a répondu \1"),
    (r"there is no filter (.+)", r"le filtre \1 n’existe pas"),
    (r"(.+) is not offered, only (.*)", r"\1 n’est pas proposé, seulement \2"),
    (r"“(.*)” on (\S+) shows no amount but “(.*)”", r"« \1 » sur \2 n’affiche pas de montant mais « \3 »"),
    (r"the filter “(.*)” shows neither products nor a word", r"le filtre « \1 » n’affiche ni produit ni message"),
    (r"a search for nonsense found (\d+) products", r"la recherche d’un mot absurde trouve \1 produits"),
    (
        r"a search for nonsense does not say that nothing was found",
        "la recherche d’un mot absurde ne dit pas que rien n’a été trouvé",
    ),
    (
        r"the product (\S+) is on the shop's pages but (?:not in its tables|has no stock in its tables)",
        r"le produit \1 est affiché par la boutique mais manque, lui ou son stock, dans ses tables",
    ),
    (
        r"the product (\S+) has no stock that the shop counts; name another one",
        r"le stock du produit \1 n’est pas suivi par la boutique ; indiquez un autre produit",
    ),
    (
        r"the product (\S+) has (\S+) pieces, but its lookup table says (\S+)",
        r"le produit \1 a \2 pièces en stock, mais sa table de recherche dit \3",
    ),
    (r"order (\S+) was stored but (\S+) was confirmed", r"la commande \1 est enregistrée mais \2 a été confirmée"),
    (
        r"order (\S+) was stored with other lines than the screen showed",
        r"la commande \1 est enregistrée avec d’autres lignes que celles de l’écran",
    ),
    (
        r"(\d+) mails about order (\S+) arrived, and none says what was bought",
        r"\1 mails sur la commande \2 sont arrivés, aucun ne dit ce qui a été acheté",
    ),
    (
        r"(\d+) confirmation mails of order (\S+) arrived where exactly 1 was expected",
        r"\1 mails de confirmation de la commande \2 sont arrivés alors qu’un seul était attendu",
    ),
    (
        r"the cart shows (\d+) lines where exactly 1 was expected",
        r"le panier affiche \1 lignes alors qu’une seule était attendue",
    ),
    (r"the cart shows (\S+) pieces where 1 was expected", r"le panier affiche \1 pièces au lieu de 1"),
    (
        r"the button that places the order cannot be used on (\S+)",
        r"le bouton de commande est inutilisable sur \1",
    ),
    (
        r"the button that sends the message cannot be used on (\S+)",
        r"le bouton d’envoi du message est inutilisable sur \1",
    ),
    (r"the confirmation says (\S+) where the cart said (\S+)", r"la confirmation dit \1 alors que le panier disait \2"),
    (
        r"the stored cart still has (\d+) lines after the order",
        r"le panier enregistré a encore \1 lignes après la commande",
    ),
    (r"(\d+) orders were stored though none was placed", r"\1 commandes enregistrées alors qu’aucune n’a été passée"),
    (
        r"the message was sent but the shop did not confirm it",
        "le message est parti mais la boutique ne l’a pas confirmé",
    ),
    (r"the stored message is not the text that was sent", "le message enregistré n’est pas le texte envoyé"),
    (
        r"whoever is not logged in is not asked to log in on (\S+)",
        r"\1 ne demande pas de se connecter à qui ne l’est pas",
    ),
    (r"an expectation was not met", "une attente n’est pas remplie"),
    (r"an expectation was not met: (.*)", r"une attente n’est pas remplie : \1"),
    (r"([A-Z]\w*): (.*)", r"erreur du navigateur ou du test, \1 : \2"),
    (
        r"was not finished within the (\d+) s that a smoke run may take",
        r"n’était pas terminé dans les \1 s prévues pour les parcours",
    ),
    (
        r"“(.+)” was not finished within the (\d+) s that a smoke run may take",
        r"« \1 » n’était pas terminé dans les \2 s prévues pour les parcours",
    ),
    (r"it was to run and left no result", "devait être parcouru et n’a laissé aucun résultat"),
    (r"pytest (.*)", r"les tests n’ont pas pu aller à leur terme : pytest \1"),
    (
        r"the JUnit file speaks of (\d+) tests and the evidence of (\d+)",
        r"le fichier JUnit parle de \1 tests et les preuves de \2",
    ),
    # What was not checked.
    (r"placing the order \(this run leaves no trace\)", "passer la commande (ce passage ne laisse aucune trace)"),
    (
        r"the stock and the stored cart \(no database was given\)",
        "le stock et le panier enregistré (sans base de données)",
    ),
    (r"the order in the database \(no database was given\)", "la commande dans la base (sans base de données)"),
    (
        r"the confirmation mail \(no mail trap was given\)",
        "le mail de confirmation (sans boîte aux lettres de test)",
    ),
    (
        r"the steps of the checkout \(they store what is typed, and this run leaves no trace\)",
        "les étapes de la commande (elles enregistrent la saisie, et ce passage ne laisse aucune trace)",
    ),
    (r"sending a message \(this run leaves no trace\)", "envoyer un message (ce passage ne laisse aucune trace)"),
    (r"the message in the database \(no database was given\)", "le message dans la base (sans base de données)"),
    (
        r"the message in the database \(this shop keeps none\)",
        "le message dans la base (cette boutique n’en garde aucun)",
    ),
    (r"the message's mail \(no mail trap was given\)", "le mail du message (sans boîte aux lettres de test)"),
    (
        r"logging in \(no test account was given, and this run leaves no trace\)",
        "se connecter (sans compte de test, et ce passage ne laisse aucune trace)",
    ),
    (
        r"logging in \(no test account was given, and nobody can register with a password\)",
        "se connecter (sans compte de test, et nul ne peut ouvrir un compte avec mot de passe)",
    ),
    (r"search filters \(the page has none\)", "les filtres de recherche (la page n’en a pas)"),
    (r"the whole test \(it was skipped\)", "tout le test (il a été sauté)"),
    # Of an upgrade, and of PHP's log. What a program said itself stays in its own words.
    (
        r"What .+ of (\S+) is not what was verified: (\d+) files differ\.",
        r"Les fichiers de \1 ne sont pas ceux qui ont été vérifiés : \2 diffèrent.",
    ),
    (r"The platform's upgrade failed\.(.*)", r"La mise à jour par la plateforme a échoué.\1"),
    (
        r"The platform's upgrade did not end within (\S+) s\.(.*)",
        r"La mise à jour par la plateforme n’était pas terminée au bout de \1 s.\2",
    ),
    (
        r"The upgrade has switched (.+) off\. Platforms do so .*",
        r"La mise à jour a désactivé \1. La plateforme le fait quand une migration échoue, tout en notant la version.",
    ),
    (
        r"PHP's caches could not be cleared: (\S+) did not answer: (.*)",
        r"Les caches de PHP n’ont pu être vidés : \1 n’a pas répondu : \2",
    ),
    (
        r"PHP's caches could not be cleared: (\S+) answered (\d+)\.",
        r"Les caches de PHP n’ont pu être vidés : \1 a répondu \2.",
    ),
    (
        r"(\S+) is at version (\S+) on disk where (\S+) was expected\.",
        r"\1 est en version \2 sur le disque alors que \3 était attendue.",
    ),
    (
        r"In the database (\S+) is at (?:no version|(\S+)), not at (\S+)\. Its migration .*",
        r"Dans la base de données, \1 n’est pas en version \3 : sa migration n’a pas eu lieu, ou pas jusqu’au bout.",
    ),
    (
        r"PHP broke off while the suites ran, as it never did before the update: (.*)",
        r"PHP s’est arrêté sur une erreur pendant les parcours, ce qui n’arrivait pas avant la mise à jour : \1",
    ),
    (r"new table", "nouvelle table"),
    (r"(.*) \((\d+) times\)", r"\1 (\2 fois)"),
    (r"(.*) \(once\)", r"\1 (au premier passage seulement)"),
    (r"(.*) \(doubtful: it passed when tried again\)", r"\1 (douteux : réussi au second essai)"),
    (r"(.*) \(and (\d+) more\)", r"\1 (et \2 autres)"),
)
