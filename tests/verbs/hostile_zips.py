"""Zips that mean harm, written byte by byte where Python's own writer would not."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

TOP = "hippocampus_unet3d"
Entry = tuple[str, bytes]
_LOCAL, _CENTRAL = b"PK\x03\x04", b"PK\x01\x02"


def entries_of(bundle: Path) -> list[Entry]:
    """Name in the zip and bytes of every file of a folder."""
    files = sorted(path for path in bundle.rglob("*") if path.is_file())
    return [(f"{TOP}/{path.relative_to(bundle).as_posix()}", path.read_bytes()) for path in files]


def zip_of(entries: list[Entry], *, method: int = zipfile.ZIP_DEFLATED, modes: dict[str, int] | None = None) -> bytes:
    """A zip of these entries, whatever their names are."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in entries:
            info = zipfile.ZipInfo("x", (1980, 1, 1, 0, 0, 0))
            info.filename = name  # its own reading of a name would mend it
            info.compress_type = method
            info.external_attr = ((modes or {}).get(name, 0o100644)) << 16
            archive.writestr(info, data)
    return buffer.getvalue()


def _with(name: str, data: bytes = b"evil") -> Callable[[list[Entry]], bytes]:
    return lambda entries: zip_of([*entries, (name, data)])


def _link(name: str, to: str, *below: str) -> Callable[[list[Entry]], bytes]:
    more = [(name, to.encode()), *((one, b"evil") for one in below)]
    return lambda entries: zip_of([*entries, *more], modes={name: stat.S_IFLNK | 0o777})


def _patched(at: int, value: bytes, kinds: tuple[bytes, ...] = (_LOCAL, _CENTRAL)) -> Callable[[list[Entry]], bytes]:
    """Bytes of every header of models/model.pt, counted as in a local header."""

    def make(entries: list[Entry]) -> bytes:
        data = bytearray(zip_of(entries))
        name = f"{TOP}/models/model.pt".encode()
        for kind, length in ((_LOCAL, 30), (_CENTRAL, 46)):
            place = data.index(name, 0 if kind == _LOCAL else data.index(_CENTRAL)) - length
            assert data[place : place + 4] == kind
            if kind in kinds:
                start = place + at + (2 if kind == _CENTRAL else 0)  # it has the version of its maker before
                data[start : start + len(value)] = value
        return bytes(data)

    return make


def _bomb(entries: list[Entry]) -> bytes:
    return zip_of([*entries, (f"{TOP}/docs/zeros.bin", bytes(64 * 2**20))])


def _within_one_another(entries: list[Entry]) -> bytes:
    """The kernel of Fifield's bomb: an entry quotes the header of the next, whose bytes it then shares."""
    data = zip_of(entries)
    start = struct.unpack_from("<I", data, len(data) - 6)[0]
    central, body = data[start : len(data) - 22], data[:start]
    content = bytes(range(256)) * 64
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(content) + packer.flush()
    inner = _header(_LOCAL, "docs/b.bin", packed, content)
    quote = b"\x00" + struct.pack("<HH", len(inner), len(inner) ^ 0xFFFF) + inner  # a stored block, not the last
    outer = _header(_LOCAL, "docs/a.bin", quote + packed, inner + content)
    first, second = len(body), len(body) + len(outer) + 5
    central += _header(_CENTRAL, "docs/a.bin", quote + packed, inner + content, first)
    central += _header(_CENTRAL, "docs/b.bin", packed, content, second)
    body += outer + quote + packed
    count = len(entries) + 2
    return body + central + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, len(central), len(body), 0)


def _header(kind: bytes, name: str, packed: bytes, content: bytes, offset: int = 0) -> bytes:
    full = f"{TOP}/{name}".encode()
    common = (20, 0, 8, 0, 33, zlib.crc32(content), len(packed), len(content), len(full), 0)
    if kind == _LOCAL:
        return struct.pack("<4sHHHHHIIIHH", kind, *common) + full
    return struct.pack("<4sHHHHHHIIIHHHHHII", kind, 20, *common, 0, 0, 0, 0o100644 << 16, offset) + full


def _many(entries: list[Entry]) -> bytes:
    return zip_of([*entries, *((f"{TOP}/docs/{n}", b"") for n in range(20_000))])


def _flipped(entries: list[Entry]) -> bytes:
    """One bit of packed weights."""
    data = bytearray(zip_of(entries, method=zipfile.ZIP_STORED))
    data[data.index(b"models/model.pt") + 5_000] ^= 1
    return bytes(data)


_TWICE = f"{TOP}/configs/inference.yaml"
ROWS: list[tuple[str, Callable[[list[Entry]], bytes], tuple[str, ...]]] = [
    ("a zip that leads up", _with("../evil"), ("'../evil' leads out",)),
    ("a zip that leads up from within", _with(f"{TOP}/../../evil"), (f"'{TOP}/../../evil' leads out",)),
    ("a zip with an absolute path", _with("/etc/evil"), ("'/etc/evil' leads out",)),
    ("a zip with a drive", _with("C:\\evil"), ("evil' has a sign",)),
    ("a zip with a stream of a file", _with(f"{TOP}/LICENSE:evil"), ("LICENSE:evil' has a sign",)),
    ("a zip with backslashes", _with(f"{TOP}\\..\\evil"), ("evil' has a sign",)),
    ("a zip with a nul in a name", _with(f"{TOP}/LICENSE\0.txt"), ("LICENSE\\x00.txt' has a sign",)),
    ("a zip with a line break in a name", _with(f"{TOP}/a\nb"), ("a\\nb' has a sign",)),
    ("a zip with a name that moves the cursor", _with(f"{TOP}/\x1b[2Ka"), ("\\x1b[2Ka' has a sign",)),
    ("a zip with a name that reads backwards", _with(f"{TOP}/\u202egnp.exe"), ("\\u202egnp.exe' has a sign",)),
    ("a zip with a roundabout name", _with(f"{TOP}/./LICENSE"), (f"'{TOP}/./LICENSE' leads out",)),
    ("a zip with a link", _link(f"{TOP}/docs/passwd", "/etc/passwd"), ("docs/passwd' is a link",)),
    (
        "a zip with a file below a link",
        _link(f"{TOP}/out", "/tmp", f"{TOP}/out/evil"),
        ("out' is a link",),
    ),
    ("a zip with a file twice", _with(_TWICE), (f"'{_TWICE}' is in it twice",)),
    ("a zip with a file twice, but for capitals", _with(_TWICE.upper()), (f"'{_TWICE.upper()}' is in it twice",)),
    ("a zip with a file that is a folder", _with(f"{TOP}/LICENSE/evil"), (f"'{TOP}/LICENSE' is a file and a folder",)),
    ("a zip that is encrypted", _patched(6, b"\x01\x00"), ("models/model.pt' is encrypted",)),
    ("a zip packed by another method", _patched(8, b"\x0e\x00"), ("models/model.pt' is packed by method 14",)),
    ("a zip bomb", _bomb, ("docs/zeros.bin' unpacks to 64 MiB", "a bomb")),
    ("a zip of entries within entries", _within_one_another, ("docs/b.bin' lies within", "a.bin': damaged, or a bomb")),
    ("a zip of twenty thousand files", _many, ("files; at most 10000",)),
    ("an entry larger than it says", _patched(22, struct.pack("<I", 1000)), ("models/model.pt",)),
    ("an entry smaller than it says", _patched(22, struct.pack("<I", 80_000)), ("models/model.pt",)),
    ("an entry of four gigabytes", _patched(22, struct.pack("<I", 2**32 - 2)), ("models/model.pt' unpacks to 4 GiB",)),
    ("two sizes of an entry", _patched(22, struct.pack("<I", 1000), (_CENTRAL,)), ("models/model.pt",)),
    ("a zip with a flipped bit", _flipped, ("models/model.pt is damaged",)),
    ("a zip cut short", lambda entries: zip_of(entries)[:-100], ("no zip that can be read",)),
    ("an empty zip", lambda _: zip_of([]), ("holds no bundle",)),
    ("a zip without a bundle", lambda entries: zip_of(entries[:1]), ("holds no bundle",)),
    ("a zip in a zip", lambda entries: zip_of([(f"{TOP}.zip", zip_of(entries))]), ("holds no bundle",)),
    ("a zip with something beside the bundle", _with("setup.py"), ("holds 'setup.py' beside the bundle",)),
    ("text under the name of a zip", lambda _: b"hello", ("no zip that can be read",)),
]
