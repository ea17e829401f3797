from medseg.planning.topology import halved_alike, multiples, plan_topology


def test_even_voxels_are_halved_alike_until_four_are_left() -> None:
    topology = plan_topology((40, 56, 40), (1.0, 1.0, 1.0), most_halvings=5)  # 40, 20, 10, 5
    assert topology.strides == ((2, 2, 2),) * 3
    assert topology.kernels == ((3, 3, 3),) * 4
    assert topology.divisor == (8, 8, 8)
    assert topology.is_even


def test_no_axis_is_halved_more_often_than_allowed() -> None:
    assert plan_topology((256, 256, 256), (1.0, 1.0, 1.0), most_halvings=4).divisor == (16, 16, 16)


def test_thick_slices_wait_until_the_others_have_caught_up() -> None:
    # voxels of 1 x 1 x 4 mm: in-plane 1, 2, 4 mm; only from 4 mm on (less than twice 4) slices are compared and halved
    topology = plan_topology((128, 128, 16), (1.0, 1.0, 4.0), most_halvings=4)
    assert topology.kernels == ((3, 3, 1), (3, 3, 1), (3, 3, 3), (3, 3, 3), (3, 3, 3))
    assert topology.strides == ((2, 2, 1), (2, 2, 1), (2, 2, 2), (2, 2, 2))
    assert topology.divisor == (16, 16, 4)
    assert not topology.is_even


def test_an_axis_of_few_voxels_stays_as_it_is() -> None:
    assert plan_topology((64, 64, 6), (1.0, 1.0, 1.0), most_halvings=2).strides == ((2, 2, 1), (2, 2, 1))


def test_two_axes_give_a_topology_of_two() -> None:
    assert plan_topology((64, 64), (1.0, 1.0), most_halvings=2).kernels == ((3, 3),) * 3


def test_the_smallest_patch_is_halved_once() -> None:
    assert plan_topology((6, 6, 1), (1.0, 1.0, 9.0), most_halvings=4).strides == ((2, 2, 1),)


def test_networks_that_know_no_axes_halve_all() -> None:
    thick = plan_topology((128, 128, 16), (1.0, 1.0, 4.0), most_halvings=4)
    assert halved_alike(thick, 3).divisor == (8, 8, 8)


def test_multiples_are_named_once_where_axes_agree() -> None:
    assert multiples((8, 8, 8)) == "multiples of 8"
    assert multiples((16, 16, 4)) == "multiples of 16, 16, 4"
