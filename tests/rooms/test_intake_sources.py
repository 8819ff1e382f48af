"""The key in the Authorization header: the right one, exactly, and no other."""

import pytest

from service.intake.sources import check_bearer


@pytest.mark.parametrize(
    ("header", "key", "answer"),
    [
        ("Bearer s3cret", "s3cret", True),
        ("bearer s3cret", "s3cret", True),
        (" Bearer   s3cret ", "s3cret", True),
        ("Bearer clé".encode().decode("latin-1"), "clé", True),
        ("Bearer 鍵", "鍵", True),
        ("Bearer s3cre", "s3cret", False),
        ("Bearer s3crett", "s3cret", False),
        ("Bearer S3CRET", "s3cret", False),
        ("Bearer s3cret other", "s3cret", False),
        ("Basic s3cret", "s3cret", False),
        ("s3cret", "s3cret", False),
        ("Bearer", "s3cret", False),
        ("", "s3cret", False),
        (None, "s3cret", False),
        ("Bearer ", "", False),
        ("Bearer", "", False),
        (None, "", False),
        ("Bearer \ud83d", "s3cret", False),
    ],
)
def test_a_bearer_key(header: str | None, key: str, answer: bool) -> None:
    assert check_bearer(header, key) is answer
