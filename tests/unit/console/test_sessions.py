"""Sessions end by themselves, and nobody has one without its token."""

from scp.console.sessions import Sessions


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_token_finds_its_session_and_no_other_does() -> None:
    sessions = Sessions(60, 600)
    token, other = sessions.open("anna"), sessions.open("bert")
    found = sessions.find(token)
    assert found
    assert found.name == "anna"
    assert (beside := sessions.find(other))
    assert beside.csrf != found.csrf
    assert sessions.find("") is None
    assert sessions.find(token + "x") is None
    assert sessions.find("\udc80") is None


def test_signing_out_ends_a_session() -> None:
    sessions = Sessions(60, 600)
    token = sessions.open("anna")
    sessions.close(token)
    sessions.close(token)
    assert sessions.find(token) is None


def test_a_session_ends_when_idle() -> None:
    clock = Clock()
    sessions = Sessions(60, 600, clock)
    token = sessions.open("anna")
    clock.now += 59
    assert sessions.find(token)
    clock.now += 59
    assert sessions.find(token)
    clock.now += 61
    assert sessions.find(token) is None


def test_what_a_page_does_by_itself_keeps_no_session_alive() -> None:
    clock = Clock()
    sessions = Sessions(60, 600, clock)
    token = sessions.open("anna")
    for _ in range(4):
        clock.now += 15
        assert sessions.peek(token)
    clock.now += 1
    assert sessions.peek(token) is None


def test_a_session_ends_when_old_however_busy() -> None:
    clock = Clock()
    sessions = Sessions(60, 600, clock)
    token = sessions.open("anna")
    for _ in range(20):
        clock.now += 30
        assert sessions.find(token)
    clock.now += 1
    assert sessions.find(token) is None


def test_there_are_never_more_than_a_thousand_and_the_idlest_goes_first() -> None:
    clock = Clock()
    sessions = Sessions(6000, 60000, clock)
    first, second = sessions.open("first"), sessions.open("second")
    clock.now += 1
    assert sessions.find(first)
    others = [sessions.open("x") for _ in range(999)]
    assert sessions.find(second) is None
    assert sessions.find(first)
    assert all(sessions.find(token) for token in others)


def test_a_session_does_not_show_its_token_or_its_secret() -> None:
    sessions = Sessions(60, 600)
    token = sessions.open("anna")
    found = sessions.find(token)
    assert found
    assert token not in repr(vars(sessions))
    assert found.csrf not in repr(found)
