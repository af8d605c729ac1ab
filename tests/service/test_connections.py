"""Who gives way, without any network."""

from stagekeeper.service.connections import Connection, Connections, Limits

FEW = Limits(connections=4, per_caller=3, health_only=2)


class Room:
    """Connections, and who of them was ended."""

    def __init__(self) -> None:
        self.connections = Connections(FEW)
        self.ended: list[str] = []

    def admit(self, name: str, address: str, *, works: bool = False) -> Connection:
        """Let one in; it works on a request or is idle."""
        found = self.connections.admit(address)
        found.end = lambda: self.ended.append(name)
        if works:
            self.connections.working(found)
        return found


def test_where_all_places_are_taken_the_one_idle_for_longest_gives_way() -> None:
    room = Room()
    first = room.admit("first", "192.0.2.1")
    for number in range(2, 5):
        room.admit(str(number), f"192.0.2.{number}")
    room.connections.working(first)
    room.connections.idle(first)  # it has had an answer just now
    assert not room.admit("new", "192.0.2.9").health_only
    assert room.ended == ["2"]


def test_a_caller_beyond_its_share_loses_its_own() -> None:
    room = Room()
    room.admit("other", "192.0.2.1")
    for number in range(4):
        assert not room.admit(f"greedy {number}", "192.0.2.2").health_only
    assert room.ended == ["greedy 0"]


def test_a_caller_whose_share_is_at_work_may_ask_for_health_only() -> None:
    room = Room()
    for number in range(3):
        room.admit(f"greedy {number}", "192.0.2.2", works=True)
    assert room.admit("one more", "192.0.2.2").health_only
    assert not room.admit("other", "192.0.2.1").health_only
    assert room.ended == []


def test_where_everybody_works_there_is_room_for_health_and_its_oldest_gives_way() -> None:
    room = Room()
    for number in range(4):
        room.admit(str(number), f"192.0.2.{number}", works=True)
    for number in range(3):
        assert room.admit(f"health {number}", "192.0.2.9").health_only
    assert room.ended == ["health 0"]


def test_who_has_left_takes_no_place() -> None:
    room = Room()
    for number in range(4):
        found = room.admit(str(number), f"192.0.2.{number}", works=number % 2 == 0)
        room.connections.left(found)
        room.connections.left(found)
        room.connections.idle(found)
    for number in range(4):
        assert not room.admit(str(number), f"192.0.2.{number}", works=True).health_only
    assert room.ended == []


def test_a_network_of_ipv6_is_one_caller() -> None:
    room = Room()
    for number in range(3):
        room.admit(str(number), f"2001:db8:0:1::{number}", works=True)
    assert room.admit("the same", "2001:db8:0:1:ffff::9").health_only
    assert not room.admit("another", "2001:db8:0:2::9").health_only


def test_an_address_of_ipv4_counts_the_same_in_its_ipv6_form() -> None:
    room = Room()
    for _ in range(3):
        room.admit("greedy", "192.0.2.2", works=True)
    assert room.admit("the same", "::ffff:192.0.2.2").health_only


def test_half_of_the_descriptors_stay_for_what_we_ask_ourselves() -> None:
    assert Limits().within(1024) == Limits()
    few = Limits().within(64)
    assert few.connections + few.health_only == 32
    assert 0 < few.per_caller < few.connections
    least = Limits().within(3)
    assert (least.connections, least.per_caller, least.health_only) == (1, 1, 1)
