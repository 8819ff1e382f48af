"""Stories: the real processes, driven from outside, in the words of a person with a phone.

`house` runs everything, `phones` are people, `leads` are those who ask; `conftest` ties a house to
a story and holds each story to what every story promises.
"""
