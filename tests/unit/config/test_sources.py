"""Command line over environment over file over defaults, and every problem with its place."""

import errno
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path

import pytest

from scp.config import OPTIONS, ConfigurationError, Settings, load

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes ``auditscp.toml`` into the working directory, so that places begin with this name alone."""
    monkeypatch.chdir(tmp_path)

    def write(text: str) -> Path:
        path = Path("auditscp.toml")
        path.write_text(text, encoding="utf-8")
        return path

    return write


A_PORT = "a port: 0–65535 (0 means any free one)"
AN_AE_TITLE = "an AE title: 1 to 16 printable ASCII characters, no backslash, not only spaces"
A_SECTION = "a section: settings stand below its name in brackets"
OF_A_PEER = "address, ae_title, identical, name, profile, responses, severity, warning_status"
A_PDU_LENGTH = "a PDU length in bytes: 4096–1048576 (0, no limit, is not offered: a peer could fill the memory)"
A_SEVERITY = 'a severity: "off", "info", "warn" or "refuse"'
A_LEVEL = 'a level: "debug", "info", "warning" or "error"'
HAS_HOST_BITS = "has bits beyond its prefix: the network is"
NOT_YOURS = "which is for this node's own troubles only"
ONCE_SECTION = "a section may stand only once"
ONCE = "a name may stand only once in its section"
QUOTES = "text stands in quotes, true and false in small letters"


def problems(
    path: Path | None = None,
    *,
    overrides: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    known_codes: frozenset[str] | None = None,
) -> list[str]:
    """Load what cannot be loaded, and return ``place: message`` of every problem."""
    with pytest.raises(ConfigurationError) as caught:
        load(path, overrides=overrides, environ=environ, known_codes=known_codes)
    assert str(caught.value).splitlines() == [str(problem) for problem in caught.value.problems]
    return [str(problem) for problem in caught.value.problems]


def test_without_any_source_the_defaults_count() -> None:
    assert load() == Settings()


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load().node.port = 104


def test_settings_do_not_read_the_environment_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDITSCP_NODE__PORT", "104")
    assert load().node.port == Settings().node.port == 11112


def test_command_line_goes_over_environment_over_file_over_defaults(write: Write) -> None:
    path = write('[node]\nae_title = "FILE"\nhost = "192.0.2.1"\nport = 1\n[log]\nlevel = "debug"\n')
    environ = {"AUDITSCP_NODE__AE_TITLE": "ENVIRON", "AUDITSCP_NODE__PORT": "2"}
    settings = load(path, overrides={"--port": 3, "--host": None}, environ=environ)
    assert settings.node.port == 3
    assert settings.node.ae_title == "ENVIRON"
    assert settings.node.host == "192.0.2.1"
    assert settings.log.level == "debug"
    assert settings.limits == Settings().limits


def test_every_option_sets_its_setting() -> None:
    given: dict[str, object] = {
        "--host": "::1",
        "--port": 104,
        "--ae-title": "PACS",
        "--data": Path("elsewhere"),
        "--profile": "strict",
    }
    settings = load(overrides=given)
    assert given.keys() == OPTIONS.keys()
    for option, (section, name) in OPTIONS.items():
        assert getattr(getattr(settings, section), name) == given[option]


def test_variables_may_be_lists_and_tables() -> None:
    settings = load(
        environ={
            "AUDITSCP_ASSOCIATION__CALLING_AE_TITLES": "CT1, MR1,",
            "AUDITSCP_ASSOCIATION__ADDRESSES": '["192.0.2.0/24", "2001:db8::/32"]',
            "AUDITSCP_RESPONSES": '{"DUP-001": "c111"}',
            "AUDITSCP_AUDIT__SEVERITY": '{"STK": "warn"}',
            "AUDITSCP_PEER": '[{"ae_title": "CT1", "profile": "observe"}]',
            "AUDITSCP_CLASSES__PRIVATE": "false",
        }
    )
    assert settings.association.calling_ae_titles == ("CT1", "MR1")
    assert settings.association.addresses == (ip_network("192.0.2.0/24"), ip_network("2001:db8::/32"))
    assert settings.responses == {"DUP-001": 0xC111}
    assert settings.audit.severity == {"STK": "warn"}
    assert settings.peer[0].profile == "observe"
    assert settings.classes.private is False


def test_the_keys_of_tables_in_variables_are_as_they_are_written() -> None:
    settings = load(
        environ={
            "AUDITSCP_USER_IDENTITY__USERS__Anna": "",
            "auditscp_audit__severity__STK": "warn",
            "AUDITSCP_NOTIFY__WEBHOOK__TIMEOUT": "7",
        },
        known_codes=["STK"],
    )
    assert settings.user_identity.users == {"Anna": ""}
    assert settings.audit.severity == {"STK": "warn"}
    assert settings.notify.webhook.timeout == 7


def test_ae_titles_that_look_like_numbers_stay_text() -> None:
    settings = load(environ={"AUDITSCP_NODE__AE_TITLE": "104", "AUDITSCP_ASSOCIATION__CALLING_AE_TITLES": "7"})
    assert settings.node.ae_title == "104"
    assert settings.association.calling_ae_titles == ("7",)


def test_tables_of_file_and_environment_are_merged_by_section(write: Write) -> None:
    settings = load(write("[node]\nport = 1\n"), environ={"AUDITSCP_NODE__HOST": "127.0.0.1"})
    assert (settings.node.port, settings.node.host) == (1, "127.0.0.1")


def test_a_list_from_the_environment_replaces_that_of_the_file(write: Write) -> None:
    path = write('[association]\ncalling_ae_titles = ["A", "B"]\n')
    settings = load(path, environ={"AUDITSCP_ASSOCIATION__CALLING_AE_TITLES": "C"})
    assert settings.association.calling_ae_titles == ("C",)


def test_everything_that_is_wrong_is_reported_at_once_with_its_place(write: Write) -> None:
    path = write(
        "# a comment\n"
        "[node]\n"
        'ae_titel = "X"\n'
        "port = 65536\n"
        "\n"
        "[association]\n"
        "addresses = [\n"
        '  "192.0.2.0/24",  # [node]\n'
        '  "192.0.2.1/24",\n'
        "]\n"
        "max_pdu = 0\n"
        "[responses]\n"
        '"DUP-001" = "A700"\n'
        "[[peer]]\n"
        'ae_title = "A"\n'
        "[[peer]]\n"
        'name = "neither address nor title"\n'
        "[[peer]]\n"
        'ae_title = "B\\\\C"\n'
        "[peer.severity]\n"
        'STK-251 = "wrn"\n'
        "[storge]\n"
    )
    environ = {"AUDITSCP_LOG__LEVEL": "loud", "AUDITSCP_NODE__PRT": "1"}
    assert problems(path, overrides={"--port": -1}, environ=environ) == [
        "auditscp.toml:3 [node] ae_titel: unknown name; did you mean 'ae_title'?",
        f"auditscp.toml:4 [node] port: 65536 is not {A_PORT}",
        f'auditscp.toml:7 [association] addresses entry 2: "192.0.2.1/24" {HAS_HOST_BITS} 192.0.2.0/24',
        f"auditscp.toml:11 [association] max_pdu: 0 is not {A_PDU_LENGTH}",
        f'auditscp.toml:13 [responses] DUP-001: A700 says "try again", {NOT_YOURS}',
        "auditscp.toml:16 [[peer]] 2: a peer needs ae_title or address, or both",
        f'auditscp.toml:19 [[peer]] 3 ae_title: "B\\\\C" is not {AN_AE_TITLE}',
        f'auditscp.toml:21 [[peer]] 3 severity STK-251: "wrn" is not {A_SEVERITY}',
        "auditscp.toml:22 [storge]: unknown name; did you mean 'storage'?",
        "environment AUDITSCP_NODE__PRT: unknown name; did you mean 'port'?",
        f'environment AUDITSCP_LOG__LEVEL: "loud" is not {A_LEVEL}',
        f"command line --port: -1 is not {A_PORT}",
    ]


def test_a_wrong_value_is_reported_even_where_another_source_goes_over_it(write: Write) -> None:
    path = write("[node]\nport = 'x'\n")
    assert len(problems(path, overrides={"--port": 104})) == 1


def test_unknown_names_without_a_near_one_list_what_there_is(write: Write) -> None:
    path = write("[log]\nzzz = 1\n[[peer]]\nae_title = 'A'\nqqq = 1\n")
    assert problems(path) == [
        "auditscp.toml:2 [log] zzz: unknown name; known here: format, level",
        f"auditscp.toml:5 [[peer]] 1 qqq: unknown name; known here: {OF_A_PEER}",
    ]


def test_a_setting_where_a_section_belongs_is_a_problem(write: Write) -> None:
    assert problems(write("node = 5\npeer = 7\n")) == [
        f"auditscp.toml:1 [node]: 5 is not {A_SECTION}",
        "auditscp.toml:2 [peer]: 7 is not a list of [[peer]] tables",
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("AUDITSCP_NODE_PORT", "sets nothing that is known; did you mean 'AUDITSCP_NODE__PORT'?"),
        ("auditscp_nod__port", "sets nothing that is known; did you mean 'AUDITSCP_NODE__PORT'?"),
        ("AUDITSCP_", "sets nothing that is known"),
        ("AUDITSCP_PORT", "sets nothing that is known; did you mean 'AUDITSCP_NODE__PORT'?"),
        ("AUDITSCP_ZZZ", "sets nothing that is known"),
    ],
)
def test_unknown_variables_with_our_prefix_are_problems(name: str, message: str) -> None:
    assert problems(environ={name: "1"}) == [f"environment {name}: {message}"]


def test_variables_that_are_not_settings_are_left_alone() -> None:
    environ = {"AUDITSCP_CONFIG": "x", "AUDITSCP_CORPUS": "y", "HOME": "/", "AUDITSCPX": "z"}
    assert load(environ=environ) == Settings()


def test_places_in_the_environment_name_the_variable_and_the_entry() -> None:
    environ = {
        "AUDITSCP_NODE__PORT__NUMBER": "1",
        "AUDITSCP_LOG": "loud",
        "AUDITSCP_RESPONSES": "{",
        "AUDITSCP_PEER": '[{"ae_title": "A"}, {"ae_title": ""}]',
    }
    assert problems(environ=environ) == [
        f'environment AUDITSCP_NODE__PORT__NUMBER: {{"NUMBER": "1"}} is not {A_PORT}',
        f'environment AUDITSCP_LOG: "loud" is not {A_SECTION}',
        'environment AUDITSCP_RESPONSES: "{" is not a table of rule = status',
        f'environment AUDITSCP_PEER entry 2 ae_title: "" is not {AN_AE_TITLE}',
    ]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("[node]\nport = 1\nport = 2\n", 3, f"Cannot overwrite a value in column 9; {ONCE}"),
        ("[node]\nhost = localhost\n", 2, f"Invalid value in column 8; {QUOTES}"),
        ("[node]\n[log]\n[node]\n", 3, "Cannot declare ('node',) twice in column 6; " + ONCE_SECTION),
        ("[node\nport = 1\n", 1, "Expected ']' at the end of a table declaration in column 6"),
        ("[log]\n\nlevel =\n", 3, f"Invalid value in column 8; {QUOTES}"),
        ('[log]\nlevel = """open\n', 2, "Unterminated string"),
    ],
)  # fmt: skip
def test_syntax_errors_name_the_line(write: Write, text: str, line: int, message: str) -> None:
    assert problems(write(text)) == [f"auditscp.toml:{line}: is not TOML: {message}"]


def test_an_unusable_file_does_not_hide_problems_elsewhere(write: Write) -> None:
    found = problems(write("["), overrides={"--port": 99999}, environ={"AUDITSCP_X": "1"})
    assert [place.partition(":")[0] for place in found] == [
        "auditscp.toml",
        "environment AUDITSCP_X",
        "command line --port",
    ]


def test_a_missing_file_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"
    assert problems(path) == [f"{path}: cannot be read: there is no such file"]


def test_a_folder_in_place_of_the_file_is_a_problem(tmp_path: Path) -> None:
    assert problems(tmp_path) == [f"{tmp_path}: cannot be read: it is a folder; name the file in it"]


def test_an_endless_link_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "link.toml"
    path.symlink_to(path)
    assert problems(path) == [f"{path}: cannot be read: {os.strerror(errno.ELOOP)}"]


@pytest.fixture
def forbidden(tmp_path: Path) -> Iterator[Path]:
    """A file that may not be read. Gives up root, who may read everything, for one test."""
    path = tmp_path / "auditscp.toml"
    path.touch(mode=0)
    user = os.geteuid()
    if user == 0:
        with suppress(OSError):  # root that may not do even this may not read everything either
            os.seteuid(65534)
    yield path
    os.seteuid(user)


def test_a_forbidden_file_is_a_problem(forbidden: Path) -> None:
    assert problems(forbidden) == [f"{forbidden}: cannot be read: this user may not read it"]


def test_a_file_that_is_not_utf_8_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "latin1.toml"
    path.write_bytes("# für\n".encode("latin-1"))
    assert problems(path) == [f"{path}: is not UTF-8 text: byte 4"]


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "windows.toml"
    path.write_bytes(b"\xef\xbb\xbf[node]\r\nport = 7\r\n")
    assert load(path).node.port == 7


def test_rule_names_are_checked_against_the_catalogue(write: Write) -> None:
    path = write('[audit.severity]\nSTK-251 = "off"\nSTK-252 = "off"\n"GEO-103.unusable" = "off"\nDUB = "warn"\n')
    known = frozenset({"STK-251", "STK", "DUP", "GEO-103.unusable"})
    assert load(path).audit.severity["STK-252"] == "off"
    assert problems(path, known_codes=known) == [
        "auditscp.toml:3 [audit.severity] STK-252: no rule is called \"STK-252\"; did you mean 'STK-251'?",
        "auditscp.toml:5 [audit.severity] DUB: no rule is called \"DUB\"; did you mean 'DUP'?",
    ]


def test_responses_go_by_rule_not_by_family(write: Write) -> None:
    path = write('[responses]\nDUP = "C111"\n')
    message = 'auditscp.toml:2 [responses] DUP: "DUP" is not a rule code, such as "STK-251"'
    assert problems(path) == [message]
    known = frozenset({"DUP", "DUP-001"})
    assert problems(path, known_codes=known) == [f"{message}; did you mean 'DUP-001'?"]
