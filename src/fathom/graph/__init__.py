"""From a Python function to a graph of operations."""

from .graph import Constant, Graph, Input, Vertex, evaluate

__all__ = ["Constant", "Graph", "Input", "Vertex", "evaluate"]
