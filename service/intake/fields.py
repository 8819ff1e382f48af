"""What sources call things: the one table of field names and of the boxes they come wrapped in.

Spellings are compared with case, spaces and punctuation left out, so `First Name*`, `first_name`
and `firstName` are one entry, `firstname`. The order of a row is its order of preference: where a
payload holds several, the first that can be used is taken and the others are kept in `extra`.

This file is data. It must not look at values.
"""

from enum import StrEnum


class Field(StrEnum):
    """What we look for in a payload."""

    NAME = "name"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    PHONE = "phone"
    EMAIL = "email"
    ASK = "ask"
    COMPANY = "company"
    CITY = "city"
    STATE = "state"
    POSTAL_CODE = "postal_code"
    COUNTRY = "country"
    LANGUAGE = "language"
    PRODUCT = "product"
    REFERRER = "referrer"
    UTM_SOURCE = "utm_source"
    UTM_MEDIUM = "utm_medium"
    UTM_CAMPAIGN = "utm_campaign"
    LANDING_PAGE = "landing_page"
    DECISION_MAKER = "decision_maker"
    PAGES_VIEWED = "pages_viewed"
    PREFERRED_CHANNEL = "preferred_channel"
    PREFERRED_TIME = "preferred_time"
    EXTERNAL_ID = "external_id"
    SUBMITTED_AT = "submitted_at"
    TEST = "test"


_SPELLINGS: dict[Field, str] = {
    Field.NAME: """name fullname yourname leadname customername clientname contactname personname
        visitorname displayname firstandlastname firstlastname nombre nom""",
    Field.FIRST_NAME: """firstname fname givenname forename yourfirstname first namefirst vorname
        prenom""",
    Field.LAST_NAME: """lastname lname surname familyname yourlastname last namelast nachname
        apellido""",
    Field.PHONE: """phone phonenumber phoneno telephone telephonenumber tel primaryphone yourphone
        yourtel mobile mobilephone mobilenumber mobilephonenumber cell cellphone cellphonenumber
        cellnumber contactnumber contactphone customerphone userphone dayphone homephone workphone
        whatsapp whatsappnumber telefono telefon""",
    Field.EMAIL: """email emailaddress mail youremail contactemail customeremail useremail leademail
        primaryemail workemail correo""",
    Field.ASK: """ask message yourmessage question inquiry enquiry request comments comment
        description details notes note howcanwehelp howcanwehelpyou additionalinfo
        additionalinformation body text subject yoursubject textarea mensaje""",
    Field.COMPANY: "company companyname organization organisation business businessname employer",
    Field.CITY: "city town locality suburb citytown addresscity",
    Field.STATE: "state region province stateprovince statecode regioncode addressstate",
    Field.POSTAL_CODE: """postalcode postcode zip zipcode zippostalcode postalzipcode postal
        addresszip plz""",
    Field.COUNTRY: "country countrycode countryname addresscountry",
    Field.LANGUAGE: "language lang locale preferredlanguage languagecode browserlanguage",
    Field.PRODUCT: """product productname service servicename servicetype interest interests
        interestedin productinterest services servicesneeded serviceneeded yourservice category
        taskname""",
    Field.REFERRER: """referrer referer referrerurl httpreferer httpreferrer referredby heardabout
        howdidyouhearaboutus howdidyoufindus""",
    Field.UTM_SOURCE: "utmsource",
    Field.UTM_MEDIUM: "utmmedium",
    Field.UTM_CAMPAIGN: "utmcampaign",
    Field.LANDING_PAGE: (
        "landingpage landingpageurl landingurl pageurl pageuri sourceurl formurl url page"
    ),
    Field.DECISION_MAKER: "decisionmaker isdecisionmaker",
    Field.PAGES_VIEWED: "pagesviewed pagesvisited viewedpages visitedpages pageviews",
    Field.PREFERRED_CHANNEL: """preferredchannel preferredcontact preferredcontactmethod
        preferredmethod contactmethod contactpreference contactby bestwaytoreach
        bestwaytoreachyou""",
    Field.PREFERRED_TIME: """preferredtime preferredcontacttime besttime besttimetocall
        besttimetocontact besttimetoreach contacttime calltime whentocall""",
    # From the name that can only mean this lead to the one that can mean anything.
    Field.EXTERNAL_ID: """externalid leadid leadgenid submissionid responseid entryid negotiationid
        messageid eventid requestid id uuid guid""",
    Field.SUBMITTED_AT: """submittedat leadsubmittime submittime submissiontime submissiondate
        submittedon createdtime createdat createdon created timestamp datetime date""",
    Field.TEST: "istest test testlead istestlead testmode",
}


def _words(row: str) -> list[str]:
    return row.split()


RANKS: dict[str, tuple[Field, int]] = {
    spelling: (field, rank)
    for field, row in _SPELLINGS.items()
    for rank, spelling in enumerate(_words(row))
}
"""Each spelling's field, and its place in that field's order of preference (0 is best)."""

UNMISTAKABLE = frozenset(
    _words(
        """name fullname firstname lastname phone phonenumber telephone tel email emailaddress
        ask message submittedat"""
    )
)
"""Spellings that can mean nothing else, so that nonsense under them is the source's error. Under
the others it may be something of the source's own (`whatsapp: true`, a consent), and is kept in
`extra`: a lead is worth more than a tidy payload."""

PEOPLE = frozenset(_words("contact customer person client user visitor applicant"))

VAGUE_IDS = frozenset({"id", "uuid", "guid"})
"""Inside a person's envelope these name the person, who may ask twice, and not the request."""

_PLACE = frozenset({Field.CITY, Field.STATE, Field.POSTAL_CODE, Field.COUNTRY})
_ORIGIN = frozenset(
    {Field.REFERRER, Field.UTM_SOURCE, Field.UTM_MEDIUM, Field.UTM_CAMPAIGN}
    | {Field.LANDING_PAGE, Field.PAGES_VIEWED, Field.LANGUAGE}
)
_ANY = frozenset(Field)

ENVELOPES: dict[str, frozenset[Field]] = {
    **dict.fromkeys(_words("lead data payload body record submission formresponse request"), _ANY),
    **dict.fromkeys(_words("fields fielddata formdata answers properties attributes values"), _ANY),
    **dict.fromkeys(_words("extra customfields customdata additionalfields"), _ANY),
    **dict.fromkeys(PEOPLE, _ANY),
    **dict.fromkeys(_words("address location"), _PLACE),
    **dict.fromkeys(_words("attribution tracking utm hidden context"), _ORIGIN),
}
"""Objects that are opened, and what may be read out of them: a location's name is not a person's.
Objects under any other name are kept whole in `extra`."""

VALUE_BOXES = frozenset({"properties", "fields", "answers"})
"""Envelopes whose fields may each be an object with the text under `value` (HubSpot, Elementor)."""

PAIR_NAMES = ("columnid", "name", "key", "field", "label", "question", "columnname", "id")
PAIR_VALUES = ("value", "values", "stringvalue", "answer")
"""How a field is named and given where a source sends a list of them: Meta `name`/`values`,
HubSpot `name`/`value`, Google `column_id`/`string_value`, Thumbtack `question`/`answer`."""


def plain(key: str) -> str:
    """A field's name without case, spaces and punctuation: `First Name*` is `firstname`."""
    return "".join(c for c in key.casefold() if c.isalnum())
