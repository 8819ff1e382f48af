"""What a person reads after sending a form, in the languages we have words in.

This file is data and its choice: nothing of what the person wrote may appear in it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

ACCEPT_LONGEST = 200
"""Characters of an Accept-Language header that are read; people have a handful of languages."""


@dataclass(frozen=True, slots=True)
class Words:
    """``received`` takes the team's name; the others tell what to do now."""

    thanks: str
    received: str
    back: str
    not_sent: str
    again_soon: str
    incomplete: str
    too_large: str
    broken: str


_EN = Words(
    thanks="Thank you",
    received="{team} has your request and will call you soon. You can close this page.",
    back="Back to the site",
    not_sent="Your request was not sent",
    again_soon="We could not take it just now. Please go back, and send it again in a few seconds.",
    incomplete="Please go back, and give a name and a phone number or an e-mail address.",
    too_large="It was too large. Please go back, and send it again without attachments.",
    broken="Something is wrong with this form. Please call us or write to us instead.",
)

WORDS: dict[str, Words] = {
    "en": _EN,
    "es": Words(
        thanks="Gracias",
        received="{team} ha recibido su solicitud y le llamará pronto. Puede cerrar esta página.",
        back="Volver al sitio",
        not_sent="Su solicitud no se ha enviado",
        again_soon="Ahora mismo no hemos podido recibirla. Vuelva atrás y envíela otra vez en unos "
        "segundos.",
        incomplete="Vuelva atrás e indique un nombre y un teléfono o un correo electrónico.",
        too_large="Era demasiado grande. Vuelva atrás y envíela otra vez sin archivos adjuntos.",
        broken="Algo falla en este formulario. Por favor, llámenos o escríbanos.",
    ),
    "fr": Words(
        thanks="Merci",
        received="{team} a bien reçu votre demande et vous appellera bientôt. Vous pouvez fermer "
        "cette page.",
        back="Retour au site",
        not_sent="Votre demande n’a pas été envoyée",
        again_soon="Nous n’avons pas pu la recevoir à l’instant. Revenez en arrière et renvoyez-la "
        "dans quelques secondes.",
        incomplete="Revenez en arrière et indiquez un nom et un numéro de téléphone ou une adresse "
        "e-mail.",
        too_large="Elle était trop volumineuse. Revenez en arrière et renvoyez-la sans pièce "
        "jointe.",
        broken="Ce formulaire ne fonctionne pas. Appelez-nous ou écrivez-nous, s’il vous plaît.",
    ),
    "de": Words(
        thanks="Vielen Dank",
        received="{team} hat Ihre Anfrage und ruft Sie bald an. Sie können diese Seite schließen.",
        back="Zurück zur Website",
        not_sent="Ihre Anfrage wurde nicht gesendet",
        again_soon="Wir konnten sie gerade nicht annehmen. Bitte gehen Sie zurück und senden Sie "
        "sie in ein paar Sekunden noch einmal.",
        incomplete="Bitte gehen Sie zurück und geben Sie einen Namen und eine Telefonnummer oder "
        "E-Mail-Adresse an.",
        too_large="Sie war zu groß. Bitte gehen Sie zurück und senden Sie sie ohne Anhänge.",
        broken="Mit diesem Formular stimmt etwas nicht. Bitte rufen Sie uns an oder schreiben Sie "
        "uns.",
    ),
    "pt": Words(
        thanks="Obrigado",
        received="{team} recebeu o seu pedido e vai ligar em breve. Pode fechar esta página.",
        back="Voltar ao site",
        not_sent="O seu pedido não foi enviado",
        again_soon="Não foi possível recebê-lo agora. Volte atrás e envie-o de novo dentro de "
        "alguns segundos.",
        incomplete="Volte atrás e indique um nome e um telefone ou um endereço de e-mail.",
        too_large="Era demasiado grande. Volte atrás e envie-o de novo sem anexos.",
        broken="Há um problema com este formulário. Por favor, ligue-nos ou escreva-nos.",
    ),
}


def language_of(accepted: str | None) -> str:
    """The first of a browser's languages (RFC 9110, 12.5.4) that we have words in; else English."""
    ranked = sorted(_ranked((accepted or "")[:ACCEPT_LONGEST]), key=lambda each: -each[1])
    return next((code for code, quality in ranked if quality > 0 and code in WORDS), "en")


def _ranked(header: str) -> Iterable[tuple[str, float]]:
    for each in header.split(","):
        tag, quality = weighed(each)
        yield tag.partition("-")[0], quality


def weighed(item: str) -> tuple[str, float]:
    """One item of an Accept header and its weight; what cannot be read weighs nothing."""
    name, *parameters = (part.strip().lower() for part in item.split(";"))
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            try:
                return name, float(value)
            except ValueError:
                return name, 0.0
    return name, 1.0
