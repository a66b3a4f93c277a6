"""The torch that ferrome was built with: its libraries are linked as C++, so only one minor version fits."""

NEEDED = "2.11"


def refuse_other_torch() -> None:
    """Import torch, whose libraries ``ferrome._core`` uses, and refuse another version than the one that is needed."""
    advice = f"install it with: pip install 'torch=={NEEDED}.*'"
    try:
        import torch
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ImportError(f"ferrome needs torch {NEEDED}, which is not installed; {advice}") from None
    if not torch.__version__.startswith(NEEDED + "."):
        raise ImportError(f"ferrome needs torch {NEEDED}, found torch {torch.__version__}; {advice}")
