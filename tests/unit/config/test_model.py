"""What the settings answer about peers."""

import pytest
from pydantic import ValidationError

from scp.config import Peer, Settings
from scp.config.model import Associations

PEERS = Settings.model_validate(
    {
        "peer": [
            {"name": "both", "ae_title": "CT1", "address": "192.0.2.17"},
            {"name": "title", "ae_title": "CT1"},
            {"name": "network", "address": "192.0.2.0/24"},
            {"name": "six", "address": "2001:db8::/32"},
        ]
    }
)


@pytest.mark.parametrize(
    ("ae_title", "address", "name"),
    [
        ("CT1", "192.0.2.17", "both"),
        ("CT1", "::ffff:192.0.2.17", "both"),
        ("CT1", "198.51.100.1", "title"),
        ("CT2", "192.0.2.17", "network"),
        ("CT2", "::ffff:192.0.2.1", "network"),
        ("ct1", "2001:db8::1", "six"),
        ("CT2", "198.51.100.1", None),
        ("CT2", "not an address", None),
    ],
)
def test_the_first_peer_that_matches_counts(ae_title: str, address: str, name: str | None) -> None:
    peer = PEERS.peer_for(ae_title, address)
    assert (peer and peer.name) == name


def test_a_peer_must_say_whom_it_is_for() -> None:
    with pytest.raises(ValidationError, match="needs ae_title or address"):
        Peer(name="nobody")


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ({"ae_title": "CT1"}, {"ae_title": "CT1"}),
        ({"ae_title": "CT1"}, {"ae_title": "CT1", "address": "192.0.2.17"}),
        ({"address": "192.0.2.0/24"}, {"ae_title": "CT1", "address": "192.0.2.17"}),
        ({"address": "2001:db8::/32"}, {"address": "2001:db8:1::/48"}),
        ({"address": "192.0.2.0/24"}, {"address": "::ffff:192.0.2.17"}),
    ],
)
def test_a_peer_behind_one_for_the_same_senders_is_a_mistake_and_before_it_is_none(
    earlier: dict[str, str], later: dict[str, str]
) -> None:
    with pytest.raises(ValidationError, match="entry 3 never counts, as entry 2 is for the same senders"):
        Settings.model_validate({"peer": [{"ae_title": "OTHER"}, earlier, later]})
    if earlier != later:
        assert len(Settings.model_validate({"peer": [later, earlier]}).peer) == 2


@pytest.mark.parametrize(
    "peers",
    [
        [{"ae_title": "CT1", "address": "192.0.2.17"}, {"ae_title": "CT1"}],
        [{"address": "192.0.2.0/24"}, {"ae_title": "CT1"}],
        [{"address": "192.0.2.0/25"}, {"address": "192.0.2.0/24"}],
        [{"address": "192.0.2.0/24"}, {"address": "2001:db8::/32"}],
    ],
)
def test_peers_that_share_some_senders_only_are_in_order(peers: list[dict[str, str]]) -> None:
    assert len(Settings.model_validate({"peer": peers}).peer) == len(peers)


def test_a_user_cannot_be_required_where_there_is_none() -> None:
    with pytest.raises(ValidationError, match="a user is required, and there is none"):
        Settings.model_validate({"user_identity": {"required": True}})
    assert Settings.model_validate({"user_identity": {"required": True, "users": {"anna": ""}}}).user_identity.required


def test_a_peer_takes_over_what_it_does_not_set() -> None:
    peer = Peer(ae_title="CT1")
    assert (peer.profile, peer.warning_status, peer.identical, peer.severity, peer.responses) == (
        None,
        None,
        None,
        {},
        {},
    )


def test_empty_allow_lists_admit_everybody() -> None:
    association = Associations()
    assert association.admits_address("198.51.100.1")
    assert association.admits_calling("ANY")


def test_allow_lists_admit_only_what_they_name() -> None:
    association = Associations.model_validate({"addresses": ["192.0.2.0/24", "::1"], "calling_ae_titles": ["CT1"]})
    assert association.admits_address("192.0.2.255")
    assert association.admits_address("::1")
    assert not association.admits_address("192.0.3.0")
    assert association.admits_calling("CT1")
    assert not association.admits_calling("CT")
