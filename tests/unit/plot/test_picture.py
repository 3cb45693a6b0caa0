"""A picture shows every image, and marks what the audit found."""

from dataclasses import replace

import pytest
from pydicom.uid import EnhancedCTImageStorage

from scp.audit.series.member import Member
from scp.plot.picture import MOST_PANELS, WIDTH, picture
from scp.plot.scene import Box, Dots, Ink, Ring, Text
from tests.rules.series import CORONAL, SAGITTAL, again, changed, member, moved, slices, without
from tests.unit.plot.audits import audited, of_sort, texts


def marks(members: list[Member]) -> int:
    """Return how many dots are drawn in the chart of positions: the first dots after the legend of findings."""
    return max(len(dots.centres) for dots in of_sort(picture(audited(members)), Dots) if dots.ink is Ink.MARK)


def test_each_image_is_a_dot() -> None:
    assert marks(slices(25)) == 25


def test_a_clean_series_has_no_marks_of_trouble() -> None:
    scene = picture(audited(slices(20)))
    assert Ink.TROUBLE not in {shape.ink for shape in scene.shapes}
    assert "consistent" in texts(scene)
    assert "axial · 20 positions · 512 × 512 pixels · of 0.5 mm · step 2.5 mm" in texts(scene)
    assert scene.summary == "Nothing to report."


def test_missing_slices_are_a_band_with_their_number() -> None:
    scene = picture(audited(without(slices(20), 9, 10, 11)))
    bands = [box for box in of_sort(scene, Box) if box.title == "3 slices missing"]
    assert len(bands) == 2
    assert "3 slices missing" in texts(scene)
    assert "slices missing here" in texts(scene)
    assert "10 →" in texts(scene)
    (finding,) = [text for text in texts(scene) if text.startswith("3 slices missing between")]
    assert finding in scene.summary


def test_a_verdict_that_nobody_recorded_is_that_of_now() -> None:
    scene = picture(audited(slices(5)), is_recorded=False)
    assert "now: consistent" in texts(scene)
    assert "consistent" not in texts(scene)
    assert scene.title.endswith(": now: consistent")


def test_a_band_is_where_the_slices_are_missing() -> None:
    scene = picture(audited(without(slices(20), 9, 10, 11)))
    band = next(box for box in of_sort(scene, Box) if box.title)
    places = max((dots for dots in of_sort(scene, Dots)), key=lambda dots: len(dots.centres))
    assert not [y for _, y in places.centres if band.y <= y <= band.y + band.height]


def test_a_repeated_position_is_ringed_at_each_of_its_images() -> None:
    members = slices(20)
    scene = picture(audited([*members, *again(members[5:6])]))
    assert [ring.title for ring in of_sort(scene, Ring) if ring.title] == ["2 images here, 1 elsewhere"] * 2
    assert "2 here, not 1" in texts(scene)


def test_even_repeats_are_not_marked() -> None:
    members = slices(12)
    scene = picture(audited([*members, *again(members)]))
    assert not of_sort(scene, Ring)
    assert any("12 positions × 2 images" in text for text in texts(scene))


def test_images_of_one_number_and_place_are_drawn_side_by_side() -> None:
    members = slices(6)
    numbered = zip(again(members), members, strict=True)
    same = [copy._replace(instance_number=one.instance_number) for copy, one in numbered]
    scene = picture(audited([*members, *same]))
    places = max(of_sort(scene, Dots), key=lambda dots: len(dots.centres)).centres
    assert len(set(places)) == 12
    assert "of the same number" in texts(scene)
    assert "of the same number" not in texts(picture(audited([*members, *again(members)])))


def test_a_slice_beside_the_line_is_ringed_in_the_chart_of_drift() -> None:
    scene = picture(audited(moved(slices(20), 7, (2.0, 0, 0))))
    (ring,) = [ring for ring in of_sort(scene, Ring) if ring.title]
    assert ring.title == "Instance Number 8, 2 mm off"
    assert "2 mm" in texts(scene)
    assert ring.centre[0] > 700


def test_uneven_steps_are_marked_with_their_size() -> None:
    scene = picture(audited(moved(slices(20), 7, (0, 0, 0.75))))
    assert {"3.25", "1.75"} <= set(texts(scene))


def test_a_slice_that_is_turned_is_ringed() -> None:
    scene = picture(audited(changed(slices(20), 7, orientation=(1.0, 0.0, 0.0, 0.0, 0.99999, 0.00447))))
    assert "turned" in texts(scene)
    assert "look at this one" in texts(scene)


def test_one_instance_is_told_in_the_singular() -> None:
    assert picture(audited(slices(1))).title == "CT, 1 instance: consistent"


def test_labels_that_would_lie_on_one_another_are_left_out() -> None:
    members = slices(60)
    scene = picture(audited([*members, *again(members, position=None)[:0], *_between(members)]))
    labels = [text for text in of_sort(scene, Text) if text.ink is Ink.TROUBLE and text.text == "1.5"]
    assert 0 < len(labels) < 8


def _between(members: list[Member]) -> list[Member]:
    places = [one.geometry.position for one in members]
    return [
        again([one], position=(place[0], place[1], place[2] + 1.0))[0]
        for one, place in zip(members, places, strict=True)
        if place
    ]


def test_each_direction_has_its_panel_and_its_words() -> None:
    coronal = [member(100 + n, (0.0, 5.0 * n, 0.0), orientation=CORONAL) for n in range(5)]
    sagittal = [member(200 + n, (5.0 * n, 0.0, 0.0), orientation=SAGITTAL) for n in range(5)]
    written = texts(picture(audited([*slices(5), *coronal, *sagittal])))
    assert {"Stack 1", "Stack 2", "Stack 3"} <= set(written)
    assert {"← feet  ·  head →", "← front  ·  back →", "← right  ·  left →"} <= set(written)


def test_an_oblique_stack_is_measured_along_its_normal() -> None:
    half = 0.5**0.5
    members = [
        member(n, (0.0, -half * 3 * n, half * 3 * n), orientation=(1.0, 0.0, 0.0, 0.0, half, half)) for n in range(1, 6)
    ]
    written = texts(picture(audited(members)))
    assert "Place along the normal (mm)" in written
    assert any(text.startswith("oblique") for text in written)


def test_images_without_a_number_are_drawn_apart() -> None:
    members = slices(10)
    members[4] = members[4]._replace(instance_number=None)
    assert "none" in texts(picture(audited(members)))
    assert marks(members) == 10


def test_frames_of_one_instance_are_drawn_by_their_number() -> None:
    frames = [(0.0, 0.0, 2.0 * n, 0) for n in range(8)]
    one = member(1, None, frames=frames, orientations=[(1.0, 0.0, 0.0, 0.0, 1.0, 0.0)], frame_count=8)
    scene = picture(audited([one._replace(sop_class_uid=EnhancedCTImageStorage)]))
    assert "Frame" in texts(scene)
    assert any("8 positions" in text for text in texts(scene))


def test_single_positions_are_told_of_and_not_drawn() -> None:
    scene = picture(audited([member(1, (0.0, 0.0, 0.0))]))
    assert "Not drawn: 1 stack at a single position, with 1 image." in texts(scene)
    assert not any(text.startswith("an image;") for text in texts(scene))


def test_instances_without_a_place_are_told_of() -> None:
    scene = picture(audited([*slices(5), member(9, None, uid="1.2.9")]))
    assert "Not drawn: 1 instance without a place: pages, scouts, mosaics, reports." in texts(scene)
    assert "6 instances · 5 of them in stacks · 1 stack" in texts(scene)


def test_there_are_not_more_panels_than_somebody_can_look_at() -> None:
    audit = audited(slices(5))
    many = replace(audit, stacks=audit.stacks * (MOST_PANELS + 3))
    assert "Not drawn: 3 more stacks." in texts(picture(many))


def test_not_more_findings_are_listed_than_somebody_reads() -> None:
    audit = audited(without(slices(5), 2))
    many = replace(audit, findings=audit.findings[:1] * 20)
    assert "and 12 more findings" in texts(picture(many))


def test_refusals_of_the_series_are_told() -> None:
    scene = picture(audited(slices(5), refused={"DUP-004": 2}))
    assert "5 instances · 1 stack · refused and not here: 2 × DUP-004" in texts(scene)


def test_a_tilted_stack_says_so() -> None:
    members = [member(n, (0.0, 0.5 * n, 3.0 * n)) for n in range(1, 9)]
    assert any("tilted by 9.5°" in text for text in texts(picture(audited(members))))


def test_stacks_of_thousands_have_smaller_dots() -> None:
    few, many = (
        max(of_sort(picture(audited(slices(count, 0.5))), Dots), key=lambda dots: len(dots.centres)).radius
        for count in (20, 3000)
    )
    assert many < few


@pytest.mark.parametrize("count", [2, 3, 500])
def test_everything_lies_in_the_picture(count: int) -> None:
    scene = picture(audited(slices(count)))
    points = [point for dots in of_sort(scene, Dots) for point in dots.centres]
    assert len(points) >= count
    points += [(text.x, text.y) for text in of_sort(scene, Text)]
    assert all(0 <= x <= WIDTH and 0 <= y <= scene.height for x, y in points)
