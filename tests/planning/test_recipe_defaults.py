from medseg.planning import recipe_defaults as defaults


def test_a_gpu_gets_at_least_as_many_filters_as_a_cpu() -> None:
    for name, filters in defaults.FIRST_FILTERS.items():
        assert defaults.first_filters(name, "cpu") == filters
        assert defaults.first_filters(name, "cuda") == max(filters, defaults.FIRST_FILTERS_ON_GPU)


def test_a_change_is_written_as_probability_and_range() -> None:
    assert defaults.effect(0.2, -15.0, 15.0) == {"probability": 0.2, "range": [-15.0, 15.0]}


def test_auto_means_a_network_that_has_its_values() -> None:
    assert set(defaults.AUTO.values()) <= defaults.LEARNING_RATE.keys()
