"""Zip archives as `torch.save` writes them: nothing is compressed, nothing lies twice."""

import struct
import zlib
from typing import BinaryIO

from ...ops import Array
from ..stored import ByteSource
from .machine import Refusal

_START = b"PK\x03\x04"
_LOCAL_HEADER = 30


def is_archive(start: bytes) -> bool:
    """Whether a file that starts with these bytes may be a zip archive."""
    return start[:4] == _START


class Archive:
    """The members of an archive, by their names within its one folder.

    Args:
        file: the file.
        source: its bytes.

    Raises:
        Refusal: it is damaged, compressed, or no archive of PyTorch's.
    """

    def __init__(self, file: BinaryIO, source: ByteSource) -> None:
        import zipfile

        self._source = source
        try:
            with zipfile.ZipFile(file) as archive:
                members = archive.infolist()
        except (
            zipfile.BadZipFile,
            NotImplementedError,
            ValueError,
            OverflowError,
            EOFError,
            struct.error,
        ) as error:
            raise Refusal(f"it is not a sound zip archive ({error})") from None
        self._members = {member.filename.partition("/")[2]: member for member in members}
        if len(self._members) != len(members):
            raise Refusal("its archive has a name twice, or more than one folder")
        for member in members:
            if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1:
                raise Refusal(f"its member {member.filename[:80]!r} is compressed or encrypted")
        if sum(member.file_size for member in members) > source.size:
            raise Refusal("its members lie one over another: they are larger than the file")
        if "constants.pkl" in self._members:
            raise Refusal(
                "it is a program of TorchScript; save the state_dict() of the module instead"
            )
        if "data.pkl" not in self._members:
            raise Refusal("its archive has no data.pkl, so torch.save did not write it")

    def read(self, name: str) -> Array:
        """The bytes of a member.

        Raises:
            Refusal: there is none of that name, or it is damaged.
        """
        member = self._members.get(name)
        if member is None:
            raise Refusal(f"its archive has no member {name[:80]!r}")
        try:
            header = self._source.read_bytes(member.header_offset, _LOCAL_HEADER)
            if header[:4] != _START:
                raise Refusal(f"its member {name[:80]!r} is not where the archive says")
            name_length, extra_length = struct.unpack("<HH", header[26:30])
            start = member.header_offset + _LOCAL_HEADER + name_length + extra_length
            raw = self._source.read(start, member.file_size)
        except EOFError:
            raise Refusal(f"its member {name[:80]!r} reaches beyond the end") from None
        if name == "data.pkl" and zlib.crc32(raw.data) != member.CRC:
            raise Refusal("its data.pkl is damaged: the checksum differs")
        return raw

    def read_text(self, name: str, default: str) -> str:
        """A small member as text; `default` where there is none."""
        if name not in self._members:
            return default
        return self.read(name)[:100].tobytes().decode("latin-1").strip()
