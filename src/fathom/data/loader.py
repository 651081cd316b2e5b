"""The loader: batches of a data set, shuffled, prepared ahead, resumable at any batch."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from ..errors import ArgumentError, DatasetError, RecordingError
from ..functional.random import Generator
from ..recording import is_recording
from .collate import default_collate
from .dataset import IterableDataset, get_batch, get_samples
from .prefetch import prefetch
from .randomness import draw_seed, drawing_from
from .sampler import BatchSampler, RandomSampler, SequentialSampler

_END = object()


class DataLoader:
    """Iterates over a data set in batches; each ``for`` loop is one epoch.

    The loader has one seed. The order of an epoch depends on the seed and the epoch's number
    only, and what is drawn for a batch (by random transforms) on the seed and the numbers of
    epoch and batch, so that the batches are the same with any number of threads, and after
    `load_state_dict` continue exactly where `state_dict` was taken.

    Args:
        dataset: a data set, a sequence, or an `IterableDataset`.
        batch_size: how many samples a batch has; None for samples instead of batches.
        shuffle: whether each epoch has a new random order.
        sampler: gives the positions of the samples, instead of `shuffle`.
        batch_sampler: gives the positions of each batch, instead of `batch_size`, `shuffle`,
            `sampler` and `drop_last`.
        num_workers: how many background threads prepare batches ahead; 0 for none.
        collate_fn: makes a batch of a list of samples. Without it, batches are taken from the
            data set as a whole (`Dataset.get_batch`), which for data in memory is far faster.
        pin_memory: accepted for PyTorch's sake; there is no device to copy to.
        drop_last: whether a last batch of fewer samples is left out.
        timeout: seconds to wait for a batch from the background; 0 to wait for ever.
        worker_init_fn: called in each background thread with its number.
        generator: where the seed is drawn from when the first epoch starts; by default the
            default generator, so `fathom.manual_seed` makes a run repeatable.
        prefetch_factor: how many batches each thread prepares ahead; 2 by default.
        persistent_workers: accepted for PyTorch's sake; threads cost next to nothing.
        transform: applied to the inputs of each batch (its first part), a batch at a time.

    Raises:
        ArgumentError: arguments exclude each other or are out of range.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[Any] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], object] | None = None,
        *,
        generator: Generator | None = None,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        transform: Callable[[Any], Any] | None = None,
    ) -> None:
        is_iterable = isinstance(dataset, IterableDataset)
        _check_arguments(is_iterable, batch_size, bool(shuffle), sampler, batch_sampler, drop_last)
        if num_workers < 0 or timeout < 0:
            raise ArgumentError("num_workers and timeout cannot be negative")
        if prefetch_factor is not None and (prefetch_factor <= 0 or not num_workers):
            raise ArgumentError("prefetch_factor must be positive, and needs num_workers > 0")
        if sampler is None and not is_iterable:
            sampler = RandomSampler(dataset) if shuffle else SequentialSampler(dataset)
        if batch_sampler is None and batch_size is not None:
            batch_sampler = BatchSampler(() if sampler is None else sampler, batch_size, drop_last)
        self.dataset = dataset
        self.batch_size = batch_size
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.num_workers = num_workers
        self.collate_fn = collate_fn
        self.pin_memory = pin_memory
        self.drop_last = drop_last
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.generator = generator
        self.prefetch_factor = prefetch_factor or 2
        self.persistent_workers = persistent_workers
        self.transform = transform
        # The position: the batch that comes next, and whether an iterator is on its way there.
        self._seed: int | None = None
        self._epoch = 0
        self._batch = 0
        self._is_begun = False

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        if isinstance(self.dataset, IterableDataset):
            count = len(self.dataset)  # type: ignore[arg-type]
            if self.batch_size is None:
                return count
            return len(BatchSampler(range(count), self.batch_size, self.drop_last))
        groups = self.sampler if self.batch_sampler is None else self.batch_sampler
        return len(groups)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Any]:
        """Start the next epoch, or continue the one that `load_state_dict` has restored."""
        if is_recording():
            raise RecordingError(
                "a function under fathom.compile iterates over a DataLoader, whose batches would "
                "be the same at every call; loop outside, and compile what is done with one batch"
            )
        if self._seed is None:
            self._seed = draw_seed(self.generator)
        if self._is_begun:
            self._epoch, self._batch = self._epoch + 1, 0
        self._is_begun = True
        return self._iterate((self._seed, self._epoch), self._batch)

    def state_dict(self) -> dict[str, Any]:
        """The position: what `load_state_dict` needs to continue with the next batch.

        Batches that are prepared but not yet handed out do not count. A sampler with a
        generator of its own, and an `IterableDataset`, have to repeat themselves.
        """
        return {"seed": self._seed, "epoch": self._epoch, "batch": self._batch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Let the next iteration continue where `state_dict` was taken.

        Raises:
            DatasetError: it is not the state of a loader.
        """
        try:
            seed, epoch, batch = (state_dict[key] for key in ("seed", "epoch", "batch"))
        except (KeyError, TypeError):
            raise DatasetError("this is not the state of a DataLoader") from None
        self._seed = None if seed is None else int(seed)
        self._epoch, self._batch = int(epoch), int(batch)
        self._is_begun = False

    def _iterate(self, epoch: tuple[int, int], start: int) -> Iterator[Any]:
        """The batches of an epoch, given by seed and number, from the batch `start` on."""
        for number, batch in enumerate(self._prepare(epoch, start), start + 1):
            if (self._seed, self._epoch) == epoch:
                self._batch = number
            yield batch
        if (self._seed, self._epoch) == epoch:
            self._epoch, self._batch, self._is_begun = self._epoch + 1, 0, False

    def _prepare(self, epoch: tuple[int, int], start: int) -> Iterator[Any]:
        ahead = self.num_workers * self.prefetch_factor
        if isinstance(self.dataset, IterableDataset):
            groups = enumerate(self._groups_of_samples(self.dataset))
            made = (_make(self._finish, group, (*epoch, number)) for number, group in groups)
            batches = itertools.islice(made, start, None)
            if not self.num_workers:
                return batches
            # Reading in order is work for one thread.
            jobs = itertools.repeat(partial(next, batches, _END))
            results = prefetch(jobs, 1, ahead, self.timeout, self.worker_init_fn)
            return itertools.takewhile(lambda batch: batch is not _END, results)
        with drawing_from(*epoch):
            positions = enumerate(self._groups_of_positions())
        remaining = itertools.islice(positions, start, None)
        if not self.num_workers:
            return (_make(self._fetch, group, (*epoch, number)) for number, group in remaining)
        calls = (
            partial(_make, self._fetch, group, (*epoch, number)) for number, group in remaining
        )
        return prefetch(calls, self.num_workers, ahead, self.timeout, self.worker_init_fn)

    def _groups_of_positions(self) -> Iterator[Any]:
        """The positions of each batch of an epoch, or of each sample without a batch size."""
        if isinstance(self.batch_sampler, BatchSampler):
            return self.batch_sampler.batches()
        groups = self.sampler if self.batch_sampler is None else self.batch_sampler
        return iter(() if groups is None else groups)

    def _groups_of_samples(self, dataset: IterableDataset) -> Iterator[Any]:
        samples = iter(dataset)
        if self.batch_size is None:
            yield from samples
            return
        while group := list(itertools.islice(samples, self.batch_size)):
            if len(group) == self.batch_size or not self.drop_last:
                yield group

    def _fetch(self, positions: Any) -> Any:
        """The batch at the given positions; the sample, where there are no batches."""
        if self.batch_sampler is None:
            return self._finish(self.dataset[positions])
        if self.collate_fn is None:
            return self._transformed(get_batch(self.dataset, positions))
        return self._finish(get_samples(self.dataset, positions))

    def _finish(self, group: Any) -> Any:
        """The batch made of a list of samples; the sample, where there are no batches."""
        collate = self.collate_fn
        if collate is None and self.batch_sampler is not None:
            collate = default_collate
        return self._transformed(collate(group) if collate is not None else group)

    def _transformed(self, batch: Any) -> Any:
        if self.transform is None:
            return batch
        if isinstance(batch, list | tuple):
            return [self.transform(batch[0]), *batch[1:]]
        return self.transform(batch)


def _make(function: Callable[[Any], Any], group: Any, key: tuple[int, ...]) -> Any:
    """Make a batch, drawing its random numbers from a generator of its own."""
    with drawing_from(*key):
        return function(group)


def _check_arguments(
    is_iterable: bool,
    batch_size: int | None,
    shuffle: bool,
    sampler: Any,
    batch_sampler: Any,
    drop_last: bool,
) -> None:
    """Raise `ArgumentError` where a loader's arguments exclude each other."""
    if is_iterable and (shuffle or sampler is not None or batch_sampler is not None):
        raise ArgumentError(
            "an IterableDataset sets its own order; leave out shuffle, sampler and batch_sampler"
        )
    if sampler is not None and shuffle:
        raise ArgumentError("give either shuffle or a sampler, not both")
    if batch_sampler is not None and (
        batch_size != 1 or shuffle or sampler is not None or drop_last
    ):
        raise ArgumentError("batch_sampler excludes batch_size, shuffle, sampler and drop_last")
    if batch_size is None and drop_last:
        raise ArgumentError("drop_last needs a batch_size")
