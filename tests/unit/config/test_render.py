"""Effective settings as TOML, and back."""

from pathlib import Path

from scp.config import Settings, load, render

EVERYTHING = Settings.model_validate(
    {
        "node": {"ae_title": 'A"B', "host": "::1", "port": 0},
        "association": {"addresses": ["192.0.2.0/24"], "calling_ae_titles": ["A", "B"], "acse_timeout": 1.5},
        "classes": {"transfer_syntaxes": ["ExplicitVRLittleEndian"], "refused_sop_classes": ["1.3.12"]},
        "tls": {"certificate": "ä b.pem", "calling_ae_titles": {"CN": ["A", "B"], "x y": ["C"]}},
        "user_identity": {"users": {"an na": "", "bob": "scrypt:14:" + "0" * 32 + ":" + "f" * 64}},
        "storage": {"folder": "dä\x7ft\ta"},
        "limits": {"object_bytes": 5000},
        "audit": {"warning_status": "B007", "severity": {"STK": "warn", "GEO-103.unusable": "info"}},
        "responses": {"DUP-001": "C111"},
        "peer": [
            {"ae_title": "CT1", "severity": {"UID-001": "warn"}},
            {"address": "192.0.2.7", "name": "two", "responses": {"DUP-001": "A900"}},
        ],
    }
)


def reloaded(settings: Settings, tmp_path: Path) -> Settings:
    path = tmp_path / "rendered.toml"
    path.write_text(render(settings), encoding="utf-8")
    return load(path)


def test_the_defaults_survive_being_written_and_read(tmp_path: Path) -> None:
    assert reloaded(Settings(), tmp_path) == Settings()


def test_every_kind_of_setting_survives_being_written_and_read(tmp_path: Path) -> None:
    assert reloaded(EVERYTHING, tmp_path) == EVERYTHING


def test_peers_are_tables_of_their_own() -> None:
    assert render(EVERYTHING).endswith(
        '[[peer]]\nae_title = "CT1"\n\n[peer.severity]\nUID-001 = "warn"\n\n'
        '[[peer]]\nname = "two"\naddress = "192.0.2.7/32"\n\n[peer.responses]\nDUP-001 = "A900"\n'
    )


def test_names_that_are_not_bare_keys_are_quoted() -> None:
    assert '[audit.severity]\nSTK = "warn"\n"GEO-103.unusable" = "info"\n' in render(EVERYTHING)
