from pathlib import Path

from mooring.testing.watch import SimulatedWatch


def test_each_watch_hears_what_is_said_from_then_on_and_once(tmp_path: Path) -> None:
    first = SimulatedWatch(tmp_path / "heard")
    first.say("link enp1s0")
    second = SimulatedWatch(tmp_path / "heard")
    first.say("link enp1s0")
    first.say("pci remove 0000:01:10.0")
    assert first.heard() == ("link enp1s0", "pci remove 0000:01:10.0")
    assert second.heard() == ("link enp1s0", "pci remove 0000:01:10.0")
    assert (first.heard(), second.heard()) == ((), ())


def test_half_a_line_is_heard_when_it_is_whole(tmp_path: Path) -> None:
    watch = SimulatedWatch(tmp_path / "heard")
    with (tmp_path / "heard").open("a") as file:
        file.write("link enp")
        file.flush()
        assert watch.heard() == ()
        file.write("1s0\n")
    assert watch.heard() == ("link enp1s0",)
    watch.close()
