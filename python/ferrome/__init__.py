"""Bioinformatics foundation models: proteins, cells and drugs.

The functions have the names, the defaults and the messages of the command line ``ferrome``, which this package installs too::

    import ferrome

    vectors = ferrome.protein.embed(["MKTAYIAKQR", "GSHMLEDPVE"], model="facebook/esm2_t6_8M_UR50D")
    vectors.shape                                    # (2, 320)
"""

from ferrome._torch import refuse_other_torch

refuse_other_torch()

import atexit as _atexit  # noqa: E402

from ferrome import _core, cell, drug, protein  # noqa: E402
from ferrome._core import DeviceError, InternalError, WeightsError, __version__  # noqa: E402

_atexit.register(_core.finish)

__all__ = ["DeviceError", "InternalError", "WeightsError", "__version__", "cell", "drug", "protein"]
