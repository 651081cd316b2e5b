"""What of ONNX Fathom has not, and why: one table for messages, documents and tests."""

from dataclasses import dataclass

__all__ = ["LIMITS", "Limit", "reason_for"]


@dataclass(frozen=True)
class Limit:
    """Operators that are left out for one reason.

    Attributes:
        what: what they are, in a few words.
        reason: why they are left out.
        operators: their names, with the domain in front where it is not the standard one.
    """

    what: str
    reason: str
    operators: tuple[str, ...]


_TRAINING = "ai.onnx.preview.training"

LIMITS: tuple[Limit, ...] = (
    Limit(
        "control flow",
        "a model is a graph without branches and loops, so that it compiles as a whole",
        ("If", "Loop", "Scan", "SequenceMap"),
    ),
    Limit(
        "sequences and optional values",
        "the values of a model are tensors",
        (
            "ConcatFromSequence",
            "Optional",
            "OptionalGetElement",
            "OptionalHasElement",
            "SequenceAt",
            "SequenceConstruct",
            "SequenceEmpty",
            "SequenceErase",
            "SequenceInsert",
            "SequenceLength",
            "SplitToSequence",
        ),
    ),
    Limit(
        "texts and pictures",
        "there are no tensors of texts; tokenizing and decoding come before the model",
        (
            "ImageDecoder",
            "RegexFullMatch",
            "StringConcat",
            "StringNormalizer",
            "StringSplit",
            "TfIdfVectorizer",
            "ai.onnx.ml.LabelEncoder",
        ),
    ),
    Limit(
        "trees",
        "decision trees are not trained by gradients",
        ("ai.onnx.ml.TreeEnsemble",),
    ),
    Limit(
        "training inside the file",
        "gradients and optimizers are Fathom's own: loss.backward(), fathom.optim",
        (
            f"{_TRAINING}.Adagrad",
            f"{_TRAINING}.Adam",
            f"{_TRAINING}.Gradient",
            f"{_TRAINING}.Momentum",
        ),
    ),
    Limit(
        "spectra and sound",
        "there are no complex numbers",
        ("DFT", "MelWeightMatrix", "STFT"),
    ),
    Limit(
        "regions of images",
        "convolutions and pooling at places that the model computes are not operations of Fathom's",
        ("DeformConv", "RoiAlign"),
    ),
    Limit(
        "reinterpreted bits",
        "no operation of Fathom's reads the bytes of one dtype as another",
        ("BitCast",),
    ),
    Limit(
        "new operators that no exporter writes yet",
        "they came with the newest versions of the standard, and nobody has asked for them",
        ("CausalConvWithState", "LinearAttention", "ai.onnx.preview.FlexAttention"),
    ),
)


def reason_for(operator: str) -> str:
    """Why an operator is left out; empty where it is unknown."""
    for limit in LIMITS:
        if operator in limit.operators:
            return limit.reason
    return ""
