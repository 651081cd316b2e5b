"""Devices, for scripts that name one: Fathom computes on the CPU."""

from types import SimpleNamespace

from .errors import FathomError


class DeviceError(FathomError, RuntimeError):
    """A device was asked for that Fathom does not have."""


class Device:
    """The name of a place to compute: ``fathom.device("cpu")`` is the only one.

    Args:
        type: ``"cpu"``, or another device.
    """

    __slots__ = ("type",)

    type: str

    def __init__(self, type: "str | Device" = "cpu") -> None:
        name = type.type if isinstance(type, Device) else str(type)
        if name != "cpu":
            raise DeviceError(f"there is no device {name!r}: Fathom computes on the CPU ('cpu')")
        self.type = name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device | str) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(self.type)

    def __str__(self) -> str:
        return self.type

    def __repr__(self) -> str:
        return f"device(type={self.type!r})"


CPU = Device("cpu")


class Accelerator:
    """A kind of device that Fathom does not compute on, for scripts that ask whether it is there.

    As in PyTorch without such a device, seeding it does nothing.
    """

    def is_available(self) -> bool:
        """False."""
        return False

    def device_count(self) -> int:
        """None: 0."""
        return 0

    def manual_seed(self, seed: int) -> None:
        """Nothing to seed."""

    def manual_seed_all(self, seed: int) -> None:
        """Nothing to seed."""


accelerator = cuda = mps = Accelerator()
backends = SimpleNamespace(cudnn=Accelerator(), mps=mps)  # where PyTorch lists them
