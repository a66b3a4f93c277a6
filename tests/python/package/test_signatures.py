"""Names and defaults are the command line's."""

from __future__ import annotations

import inspect

import ferrome
import pytest
from ferrome import _core

#: What Python has otherwise: where things lie, what is shown, and columns of tables, which files do not have.
OTHER = {"output", "progress", "sequence_column", "config", "sequences", "model"}
#: Of jobs that a cluster computes in parts, each by the command: see ferrome.distributed.
CLUSTER = {"shard", "quarantine"}


@pytest.mark.parametrize(
    ("function", "command", "left_out"),
    [
        # The console's own: Python has `progress`, and measures by itself.
        (ferrome.protein.embed, ["protein", "embed"], {"inputs", "quiet", "stats"}),
        (ferrome.protein.pretrain, ["protein", "pretrain"], {"inputs", "quiet"}),
        (ferrome.cell.count, ["cell", "count"], {"input", "quiet", "stats"}),
        (ferrome.cell.convert, ["cell", "convert"], {"input", "quiet", "stats"}),
        (ferrome.cell.qc, ["cell", "qc"], {"input", "quiet", "stats"}),
        (ferrome.cell.tokenize, ["cell", "tokenize"], {"input", "quiet", "stats"}),
        (ferrome.cell.embed, ["cell", "embed"], {"input", "quiet", "stats"}),
        (ferrome.cell.annotate, ["cell", "annotate"], {"input", "quiet", "stats"}),
        (ferrome.cell.perturb, ["cell", "perturb"], {"input", "quiet", "stats"}),
        (ferrome.cell.map, ["cell", "map"], {"embeddings", "quiet"}),
        (ferrome.cell.train, ["cell", "train"], {"inputs", "quiet"}),
        (ferrome.cell.integrate, ["cell", "integrate"], {"input", "quiet"}),
        (ferrome.cell.network, ["cell", "network"], {"input", "quiet", "stats"}),
        (ferrome.cell.predict_perturbation.train, ["cell", "predict-perturbation", "train"], {"input", "quiet"}),
        (ferrome.cell.predict_perturbation.predict, ["cell", "predict-perturbation", "predict"], {"input", "quiet"}),
        (ferrome.cell.vocabulary.build, ["cell", "vocabulary", "build"], {"datasets", "quiet"}),
        (ferrome.cell.vocabulary.import_, ["cell", "vocabulary", "import"], {"quiet"}),
        (ferrome.drug.featurize, ["drug", "featurize"], {"library", "quiet", "stats"}),
        (ferrome.drug.score, ["drug", "score"], {"library", "quiet", "stats"}),
        (ferrome.drug.train, ["drug", "train"], {"config", "quiet"}),
        (ferrome.drug.evaluate, ["drug", "evaluate"], {"config", "quiet"}),
    ],
)
def test_options_and_defaults(function, command, left_out):
    options = {name: value for name, value in _core.definition(command).items() if name not in left_out | OTHER | CLUSTER}
    parameters = inspect.signature(function).parameters
    assert set(options) - {name.rstrip("_") for name in parameters} == set(), "options that Python lacks"
    first = next(iter(parameters))  # what is read, which Python calls by what it is
    for name, parameter in parameters.items():
        if name in OTHER or name == first or (name == "id_column" and name not in options):
            continue
        expected = options[name.rstrip("_")]
        if isinstance(parameter.default, (int, float)) and not isinstance(parameter.default, bool):
            assert float(expected) == parameter.default, name
        elif name == "min_orf":  # only with --orfs
            assert parameter.default is None and expected is not None
        elif name == "model" or parameter.default is inspect.Parameter.empty:
            assert expected is None, name
        else:
            assert parameter.default == expected, name


@pytest.mark.parametrize(
    ("function", "method", "of_loading"),
    [
        (ferrome.protein.embed, ferrome.protein.Model.embed, {"model", "device", "dtype", "threads"}),
        (ferrome.cell.embed, ferrome.cell.Model.embed, {"model", "device", "dtype", "threads"}),
        (ferrome.cell.annotate, ferrome.cell.Model.annotate, {"model", "device", "dtype", "threads"}),
        (
            ferrome.drug.score,
            ferrome.drug.Model.score,
            {"model", "tier", "cascade", "embeddings", "device", "threads"},
        ),
    ],
)
def test_methods_have_the_options_of_the_functions(function, method, of_loading):
    function, method = inspect.signature(function).parameters, inspect.signature(method).parameters
    assert {name: p.default for name, p in method.items() if name != "self"} == {
        name: p.default for name, p in function.items() if name not in of_loading
    }


def test_default_model_of_scores():
    default = _core.definition(["drug", "score"])["model"]
    for function in (ferrome.drug.score, ferrome.drug.load, ferrome.drug.Model):
        assert inspect.signature(function).parameters["model"].default == default


def test_unknown_subcommand():
    with pytest.raises(ValueError, match="no subcommand `weave`"):
        _core.definition(["protein", "weave"])
