"""The console in a real browser, before a real node that real clients send to."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PASSWORD, Console, NewPage
from tests.browser.scans import ct_slice, send
from tests.wire.clients import pynetdicom_association
from tests.wire.objects import instance_of

HOSTILE = '"><img src=x onerror=alert(1)>'


def sign_in(page: Page, name: str = "anna") -> None:
    page.get_by_label("User").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def arrived(page: Page, url: str | re.Pattern[str]) -> None:
    """Wait until a page is there with its script: before that, nobody listens to the keyboard."""
    expect(page).to_have_url(url)
    page.wait_for_load_state()


def test_from_a_refusal_to_a_released_object(guarded: Console, new_page: NewPage, folder: Path) -> None:
    good = [ct_slice(number) for number in range(1, 6)]
    odd = ct_slice(6, PixelSpacing=["0.9375", "0.9375"])
    quarantined = guarded.node.quarantined()
    assert send(guarded.node.port, folder, *good, odd).statuses == ["0000"] * 5 + ["C142"]
    page = new_page(guarded.url)
    page.goto("/quarantine")
    expect(page).to_have_url(re.compile("/login"))
    page.get_by_label("User").fill("anna")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("is wrong")
    sign_in(page)
    expect(page).to_have_url(f"{guarded.url}/quarantine")

    page.get_by_role("link", name=re.compile("STK-252")).first.click()
    row = page.get_by_role("row", name=re.compile("PixelSpacing"))
    expect(row).to_contain_text("1.875")
    expect(row).to_contain_text("0.9375")
    expect(page.get_by_role("heading", name="What to do")).to_be_visible()

    page.get_by_role("button", name="Release", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Not done")
    page.get_by_text("Store it whatever the rules say").click()
    page.get_by_role("group").get_by_label("Reason").fill("the scanner was told to, see ticket 4711")
    page.get_by_role("button", name="Release by force").click()
    expect(page.get_by_role("status")).to_contain_text("Done: forced.")
    expect(page.get_by_text("ticket 4711")).to_be_visible()
    expect(page.get_by_text("console:anna")).to_be_visible()

    page.get_by_role("link", name="See the series").click()
    expect(page.get_by_role("table").get_by_role("row")).to_have_count(7)
    assert [path.name for path in guarded.node.archived()].count(f"{odd.SOPInstanceUID}.dcm") == 1
    assert guarded.node.quarantined() == quarantined
    image = page.get_by_alt_text("An image of this series")
    expect(image).to_be_visible()
    assert page.wait_for_function("document.querySelector('.thumbnail img').naturalWidth > 100")
    assert page.wait_for_function("document.querySelector('.plot img').naturalWidth > 100")
    box, natural = image.bounding_box(), image.evaluate("one => one.naturalWidth / one.naturalHeight")
    assert box is not None
    assert box["width"] / box["height"] == pytest.approx(natural, rel=0.02)

    page.get_by_role("button", name="Sign out").click()
    page.goto("/")
    expect(page).to_have_url(f"{guarded.url}/login")


def test_the_difference_of_two_objects_is_read_and_the_right_one_chosen(
    guarded: Console, new_page: NewPage, folder: Path
) -> None:
    send(guarded.node.port, folder, ct_slice(1, 2), ct_slice(1, 2, WindowCenter="1100"))
    page = new_page(guarded.url)
    page.goto("/login?next=/quarantine?series=1.2.826.0.1.3680043.8.498.2.1")
    sign_in(page)
    page.get_by_role("link", name=re.compile("DUP-004 1 attribute differs")).click()
    row = page.get_by_role("row", name=re.compile("WindowCenter"))
    expect(row.locator("mark")).to_have_text(["064", "100"])
    page.locator("form[action$=replace]").get_by_label("Reason").fill("the second is right")
    page.get_by_role("button", name="Replace the stored one").click()
    expect(page.get_by_role("status")).to_contain_text("Done: replaced.")


def test_a_viewer_looks_and_finds_nothing_to_act_with(guarded: Console, new_page: NewPage, folder: Path) -> None:
    send(guarded.node.port, folder, ct_slice(1, 3), ct_slice(1, 3, KVP="120"))
    page = new_page(guarded.url)
    page.goto("/login?next=/quarantine")
    sign_in(page, "vera")
    expect(page.get_by_role("checkbox")).to_have_count(0)
    page.get_by_role("link", name=re.compile("DUP-004")).first.click()
    expect(page.get_by_role("heading", name="Difference")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Release|Replace|Drop"))).to_have_count(0)


def test_hostile_names_and_ae_titles_stay_text(local: Console, new_page: NewPage, folder: Path) -> None:
    names: dict[str, Any] = {
        "PatientName": HOSTILE, "Manufacturer": HOSTILE, "ManufacturerModelName": "<b>bold</b>",
        "StationName": "';alert(1)//", "DeviceSerialNumber": "{{7*7}}",
    }  # fmt: skip
    send(
        local.node.port,
        folder,
        ct_slice(1, 7, **names),
        ct_slice(1, 7, SeriesDescription="<u>", KVP="80", **names),
        title="<b>CT</b>",
    )
    page = new_page(local.url)
    seen = ""
    page.goto("/quarantine")
    case = page.get_by_role("link", name=re.compile("DUP-004")).first.get_attribute("href") or ""
    for path in ("/", "/series", "/series/1.2.826.0.1.3680043.8.498.7.1", "/quarantine", case, "/senders", "/rules"):
        page.goto(path)
        assert page.locator("b:has-text('bold'), b:has-text('CT'), img[src='x'], u, main i").count() == 0
        seen += page.locator("body").inner_text()
    for said in (HOSTILE, "<b>bold</b>", "';alert(1)//", "{{7*7}}", "<b>CT</b>"):
        assert said in seen


def test_what_is_going_on_is_seen_without_asking_again(local: Console, new_page: NewPage) -> None:
    page = new_page(local.url)
    page.goto("/")
    expect(page.get_by_text("Receiving.")).to_be_visible()
    instances = [instance_of(ct_slice(number, 8)) for number in (1, 2)]
    with pynetdicom_association(local.node.port, instances, title="SLOW_CT") as sender:
        assert [sender.store(instance) for instance in instances] == ["0000"] * 2
        row = page.get_by_role("row", name=re.compile("SLOW_CT"))
        expect(row.get_by_role("cell").nth(1)).to_have_text("2")
    expect(page.get_by_text("Nobody is sending.")).to_be_visible()


def test_the_keyboard_is_enough(local: Console, new_page: NewPage, folder: Path) -> None:
    send(local.node.port, folder, ct_slice(1, 9), ct_slice(1, 9, KVP="80"))
    page = new_page(local.url)
    page.goto("/")
    for key, path in {"s": "/series", "e": "/senders", "r": "/rules", "q": "/quarantine"}.items():
        page.keyboard.type(f"g{key}")  # two strokes, one soon after the other
        arrived(page, local.url + path)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    arrived(page, re.compile("/quarantine/[0-9A-Z]{13}$"))
    page.keyboard.press("a")
    expect(page.get_by_role("button", name="Release", exact=True)).to_be_focused()
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("u")
    arrived(page, f"{local.url}/quarantine")
    page.keyboard.press("/")
    page.keyboard.type("gq?")
    expect(page.get_by_label("AE title")).to_have_value("gq?")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


@pytest.mark.parametrize(("width", "theme"), [(360, "dark"), (1280, "light")])
def test_every_page_fits_its_screen_and_its_theme(
    local: Console, new_page: NewPage, folder: Path, width: int, theme: str
) -> None:
    if not local.node.rows("SELECT 1 FROM series WHERE uid = '1.2.826.0.1.3680043.8.498.4.1'"):
        send(local.node.port, folder, *(ct_slice(number, 4) for number in (1, 2, 4)), ct_slice(1, 4, KVP="80"))
    page = new_page(local.url, color_scheme=theme, viewport={"width": width, "height": 800})
    page.goto("/quarantine")
    case = page.get_by_role("link", name=re.compile("DUP-004")).first.get_attribute("href") or ""
    backgrounds = set()
    for path in (
        "/",
        "/series",
        "/series/1.2.826.0.1.3680043.8.498.4.1",
        "/quarantine",
        case,
        "/senders",
        "/rules",
        "/rules/GEO-103",
    ):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        clipped = page.evaluate(
            """[...document.querySelectorAll("main td, main th, main dd, main h1")].filter((cell) =>
               cell.getBoundingClientRect().right > innerWidth + 1 && !cell.closest(".scroll")).length"""
        )
        assert clipped == 0, path
        backgrounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert backgrounds == {"rgb(245, 247, 248)" if theme == "light" else "rgb(16, 22, 27)"}


def test_without_scripts_everything_works(local: Console, new_page: NewPage, folder: Path) -> None:
    send(local.node.port, folder, ct_slice(1, 10), ct_slice(1, 10, KVP="80"))
    page = new_page(local.url, java_script_enabled=False)
    page.goto("/quarantine?series=1.2.826.0.1.3680043.8.498.10.1")
    page.get_by_role("link", name=re.compile("DUP-004 1 attribute")).click()
    page.locator("form[action$=drop]").get_by_label("Reason").fill("the first is right")
    page.get_by_role("button", name="Drop", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Done: dropped.")
