"""What is not published yet: kept in order, trimmed by tip."""

from streams.ports import Store
from streams.records import Tip
from tests.contract.builders import after, change, entry
from tests.contract.places import Place

LANE = 0


async def fill(store: Store, tip: Tip, *names: str) -> Tip:
    """One commit with one entry for each name."""
    for name in names:
        tip = await store.commit(LANE, tip, change(entry=entry(after(tip), name)))
    return tip


async def outbox(place: Place, nonce: str = "reader") -> list[str]:
    """The results in the outbox; takes the lane over to see them."""
    state = await place.store().acquire(LANE, nonce)
    return [result.value.decode() for kept in state.outbox for result in kept.results]


async def test_entries_come_back_in_the_order_of_their_commits(place: Place) -> None:
    store = place.store()
    names = [f"result {number}" for number in range(12)]
    await fill(store, (await store.acquire(LANE, "first")).tip, *names)
    assert await outbox(place) == names


async def test_an_entry_without_results_is_kept_too(place: Place) -> None:
    store = place.store()
    tip = (await store.acquire(LANE, "first")).tip
    await store.commit(LANE, tip, change(entry=entry(after(tip))))
    assert [kept.marker.tip for kept in (await store.acquire(LANE, "second")).outbox] == [Tip("first", 1)]


async def test_trimming_drops_entries_up_to_a_tip_and_leaves_the_tip_of_the_lane(place: Place) -> None:
    store = place.store()
    tip = await fill(store, (await store.acquire(LANE, "first")).tip, "one", "two", "three")
    await store.trim(LANE, tip, Tip("first", 2))
    await store.probe(LANE, tip)
    state = await store.acquire(LANE, "second")
    assert (state.published, state.tip) == (Tip("first", 2), Tip("second", 3))
    assert [kept.marker.tip for kept in state.outbox] == [Tip("first", 3)]


async def test_trimming_the_last_entry_leaves_an_empty_outbox(place: Place) -> None:
    store = place.store()
    tip = await fill(store, (await store.acquire(LANE, "first")).tip, "one", "two")
    await store.trim(LANE, tip, tip)
    state = await store.acquire(LANE, "second")
    assert (state.outbox, state.published) == ([], tip)


async def test_a_tip_that_is_not_in_the_outbox_trims_nothing(place: Place) -> None:
    store = place.store()
    tip = await fill(store, (await store.acquire(LANE, "first")).tip, "one", "two", "three")
    await store.trim(LANE, tip, Tip("first", 1))
    before = await place.contents()
    for stranger in (Tip("zombie", 2), Tip("first", 9), Tip("first", 1)):
        await store.trim(LANE, tip, stranger)
        assert await place.contents() == before


async def test_a_commit_trims_by_tip_and_not_by_sequence(place: Place) -> None:
    store = place.store()
    tip = await fill(store, (await store.acquire(LANE, "first")).tip, "one", "two", "three")
    tip = await store.commit(LANE, tip, change(entry=entry(after(tip), "four"), trim=Tip("zombie", 2)))
    state = await store.acquire(LANE, "second")
    assert (len(state.outbox), state.published) == (4, None)


async def test_a_commit_trims_and_adds_its_own_entry(place: Place) -> None:
    store = place.store()
    tip = await fill(store, (await store.acquire(LANE, "first")).tip, "one", "two", "three")
    tip = await store.commit(LANE, tip, change(entry=entry(after(tip), "four"), trim=Tip("first", 2)))
    tip = await store.commit(LANE, tip, change(entry=entry(after(tip), "five")))
    assert (await store.acquire(LANE, "second")).published == Tip("first", 2)
    assert await outbox(place) == ["three", "four", "five"]


async def test_the_next_owner_trims_what_an_older_one_left(place: Place) -> None:
    store = place.store()
    await fill(store, (await store.acquire(LANE, "first")).tip, "one", "two")
    tip = await fill(store, (await store.acquire(LANE, "second")).tip, "three", "four")
    tip = await store.commit(LANE, tip, change(trim=Tip("first", 2)))
    await store.trim(LANE, tip, Tip("second", 3))
    state = await store.acquire(LANE, "third")
    assert (await outbox(place), state.published) == (["four"], Tip("second", 3))


async def test_a_silent_commit_leaves_the_outbox_alone(place: Place) -> None:
    store = place.store()
    tip = await fill(store, (await store.acquire(LANE, "first")).tip, "one")
    await store.commit(LANE, tip, change(positions={"order": 3}))
    assert await outbox(place) == ["one"]


async def test_a_commit_can_set_the_published_tip_outright(place: Place) -> None:
    store = place.store()
    tip = await fill(store, (await store.acquire(LANE, "first")).tip, "one")
    tip = await store.commit(LANE, tip, change(published=Tip("gone", 17)))
    state = await store.acquire(LANE, "second")
    assert (state.published, len(state.outbox)) == (Tip("gone", 17), 1)


async def test_a_commit_that_says_nothing_leaves_the_published_tip(place: Place) -> None:
    store = place.store()
    tip = await fill(store, (await store.acquire(LANE, "first")).tip, "one")
    await store.trim(LANE, tip, tip)
    tip = await fill(store, tip, "two")
    assert (await store.acquire(LANE, "second")).published == Tip("first", 1)


async def test_rolled_back_empties_the_outbox_and_raises_the_sequence(place: Place) -> None:
    store = place.store()
    tip = await fill(store, (await store.acquire(LANE, "first")).tip, "one", "two")
    tip = await store.rolled_back(LANE, tip, 41, Tip("gone", 41))
    assert tip == Tip("first", 41)
    assert await store.commit(LANE, tip, change()) == Tip("first", 42)
    state = await store.acquire(LANE, "second")
    assert (state.outbox, state.published, state.tip) == ([], Tip("gone", 41), Tip("second", 42))


async def test_rolled_back_never_lowers_the_sequence_and_can_leave_the_published_tip(place: Place) -> None:
    store = place.store()
    tip = await fill(store, (await store.acquire(LANE, "first")).tip, "one", "two")
    await store.trim(LANE, tip, Tip("first", 1))
    assert await store.rolled_back(LANE, tip, 1, None) == Tip("first", 2)
    state = await store.acquire(LANE, "second")
    assert (state.outbox, state.published, state.tip) == ([], Tip("first", 1), Tip("second", 2))


async def test_rolled_back_works_on_a_lane_that_was_emptied(place: Place) -> None:
    store = place.store()
    tip = (await store.acquire(LANE, "first")).tip
    assert await store.rolled_back(LANE, tip, 7, None) == Tip("first", 7)
    assert (await store.acquire(LANE, "second")).tip == Tip("second", 7)


async def test_a_large_entry_comes_back_whole(place: Place) -> None:
    store = place.store()
    tip = (await store.acquire(LANE, "first")).tip
    large = entry(after(tip), *("result " + "x" * 300 for _ in range(4_000)))
    await store.commit(LANE, tip, change(entry=large))
    assert (await store.acquire(LANE, "second")).outbox == [large]
