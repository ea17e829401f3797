"""Which files of a bundle a computer could run, by their names and first bytes."""

from __future__ import annotations

PYTHON = "Python"
HEAD = 16  # bytes that tell

_BY_ENDING = {
    (".py", ".pyw", ".pyi", ".pyx"): PYTHON,
    (".pyc", ".pyo"): "compiled Python",
    (".ipynb",): "notebook",
    (".whl", ".egg", ".pyz"): "Python package",
    (".sh", ".bash", ".zsh", ".csh", ".command"): "shell script",
    (".bat", ".cmd", ".ps1", ".vbs", ".js", ".lnk"): "Windows script",
    (".exe", ".com", ".scr", ".msi"): "program",
    (".so", ".pyd", ".dll", ".dylib", ".node"): "native library",
    (".jar", ".class"): "Java",
    (".engine", ".trt", ".plan"): "TensorRT engine, which is native code",
}
_BY_HEAD = {
    b"\x7fELF": "program or native library",
    b"MZ": "program or native library",
    b"\xfe\xed\xfa\xce": "program or native library",
    b"\xfe\xed\xfa\xcf": "program or native library",
    b"\xce\xfa\xed\xfe": "program or native library",
    b"\xcf\xfa\xed\xfe": "program or native library",
    b"\xca\xfe\xba\xbe": "program or native library",
    b"#!": "script",
}


def executable_kind(name: str, head: bytes) -> str:
    """What kind of code a file is; "" for what no computer runs by itself.

    Args:
        name: Of the file.
        head: Its first ``HEAD`` bytes.
    """
    for endings, kind in _BY_ENDING.items():
        if name.lower().endswith(endings):
            return kind
    return next((kind for magic, kind in _BY_HEAD.items() if head.startswith(magic)), "")
