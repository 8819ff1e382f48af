"""Team files of the stories. The order of people is fixed, so that a story can name who is asked.

Ann is asked first, then Bob; Mia manages both. Rotation, weights and turns are the rules' tests.
"""

ANN, BOB, MIA = "+12125550101", "+12125550102", "+12125550109"
PHONES = {"ann": ANN, "bob": BOB, "mia": MIA}

LINE = "+15005550007"
"""The number that callers dial, and from which leads are called."""

KEY_NAME = "WEBSITE_KEY"
FORM, FORM_KEY = "quote-form", "public-quote-form"
SITE, PLAIN_SITE = "https://www.example.com", "http://www.example.com"
"""A form on the website, with and without TLS; its key is public."""

_PEOPLE = f"""
team: Sunrise Solar
timezone: America/New_York
carrier: {{pages_from: "+15005550006", leads_from: "+15005550007", calls_per_second: 5}}
reps:
  - {{id: ann, name: Ann Lee, phone: "{ANN}"}}
  - {{id: bob, name: Bob Ray, phone: "{BOB}"}}
managers:
  - {{id: mia, name: Mia Fox, phone: "{MIA}", last_resort: true}}
sources:
  - {{id: website, kind: json, key: "env:{KEY_NAME}", per_minute: 6000}}
  - {{id: {FORM}, kind: form, key: {FORM_KEY}, origins: ["{SITE}", "{PLAIN_SITE}"]}}
turn: in-order
calls: {{bridge: false}}
ladder:
  - {{at: 0s,  page: on-duty,          by: text}}
  - {{at: 45s, page: on-duty,          by: call}}
  - {{at: 2m,  page: everyone-on-duty, by: text}}
  - {{at: 5m,  page: managers,         by: text}}
  - {{at: 15m, page: last-resort,      by: call, repeat: 15m}}
"""

ALWAYS_ON_DUTY = f"""{_PEOPLE}
hours: {{mon-sun: "00:00-24:00"}}
shifts:
  - {{days: mon-sun, from: "00:00", to: "24:00", reps: [ann, bob]}}
"""

DAY_TEAM = f"""{_PEOPLE}
hours: {{mon-sun: "08:00-21:00"}}
after_hours: at-opening
shifts:
  - {{days: mon-sun, from: "08:00", to: "14:00", reps: [ann]}}
  - {{days: mon-sun, from: "14:00", to: "20:00", reps: [bob]}}
"""
"""Two shifts, and an hour in the evening for which nobody was planned."""

NIGHT_WATCH = DAY_TEAM.replace(
    "after_hours: at-opening",
    "after_hours: night-ladder\nnight_ladder:\n  - {at: 0s, page: managers, by: text}",
)
"""At night the manager is texted, and nobody else."""

WITHOUT_TEXTS = f"{ALWAYS_ON_DUTY}texts: off\n"
"""As on the first day, before the carrier has approved the sender of texts."""

CONNECTED = ALWAYS_ON_DUTY.replace(
    "calls: {bridge: false}", "calls: {ring_rep: 40s, ring_lead: 60s}"
).replace("sources:\n", f'sources:\n  - {{id: main-line, kind: call, number: "{LINE}"}}\n')
"""Whoever takes a lead is rung and connected, and callers are put through."""

CONNECTED_BY_DAY = CONNECTED.replace(
    'hours: {mon-sun: "00:00-24:00"}', 'hours: {mon-sun: "08:00-20:00"}'
)
"""The same, with an evening."""

ANN_PREFERS_CALLS = ALWAYS_ON_DUTY.replace(
    f'name: Ann Lee, phone: "{ANN}"', f'name: Ann Lee, phone: "{ANN}", prefer: call'
)
