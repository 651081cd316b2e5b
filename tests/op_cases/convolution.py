"""Convolutions, transposed convolutions, and patches."""

from .case import Case, call


def sequences(numbers):
    normal = numbers.normal
    yield call(normal(2, 3, 8), normal(4, 3, 3), normal(4))
    yield call(normal(3, 7), normal(2, 3, 2), stride=2, padding=1)
    yield call(normal(2, 4, 9), normal(6, 2, 3), padding="same", dilation=2, groups=2)
    yield call(normal(0, 3, 5), normal(2, 3, 2))
    yield call(normal(1, 1, 1), normal(1, 1, 1), normal(1))


def images(numbers):
    normal = numbers.normal
    yield call(normal(2, 3, 6, 5), normal(4, 3, 3, 3), normal(4))
    yield call(normal(2, 3, 7, 8), normal(2, 3, 3, 2), stride=(2, 3), padding=(1, 0))
    yield call(normal(3, 6, 6), normal(2, 3, 1, 1), normal(2), stride=2)
    yield call(normal(1, 2, 7, 7), normal(2, 2, 2, 3), dilation=(3, 2), padding=2)
    yield call(normal(1, 2, 5, 6), normal(3, 2, 3, 2), padding="same", dilation=(1, 2))
    yield call(normal(2, 4, 5, 5), normal(6, 2, 3, 3), normal(6), padding=1, groups=2)
    yield call(normal(2, 3, 6, 6), normal(3, 1, 3, 3), padding=1, groups=3)
    yield call(normal(1, 2, 7, 5), normal(6, 1, 3, 2), stride=2, groups=2)
    yield call(normal(1, 1, 5, 5), normal(2, 1, 5, 5), normal(2), padding="valid")
    yield call(normal(0, 2, 4, 4), normal(3, 2, 3, 3), normal(3), padding=1)
    yield call(normal(1, 2, 9, 4), normal(2, 2, 1, 1), stride=4)


def volumes(numbers):
    normal = numbers.normal
    yield call(normal(2, 2, 4, 3, 5), normal(3, 2, 2, 3, 2), normal(3), padding=1)
    yield call(normal(2, 3, 5, 4), normal(2, 1, 2, 2, 1), stride=(1, 2, 1), groups=2)


def sequences_transposed(numbers):
    normal = numbers.normal
    yield call(normal(2, 3, 4), normal(3, 2, 3), normal(2), stride=2, padding=1)
    yield call(normal(2, 5), normal(2, 3, 2), stride=3, output_padding=2)
    yield call(normal(1, 4, 3), normal(4, 1, 3), dilation=2, groups=2)


def images_transposed(numbers):
    normal = numbers.normal
    yield call(normal(2, 3, 4, 3), normal(3, 2, 3, 3), normal(2))
    yield call(normal(1, 2, 3, 4), normal(2, 3, 3, 2), stride=2, padding=1, output_padding=1)
    yield call(normal(2, 3, 3), normal(2, 1, 2, 2), normal(1), stride=(3, 2), output_padding=(2, 0))
    yield call(normal(1, 4, 3, 3), normal(4, 3, 2, 3), groups=2, dilation=(2, 1))
    yield call(normal(1, 3, 3, 4), normal(3, 1, 3, 3), stride=2, padding=(1, 2), groups=3)
    yield call(normal(0, 2, 3, 3), normal(2, 2, 2, 2))


def volumes_transposed(numbers):
    normal = numbers.normal
    yield call(normal(1, 2, 2, 3, 2), normal(2, 3, 2, 2, 3), normal(3), stride=(1, 2, 1))


def patches(numbers):
    yield call(numbers.normal(2, 3, 5, 6), 3)
    yield call(numbers.normal(2, 6, 5), (2, 3), dilation=(2, 1), padding=(1, 0), stride=2)


def columns(numbers):
    yield call(numbers.normal(2, 12, 20), (5, 6), 2)
    yield call(numbers.normal(1, 12, 9), (6, 5), (2, 3), (2, 1), (1, 0), (2, 1))


def many_channels(numbers):
    yield call(numbers.normal(2, 8, 3, 2), 2)
    yield call(numbers.normal(9, 2, 1), 3)


def large_images(numbers):
    yield call(numbers.normal(2, 2, 4, 6), 2)
    yield call(numbers.normal(1, 3, 3), 3)


def groups_of_channels(numbers):
    yield call(numbers.normal(2, 6, 3), 3)
    yield call(numbers.normal(1, 4, 2, 2), 2)


def maps(numbers):
    yield call(numbers.normal(2, 2, 3), (2, 1, 3, 4), align_corners=False)
    yield call(numbers.normal(1, 2, 3), (1, 1, 2, 3), align_corners=True)


def points(numbers):
    def inside(*shape):
        # Away from the middles between elements, where the value has a kink.
        return (numbers.integers(-2, 6, *shape) + numbers.between(0.2, 0.8, *shape)) / 2 - 1

    yield call(numbers.normal(2, 2, 5, 5), inside(2, 3, 2, 2), align_corners=True)
    yield call(
        numbers.normal(1, 3, 5, 5), inside(1, 2, 2, 2), padding_mode="border", align_corners=True
    )
    yield call(numbers.normal(1, 1, 4, 4), inside(1, 3, 3, 2) * 5 / 4, align_corners=False)


CASES = [
    Case("nn.functional.conv1d", sequences),
    Case("nn.functional.conv2d", images, float32_rtol=1e-4),
    Case("nn.functional.conv3d", volumes),
    Case("nn.functional.conv_transpose1d", sequences_transposed),
    Case("nn.functional.conv_transpose2d", images_transposed),
    Case("nn.functional.conv_transpose3d", volumes_transposed),
    Case("nn.functional.unfold", patches),
    Case("nn.functional.fold", columns),
    Case("nn.functional.pixel_shuffle", many_channels),
    Case("nn.functional.pixel_unshuffle", large_images),
    Case("nn.functional.channel_shuffle", groups_of_channels),
    Case("nn.functional.affine_grid", maps),
    Case("nn.functional.grid_sample", points, second_order=False),
]
