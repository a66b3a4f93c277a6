"""Object stores, by the file systems of pyarrow."""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from typing import TypeAlias

import pyarrow
import pyarrow.fs

#: A file system, and a path in it.
Store: TypeAlias = "tuple[pyarrow.fs.FileSystem, str]"


def store_of(path: str, filesystem: pyarrow.fs.FileSystem | None) -> Store | None:
    """The file system of a path and the path in it; ``None`` for what every node sees."""
    if filesystem is not None:
        return filesystem, path.rstrip("/")
    if "://" not in path:
        return None
    try:
        store, inner = pyarrow.fs.FileSystem.from_uri(path)
    except pyarrow.ArrowInvalid:
        import fsspec  # type: ignore[import-untyped]

        known, inner = fsspec.core.url_to_fs(path)
        store = pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(known))
    return store, inner.rstrip("/")


def fetch(store: pyarrow.fs.FileSystem, path: str, folder: str) -> str:
    """Copies a file or a folder below ``folder``, where it appears whole, once for each version of it."""
    info = store.get_file_info(path)
    if info.type == pyarrow.fs.FileType.NotFound:
        raise FileNotFoundError(f"{path}: no such file or folder in the object store")
    local = os.path.join(folder, version_of(store, info), info.base_name)
    if not os.path.exists(local):
        unfinished = f"{local}.{uuid.uuid4().hex[:8]}.tmp"
        os.makedirs(unfinished if info.type == pyarrow.fs.FileType.Directory else os.path.dirname(local), exist_ok=True)
        pyarrow.fs.copy_files(path, unfinished, store, pyarrow.fs.LocalFileSystem())
        try:
            os.rename(unfinished, local)
        except OSError:
            # Another actor of this node was faster.
            shutil.rmtree(unfinished, ignore_errors=True)
    return local


def version_of(store: pyarrow.fs.FileSystem, info: pyarrow.fs.FileInfo) -> str:
    """What changes when a file or anything in a folder does; a folder of an object store has no time of its own."""
    files = [info]
    if info.type == pyarrow.fs.FileType.Directory:
        files += store.get_file_info(pyarrow.fs.FileSelector(info.path, recursive=True))
    told = sorted(f"{file.path} {file.size} {file.mtime_ns}" for file in files)
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:12]


def publish(local: str, store: pyarrow.fs.FileSystem, path: str) -> None:
    """Copies a file to a store, where it appears whole."""
    # What is put into an object store appears when all of it is there.
    whole = store.type_name in ("s3", "gcs", "abfs") or store.type_name.startswith("py::fsspec")
    target = path if whole else f"{path}.{uuid.uuid4().hex[:8]}.tmp"
    store.create_dir(os.path.dirname(path), recursive=True)
    pyarrow.fs.copy_files(local, target, pyarrow.fs.LocalFileSystem(), store)
    if target != path:
        store.move(target, path)


def bring(store: Store, name: str, folder: str) -> None:
    """Copies a file of a store to the same name below ``folder``."""
    local = os.path.join(folder, name)
    os.makedirs(os.path.dirname(local), exist_ok=True)
    pyarrow.fs.copy_files(f"{store[1]}/{name}", local, store[0], pyarrow.fs.LocalFileSystem())


def put(source: str, target: str) -> None:
    unfinished = f"{target}.{uuid.uuid4().hex[:8]}.tmp"
    shutil.copyfile(source, unfinished)
    os.replace(unfinished, target)
