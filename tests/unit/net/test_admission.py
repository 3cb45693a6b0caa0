"""Who is let in: the limits, in their order, and what is done when too many say nothing."""

from dataclasses import dataclass, field, replace
from typing import Any, Final

import pytest

from scp.config import Associations
from scp.net.admission import Admission, Rejection
from scp.net.proposal import APPLICATION_CONTEXT, Proposal
from scp.outcomes import Ending

GOOD: Final = Proposal(
    supports_version_1=True, calling_ae_title="CT1", called_ae_title="AUDITSCP",
    application_context=APPLICATION_CONTEXT, has_user_identity=False, body=b"",
)  # fmt: skip
PLENTY: Final = 10_000


@dataclass(eq=False)
class Caller:
    """A connection that notes what is done to it."""

    address: str = "192.0.2.1"
    endings: list[str] = field(default_factory=list)
    idle_seconds: float = 0.0

    def hang_up(self) -> None:
        self.endings.append("hung up")

    def stop(self, ending: Ending) -> bool:
        raise NotImplementedError


def came(
    admission: Admission, count: int, address: str = "192.0.2.1", most: int = PLENTY, silent: float = 60.0
) -> list[Caller]:
    callers = [Caller(address, idle_seconds=silent) for _ in range(count)]
    for caller in callers:
        admission.came(caller, most)
    return callers


def hung_up(callers: list[Caller]) -> int:
    return sum(bool(caller.endings) for caller in callers)


def admission(**limits: Any) -> Admission:
    return Admission("AUDITSCP", Associations(**limits))


class TestRejections:
    @pytest.mark.parametrize(
        ("limits", "changes", "rejection"),
        [
            ({}, {}, None),
            ({}, {"called_ae_title": "OTHER"}, None),
            ({}, {"supports_version_1": False}, Rejection.VERSION),
            ({}, {"application_context": "1.2.3"}, Rejection.APPLICATION_CONTEXT),
            ({}, {"calling_ae_title": "\\x00"}, Rejection.CALLING),
            ({}, {"called_ae_title": ""}, Rejection.CALLED),
            ({"calling_ae_titles": ["CT2"]}, {}, Rejection.CALLING),
            ({"calling_ae_titles": ["CT1"]}, {}, None),
            ({"require_called_ae_title": True}, {"called_ae_title": "OTHER"}, Rejection.CALLED),
            ({"require_called_ae_title": True}, {}, None),
            ({"addresses": ["198.51.100.0/24"]}, {"calling_ae_title": ""}, Rejection.ADDRESS),
        ],
    )
    def test_say_what_is_wrong_first(
        self, limits: dict[str, Any], changes: dict[str, Any], rejection: Rejection | None
    ) -> None:
        assert admission(**limits).admit(Caller(), replace(GOOD, **changes)) is rejection

    def test_of_one_above_the_limit_until_another_is_gone(self) -> None:
        full = admission(max_associations=2)
        first, second, third = Caller("192.0.2.1"), Caller("192.0.2.2"), Caller("192.0.2.3")
        assert [full.admit(one, GOOD) for one in (first, second, third)] == [None, None, Rejection.LIMIT]
        full.gone(first)
        assert full.admit(third, GOOD) is None

    def test_of_one_above_the_limit_of_its_address_only(self) -> None:
        full = admission(max_associations_per_peer=1)
        callers = Caller("192.0.2.1"), Caller("192.0.2.1"), Caller("192.0.2.2")
        assert [full.admit(one, GOOD) for one in callers] == [None, Rejection.PEER_LIMIT, None]

    def test_of_everybody_once_it_is_closed(self) -> None:
        closed = admission()
        closed.close()
        assert closed.admit(Caller(), GOOD) is Rejection.DRAINING


class TestWaiting:
    def test_takes_no_association_from_anybody(self) -> None:
        small = admission(max_associations=1)
        came(small, 50)
        assert small.admit(Caller(), GOOD) is None

    def test_the_oldest_gives_way_when_too_many_wait(self) -> None:
        crowded = admission()
        callers = came(crowded, 70)
        assert [bool(caller.endings) for caller in callers] == [True] * 6 + [False] * 64
        assert len(crowded.waiting()) == 64

    def test_many_in_one_instant_are_not_too_many_yet(self) -> None:
        crowded = admission()
        callers = came(crowded, 256, silent=4.9)
        assert hung_up(callers) == 0
        came(crowded, 3, silent=4.9)
        assert [bool(caller.endings) for caller in callers] == [True] * 3 + [False] * 253

    def test_who_came_long_ago_gives_way_to_who_just_came(self) -> None:
        crowded = admission()
        old, new = came(crowded, 60), came(crowded, 70, silent=0.0)
        assert (hung_up(old), hung_up(new)) == (60, 0)

    def test_all_who_had_their_time_give_way_at_once_when_too_many_wait(self) -> None:
        crowded = admission()
        silent = came(crowded, 200, silent=0.0)
        for caller in silent:
            caller.idle_seconds = 5.0
        came(crowded, 1, silent=0.0)
        assert hung_up(silent) == 137
        assert len(crowded.waiting()) == 64

    def test_the_address_that_has_most_gives_way(self) -> None:
        crowded = admission()
        few, many = came(crowded, 10, "192.0.2.7"), came(crowded, 200, "192.0.2.66")
        assert (hung_up(few), hung_up(many)) == (0, 146)

    def test_fewer_may_wait_where_there_is_no_room_for_more_connections(self) -> None:
        crowded = admission()
        for one in came(crowded, 10, most=20):
            assert crowded.admit(one, GOOD) is None
        assert hung_up(came(crowded, 15, most=20)) == 5

    def test_who_is_admitted_waits_no_more_and_is_not_hung_up(self) -> None:
        crowded = admission()
        (first,) = came(crowded, 1)
        assert crowded.admit(first, GOOD) is None
        came(crowded, 100)
        assert first.endings == []
        assert crowded.associations() == [first]

    def test_nobody_is_hung_up_where_nobody_waits(self) -> None:
        crowded = admission()
        (first,) = came(crowded, 1)
        assert crowded.admit(first, GOOD) is None
        crowded.make_room()
        assert first.endings == []
        assert (crowded.waiting(), crowded.associations()) == ([], [first])
