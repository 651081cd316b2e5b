"""Data sets, samplers, splits and the loader."""

import gc
import threading
import time
import traceback

import numpy as np
import pytest

import fathom
from fathom.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    Sampler,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    datasets,
    default_collate,
    random_split,
    transforms,
)
from fathom.data.randomness import draw, permutation
from fathom.errors import ArgumentError, DatasetError, FathomError, IndexOutOfRange


class Squares(Dataset):
    """Samples made one by one."""

    def __init__(self, count=10):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return fathom.tensor(index), index * index


class Counting(IterableDataset):
    def __init__(self, count=10):
        self.count = count

    def __iter__(self):
        return iter(range(self.count))


def rows(count=10):
    return TensorDataset(fathom.arange(count * 2).reshape(count, 2), fathom.arange(count))


def labels_of(loader):
    return [batch[1].tolist() for batch in loader]


def wait_for_threads():
    for _ in range(500):
        if not any(thread.name == "fathom-loader" for thread in threading.enumerate()):
            return True
        time.sleep(0.01)
    return False


def seeded(seed):
    return fathom.Generator().manual_seed(seed)


# Data sets.


def test_a_tensor_dataset_gives_rows_and_batches():
    dataset = rows()
    assert len(dataset) == 10
    assert [part.tolist() for part in dataset[3]] == [[6, 7], 3]
    assert [part.tolist() for part in dataset.get_batch([3, -1])] == [[[6, 7], [18, 19]], [3, 9]]


def test_a_tensor_dataset_needs_one_first_size():
    for tensors in [(fathom.ones(2), fathom.ones(3)), (fathom.tensor(1),), ()]:
        with pytest.raises(DatasetError, match="same first size"):
            TensorDataset(*tensors)


@pytest.mark.parametrize("indices", [[10], [0, -11], range(5, 11), np.array([10])])
def test_a_position_beyond_the_last_is_an_error(indices):
    with pytest.raises(IndexOutOfRange, match="out of range for a data set of 10 samples"):
        rows().get_batch(indices)


def test_a_range_of_rows_is_not_copied():
    dataset = rows()
    batch = dataset.get_batch(range(2, 5))[0]
    assert np.shares_memory(batch.numpy(), dataset.tensors[0].numpy())


def test_subsets_and_concatenations_take_batches_as_single_samples():
    parts = ConcatDataset([rows(4), Subset(rows(10), [9, 2, 5]), rows(3) + rows(1)])
    assert len(parts) == 11
    indices = [10, 0, 5, 4, 8, 3]
    batch = parts.get_batch(indices)
    for position, index in enumerate(indices):
        for whole, part in zip(batch, parts[index], strict=True):
            assert whole[position].tolist() == part.tolist()
    assert parts[-1][1].item() == 0
    assert parts.get_batch([5])[1].tolist() == [2]
    for wrong in (11, -12):
        with pytest.raises(IndexOutOfRange):
            parts[wrong]


def test_a_new_definition_of_a_sample_is_not_passed_over_by_batches():
    class Doubled(TensorDataset):
        def __getitem__(self, index):
            inputs, label = super().__getitem__(index)
            return inputs * 2, label

    batch = next(iter(DataLoader(Doubled(*rows().tensors), batch_size=2)))
    assert batch[0].tolist() == [[0, 2], [4, 6]]


def test_a_dataset_with_getitems_is_asked_for_many_samples_at_once():
    class Many(Squares):
        def __getitems__(self, indices):
            return [(index, -index) for index in indices]

    assert labels_of(DataLoader(Many(), batch_size=5))[0] == [0, -1, -2, -3, -4]


# Splits.


def test_a_split_by_lengths_or_fractions_gives_disjoint_parts():
    for lengths, counts in [
        ([7, 3], [7, 3]),
        ([0.5, 0.5], [5, 5]),
        ([0.25, 0.25, 0.5], [3, 2, 5]),
        ([1 / 3] * 3, [4, 3, 3]),
    ]:
        parts = random_split(rows(), lengths, seeded(0))
        assert [len(part) for part in parts] == counts
        assert sorted(index for part in parts for index in part.indices) == list(range(10))


def test_a_split_is_repeatable():
    first, again, other = (random_split(rows(50), [25, 25], seeded(n))[0] for n in (1, 1, 2))
    assert first.indices == again.indices != other.indices


def test_a_stratified_split_spreads_each_class_in_proportion():
    labels = np.array([0] * 60 + [1] * 30 + [2] * 10)
    for part, share in zip(
        random_split(rows(100), [0.7, 0.2, 0.1], seeded(0), stratified=labels),
        (0.7, 0.2, 0.1),
        strict=True,
    ):
        counts = np.bincount(labels[part.indices], minlength=3)
        assert np.abs(counts - share * np.array([60, 30, 10])).max() <= 1


@pytest.mark.parametrize("lengths", [[5, 6], [0.5, 0.4], [11, -1], [1.5, -0.5]])
def test_lengths_that_do_not_sum_up_are_an_error(lengths):
    with pytest.raises(DatasetError):
        random_split(rows(), lengths)


def test_a_stratified_split_needs_a_label_for_each_sample():
    with pytest.raises(DatasetError, match="one label for each of the 10 samples"):
        random_split(rows(), [5, 5], stratified=[1, 2])


# Samplers.


def test_samplers_give_the_positions_that_they_promise():
    assert list(SequentialSampler(rows())) == list(range(10))
    assert sorted(RandomSampler(rows(), generator=seeded(0))) == list(range(10))
    assert len(list(RandomSampler(rows(), num_samples=25))) == 25
    assert set(RandomSampler(rows(), replacement=True, num_samples=200)) == set(range(10))
    assert sorted(SubsetRandomSampler([3, 1, 4])) == [1, 3, 4]
    assert list(BatchSampler(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(BatchSampler(SequentialSampler(rows(5)), 2, drop_last=True)) == [[0, 1], [2, 3]]


def test_a_weighted_sampler_draws_in_proportion():
    weights = [0, 1, 3, 0, 6, 0]
    drawn = list(WeightedRandomSampler(weights, 20_000, generator=seeded(0)))
    shares = np.bincount(drawn, minlength=6) / 20_000
    np.testing.assert_allclose(shares, np.array(weights) / 10, atol=0.02)
    alone = WeightedRandomSampler(weights, 3, replacement=False, generator=seeded(0))
    first = [next(iter(alone)) for _ in range(3000)]
    np.testing.assert_allclose(np.bincount(first, minlength=6) / 3000, shares, atol=0.05)
    assert sorted(alone) == [1, 2, 4]


@pytest.mark.parametrize("weights", [[-1, 2], [np.nan], [0, 0], [[1]]])
def test_weights_that_are_no_probabilities_are_an_error(weights):
    with pytest.raises(ArgumentError):
        WeightedRandomSampler(weights, 1)


def test_a_sampler_of_ones_own_is_used():
    class Backwards(Sampler):
        def __iter__(self):
            return iter(range(9, -1, -1))

        def __len__(self):
            return 10

    loader = DataLoader(rows(), batch_size=4, sampler=Backwards())
    assert labels_of(loader) == [[9, 8, 7, 6], [5, 4, 3, 2], [1, 0]]
    assert len(loader) == 3
    groups = DataLoader(rows(), batch_sampler=[[1, 2], [5]])
    assert labels_of(groups) == [[1, 2], [5]]


# Collating.


def test_samples_are_collated_part_by_part():
    batch = default_collate(
        [{"x": np.ones(2), "n": i, "f": 0.5, "s": "a", "t": (i, [True])} for i in range(2)]
    )
    assert batch["x"].tolist() == [[1, 1], [1, 1]]
    assert batch["n"].dtype == np.int64
    assert batch["f"].dtype == np.float64
    assert batch["s"] == ["a", "a"]
    assert batch["t"][0].tolist() == [0, 1]
    assert batch["t"][1][0].dtype == np.bool_


@pytest.mark.parametrize(
    "samples", [[object()], [np.ones(2), np.ones(3)], [(1, 2), (1,)], [None, None]]
)
def test_samples_that_do_not_fit_are_an_error(samples):
    with pytest.raises(DatasetError):
        default_collate(samples)


# The loader.


@pytest.mark.parametrize("num_workers", [0, 1, 3])
@pytest.mark.parametrize(
    "dataset", [rows(), Squares(), list(zip(range(10), range(10), strict=True))]
)
def test_a_loader_gives_every_sample_once_in_order(dataset, num_workers):
    loader = DataLoader(dataset, batch_size=4, num_workers=num_workers)
    batches = list(loader)
    assert len(loader) == len(batches) == 3
    assert [batch[0].shape[0] for batch in batches] == [4, 4, 2]
    assert len(list(DataLoader(dataset, batch_size=4, drop_last=True))) == 2


@pytest.mark.parametrize("num_workers", [0, 2])
def test_shuffling_is_new_each_epoch_and_repeatable_by_the_seed(num_workers):
    def epochs(seed):
        loader = DataLoader(
            rows(50), 8, shuffle=True, num_workers=num_workers, generator=seeded(seed)
        )
        return [[x for batch in labels_of(loader) for x in batch] for _ in range(3)]

    first, again, other = epochs(0), epochs(0), epochs(1)
    assert first == again
    assert first[0] != first[1] != first[2]
    assert first[0] != other[0]
    for epoch in first:
        assert sorted(epoch) == list(range(50))


def test_manual_seed_makes_a_loader_repeatable():
    runs = []
    for _ in range(2):
        fathom.manual_seed(7)
        runs.append(labels_of(DataLoader(rows(20), 5, shuffle=True)))
    assert runs[0] == runs[1]


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("position", range(8))
def test_a_loader_continues_exactly_where_its_state_was_taken(num_workers, position):
    def make():
        noise = transforms.RandomErasing(p=1, value="random")
        images = TensorDataset(fathom.zeros(20, 1, 4, 4), fathom.arange(20))
        return DataLoader(images, 6, shuffle=True, num_workers=num_workers, transform=noise)

    def batches(loader, epochs):
        for _ in range(epochs):
            for inputs, labels in loader:
                yield inputs.tolist(), labels.tolist()

    loader = make()
    run = batches(loader, 3)
    for _ in range(position):
        next(run)
    state = loader.state_dict()
    expected = list(run)
    assert len(expected) == 12 - position
    resumed = make()
    resumed.load_state_dict(state)
    # The epoch that was begun, and those that follow.
    result = list(batches(resumed, 3 - state["epoch"]))
    if state["seed"] is None:
        assert len(result) == len(expected)
    else:
        assert result == expected


def test_what_is_prepared_but_not_handed_out_does_not_count():
    loader = DataLoader(rows(), 2, num_workers=2, generator=seeded(0))
    iterator = iter(loader)
    next(iterator)
    time.sleep(0.05)
    assert loader.state_dict()["batch"] == 1


def test_breaking_out_of_an_epoch_starts_the_next_one():
    loader = DataLoader(rows(), 2, shuffle=True, generator=seeded(0))
    for _ in loader:
        break
    assert len(list(loader)) == 5
    assert loader.state_dict()["epoch"] == 2


def test_random_transforms_are_the_same_with_any_number_of_threads():
    images = TensorDataset(fathom.rand(30, 1, 6, 6, generator=seeded(0)), fathom.arange(30))
    transform = transforms.Compose([transforms.RandomCrop(6, 2), transforms.RandomHorizontalFlip()])
    results = [
        [
            batch[0].tolist()
            for batch in DataLoader(
                images, 4, num_workers=workers, transform=transform, generator=seeded(5)
            )
        ]
        for workers in (0, 1, 4)
    ]
    assert results[0] == results[1] == results[2]


def test_an_error_in_a_background_thread_has_its_own_traceback():
    class Broken(Squares):
        def __getitem__(self, index):
            if index == 5:
                raise KeyError("the sixth sample is broken")
            return super().__getitem__(index)

    loader = DataLoader(Broken(), batch_size=2, num_workers=2)
    seen = []
    with pytest.raises(KeyError, match="sixth sample") as caught:
        seen.extend(batch[1].tolist() for batch in loader)
    assert seen == [[0, 1], [4, 9]]
    assert "in __getitem__" in "".join(traceback.format_tb(caught.value.__traceback__))
    assert wait_for_threads()


def test_threads_end_when_the_epoch_ends_and_when_the_iterator_is_dropped():
    loader = DataLoader(rows(100), batch_size=2, num_workers=3)
    list(loader)
    assert wait_for_threads()
    iterator = iter(loader)
    next(iterator)
    del iterator
    gc.collect()
    assert wait_for_threads()


def test_threads_end_on_an_interrupt():
    loader = DataLoader(rows(100), batch_size=2, num_workers=2)

    def run():
        for _ in loader:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    gc.collect()
    assert wait_for_threads()


def test_a_batch_that_does_not_come_in_time_is_an_error():
    release = threading.Event()

    class Slow(Squares):
        def __getitem__(self, index):
            release.wait(5)
            return super().__getitem__(index)

    with pytest.raises(DatasetError, match=r"timeout of 0\.05 s"):
        next(iter(DataLoader(Slow(), num_workers=1, timeout=0.05)))
    release.set()
    assert wait_for_threads()


@pytest.mark.parametrize("num_workers", [0, 2])
def test_an_iterable_dataset_is_read_in_order(num_workers):
    loader = DataLoader(Counting(), batch_size=4, num_workers=num_workers)
    assert [batch.tolist() for batch in loader] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    iterator = iter(loader)
    next(iterator)
    resumed = DataLoader(Counting(), batch_size=4, num_workers=num_workers)
    resumed.load_state_dict(loader.state_dict())
    assert [batch.tolist() for batch in resumed] == [[4, 5, 6, 7], [8, 9]]
    dropped = DataLoader(Counting(), batch_size=4, drop_last=True, num_workers=num_workers)
    assert len(list(dropped)) == 2


def test_without_a_batch_size_samples_come_one_by_one():
    assert [x for _, x in DataLoader(Squares(3), batch_size=None)] == [0, 1, 4]
    assert list(DataLoader(Counting(3), batch_size=None)) == [0, 1, 2]


def test_a_collate_function_is_given_the_samples():
    loader = DataLoader(Squares(5), batch_size=3, collate_fn=len)
    assert list(loader) == [3, 2]


def test_each_thread_is_announced_to_worker_init_fn():
    started = []
    list(DataLoader(rows(), 1, num_workers=2, worker_init_fn=started.append))
    assert set(started) <= {0, 1}
    assert started


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size must be a positive"),
        ({"batch_size": 2.0}, "batch_size must be a positive"),
        ({"shuffle": True, "sampler": [0]}, "either shuffle or a sampler"),
        ({"batch_sampler": [[0]], "batch_size": 2}, "batch_sampler excludes"),
        ({"batch_size": None, "drop_last": True}, "drop_last needs"),
        ({"num_workers": -1}, "cannot be negative"),
        ({"prefetch_factor": 2}, "needs num_workers"),
    ],
)
def test_arguments_that_exclude_each_other_are_an_error(options, message):
    with pytest.raises(ArgumentError, match=message):
        DataLoader(rows(), **options)


def test_an_iterable_dataset_cannot_be_shuffled():
    with pytest.raises(ArgumentError, match="sets its own order"):
        DataLoader(Counting(), shuffle=True)


def test_a_wrong_state_is_an_error():
    with pytest.raises(FathomError, match="not the state of a DataLoader"):
        DataLoader(rows()).load_state_dict({"epoch": 1})


def test_the_loader_is_found_where_pytorch_has_it():
    from fathom.utils.data import DataLoader as Loader

    assert Loader is DataLoader
    assert fathom.utils.data.DataLoader is DataLoader


def test_lengths_batches_and_splits_are_those_of_pytorch():
    torch = pytest.importorskip("torch")
    data = torch.utils.data
    for size, drop_last in [(1, False), (3, True), (4, False), (20, True)]:
        theirs = data.DataLoader(list(range(10)), size, drop_last=drop_last)
        ours = DataLoader(list(range(10)), size, drop_last=drop_last)
        assert [batch.tolist() for batch in ours] == [batch.tolist() for batch in theirs]
        assert len(ours) == len(theirs)
    for fractions in ([0.3, 0.7], [0.33, 0.33, 0.34], [0.5, 0.5]):
        theirs = [len(part) for part in data.random_split(range(11), fractions)]
        assert [len(part) for part in random_split(range(11), fractions)] == theirs


def test_image_datasets_hand_out_floats_and_labels():
    digits = datasets.digits(train=False, target_transform=transforms.OneHot(10))
    inputs, targets = next(iter(DataLoader(digits, batch_size=3)))
    assert inputs.dtype == np.float32
    assert targets.shape == (3, 10)
    assert digits[0][1].shape == (10,)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 64, 65, 1000])
def test_a_permutation_sorts_the_positions_by_the_numbers_drawn(count: int) -> None:
    order = permutation(count, fathom.Generator().manual_seed(3))
    drawn = np.asarray(draw(fathom.Generator().manual_seed(3), count))
    np.testing.assert_array_equal(order, np.argsort(drawn))
