"""Near-duplicate texts: MinHash signatures (as datasketch makes them), Jaccard indices, clusters."""
from __future__ import annotations

import ctypes as c
from typing import Any, List, Sequence, Tuple, Union

import numpy as np

from ._lib import NearOptions, at, call, context, refuse

__all__ = ["jaccard", "minhash", "minhash_bands", "minhash_estimate", "minhash_permutations", "near_duplicates"]


def _options(shingle: str = "w3", threshold: float = 0.8, num_perm: int = 128, seed: int = 1) -> Any:
    if not 1 <= num_perm <= 1024 or not 1 <= seed < 2**32:
        raise refuse(f"num_perm {num_perm} should be 1 to 1024, seed {seed} 1 to 2^32 - 1")
    return NearOptions(c.sizeof(NearOptions), threshold, shingle.encode(), num_perm, seed)


def _bytes(text: Any) -> bytes:
    if not isinstance(text, (str, bytes)):
        raise refuse(f"a text is str or bytes, not {type(text).__name__}")
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")


def _texts(texts: Sequence[Any]) -> "Tuple[Any, np.ndarray, List[bytes]]":
    data = [_bytes(t) for t in texts]
    return (c.c_char_p * max(len(data), 1))(*data), np.array([len(d) for d in data], dtype=np.uintp), data


def minhash(texts: "Union[str, bytes, Sequence[Any]]", shingle: str = "w3", num_perm: int = 128, seed: int = 1) -> np.ndarray:
    """Signature of a text (num_perm numbers), or of each of many (one row each): what datasketch's MinHash(num_perm, seed) has after
    an update with every shingle. shingle: "wN" N words, "cN" N bytes of the folded text; case and punctuation do not count.

    >>> minhash_estimate(minhash("a b c d"), minhash("A, b; c. D!"))
    1.0
    """
    one = isinstance(texts, (str, bytes))
    text, size, _keep = _texts([texts] if one else texts)
    out = np.empty((len(size), num_perm), dtype=np.uint32)
    o = _options(shingle, num_perm=num_perm, seed=seed)
    call("karat_minhash", context, text, at(size), len(size), c.byref(o), at(out), None)
    return out[0] if one else out


def minhash_estimate(a: Any, b: Any) -> float:
    """Share of equal slots of two signatures: an estimate of the Jaccard index J, with standard deviation sqrt(J (1 - J) / slots)."""
    x, y = np.asarray(a), np.asarray(b)
    if x.shape != y.shape or x.ndim != 1 or not x.size:
        raise refuse(f"signatures of shapes {x.shape} and {y.shape}; two of one length are compared")
    return float((x == y).mean())


def minhash_permutations(num_perm: int = 128, seed: int = 1) -> "Tuple[np.ndarray, np.ndarray]":
    """The numbers a and b of the permutations behind a seed."""
    a, b = np.empty(num_perm, np.uint64), np.empty(num_perm, np.uint64)
    o = _options(num_perm=num_perm, seed=seed)
    call("karat_minhash_permutations", c.byref(o), at(a), at(b))
    return a, b


def minhash_bands(threshold: float, num_perm: int = 128) -> "Tuple[int, int]":
    """(bands, rows) for locality-sensitive hashing that err least on both sides of the threshold.

    >>> minhash_bands(0.8)
    (9, 13)
    """
    bands, rows = c.c_uint32(), c.c_uint32()
    call("karat_minhash_bands", threshold, num_perm, c.byref(bands), c.byref(rows))
    return bands.value, rows.value


def jaccard(a: "Union[str, bytes]", b: "Union[str, bytes]", shingle: str = "w3") -> float:
    """Exact Jaccard index of the shingle sets of two texts."""
    x, y, out, o = _bytes(a), _bytes(b), c.c_double(), _options(shingle)
    call("karat_jaccard", x, len(x), y, len(y), c.byref(o), c.byref(out), None, None)
    return out.value


def near_duplicates(texts: Sequence[Any], threshold: float = 0.8, shingle: str = "w3") -> np.ndarray:
    """Of each text the number of the first text of its cluster; itself where it is alone. A pair 0.05 above the threshold is missed
    less than once in 200; no pair below it is joined directly.

    >>> near_duplicates(["one two three four five", "something else", "One, two: three four five!"]).tolist()
    [0, 1, 0]
    """
    text, size, _keep = _texts(texts)
    out, o = np.empty(len(size), dtype=np.uint32), _options(shingle, threshold)
    call("karat_near_clusters", context, text, at(size), len(size), c.byref(o), at(out))
    return out
