from medseg.engine.counters import Counters


def test_the_share_of_waiting_is_of_the_time_of_all_steps() -> None:
    assert Counters(train_s=8.0, wait_s=2.0).wait_share == 0.25
    assert Counters().wait_share == 0.0
