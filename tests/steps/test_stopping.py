import signal

import pytest

from medseg.steps.stopping import stop_on_signals


def test_a_signal_is_a_wish_where_someone_looks_and_an_interrupt_where_no_one_does() -> None:
    with stop_on_signals() as wish:
        wish.patient = True
        signal.raise_signal(signal.SIGTERM)
        assert wish.wanted
    with stop_on_signals(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)


def test_a_second_ctrl_c_is_heard_at_once() -> None:
    with stop_on_signals() as wish:
        wish.patient = True
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_whoever_goes_on_after_a_training_learns_of_a_signal_in_its_last_moments() -> None:
    with stop_on_signals() as of_all:
        with stop_on_signals() as of_one:
            of_one.patient = True
            signal.raise_signal(signal.SIGTERM)
        assert of_all.wanted
        with stop_on_signals() as of_the_next:
            assert not of_the_next.wanted


def test_handlers_from_before_are_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stop_on_signals():
        pass
    assert signal.getsignal(signal.SIGTERM) is before
