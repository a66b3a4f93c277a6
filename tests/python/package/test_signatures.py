"""Names and defaults are the command line's."""

from __future__ import annotations

import inspect

import ferrome
import pytest
from ferrome import _core

#: What Python has otherwise: where things lie, what is shown, and columns of tables, which files do not have.
OTHER = {"output", "progress", "sequence_column", "id_column", "config", "sequences", "model"}


@pytest.mark.parametrize(
    ("function", "command", "left_out"),
    [
        # The console's own: Python has `progress`, and measures by itself.
        (ferrome.protein.embed, ["protein", "embed"], {"inputs", "quiet", "stats"}),
        (ferrome.protein.pretrain, ["protein", "pretrain"], {"inputs", "quiet"}),
    ],
)
def test_options_and_defaults(function, command, left_out):
    options = {name: value for name, value in _core.definition(command).items() if name not in left_out | OTHER}
    parameters = inspect.signature(function).parameters
    assert set(options) - {name.rstrip("_") for name in parameters} == set(), "options that Python lacks"
    for name, parameter in parameters.items():
        if name in OTHER:
            continue
        expected = options[name.rstrip("_")]
        if isinstance(parameter.default, int) and not isinstance(parameter.default, bool):
            assert str(parameter.default) == expected, name
        elif name == "min_orf":  # only with --orfs
            assert parameter.default is None and expected is not None
        else:
            assert parameter.default == expected, name


def test_methods_have_the_options_of_the_functions():
    function = inspect.signature(ferrome.protein.embed).parameters
    method = inspect.signature(ferrome.protein.Model.embed).parameters
    of_loading = {"model", "device", "dtype", "threads"}
    assert {name: p.default for name, p in method.items() if name != "self"} == {
        name: p.default for name, p in function.items() if name not in of_loading
    }


def test_unknown_subcommand():
    with pytest.raises(ValueError, match="no subcommand `weave`"):
        _core.definition(["protein", "weave"])
