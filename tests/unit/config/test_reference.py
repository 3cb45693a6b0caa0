"""The documentation of settings: complete, and the same in ``config/auditscp.toml``."""

import re
import tomllib
from functools import reduce
from pathlib import Path

from scp.config import Settings, load, reference

SHIPPED = Path(__file__).parents[3] / "config" / "auditscp.toml"


def test_every_setting_has_a_description_that_is_a_sentence() -> None:
    for setting in reference():
        assert re.fullmatch(r"[A-Z`].*\.", setting.description), setting


def test_the_defaults_in_the_reference_are_the_defaults() -> None:
    for setting in reference():
        if setting.default:
            section = reduce(getattr, setting.header.strip("[]").split("."), Settings())
            assert section.model_dump(mode="json")[setting.name] == tomllib.loads(f"x = {setting.default}")["x"]


def test_the_variables_in_the_reference_set_the_settings() -> None:
    for setting in reference():
        if setting.default:
            text = setting.default.strip('"')
            assert load(environ={setting.variable: text}) == Settings()


def test_the_shipped_file_says_exactly_the_defaults() -> None:
    assert load(SHIPPED) == Settings()


def test_the_shipped_file_holds_every_setting() -> None:
    table = tomllib.loads(SHIPPED.read_text(encoding="utf-8"))
    for setting in reference():
        path = setting.header.strip("[]").split(".")
        if setting.header == "[[peer]]":
            continue
        section = table
        for key in path:
            section = section[key]
        assert setting.name in section or setting.name.startswith("<"), setting


def test_the_examples_of_the_shipped_file_load_and_show_every_setting_of_a_peer() -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    lines = text.splitlines()
    examples = {match[1] for line in lines if (match := re.match(r"#(\w+) = ", line))}
    # An example takes the place of the setting that it is an example of.
    kept = [line for line in lines if line.partition(" = ")[0] not in examples]
    values = tomllib.loads("\n".join(re.sub(r"^#(?=\S)", "", line) for line in kept))
    settings = Settings.model_validate(values)
    assert settings.association.calling_ae_titles
    assert settings.association.addresses
    assert settings.classes.refused_sop_classes
    assert settings.classes.transfer_syntaxes
    assert settings.tls.calling_ae_titles
    assert settings.user_identity.users
    assert settings.audit.severity
    assert settings.responses
    (peer,) = settings.peer
    for setting in reference():
        if setting.header == "[[peer]]":
            assert getattr(peer, setting.name), setting
