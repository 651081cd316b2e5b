"""Models: from the multilayer perceptron to residual networks."""

from .darknet import Darknet53, darknet53
from .errors import ModelError
from .mlp import mlp
from .registry import create, names, options_for_images
from .resnet import ResNet, resnet18, resnet34, resnet50
from .small import lenet5, small_cnn
from .vgg import VGG, vgg11, vgg11_bn, vgg13, vgg13_bn, vgg16, vgg16_bn, vgg19, vgg19_bn

__all__ = [
    "VGG",
    "Darknet53",
    "ModelError",
    "ResNet",
    "create",
    "darknet53",
    "lenet5",
    "mlp",
    "names",
    "options_for_images",
    "resnet18",
    "resnet34",
    "resnet50",
    "small_cnn",
    "vgg11",
    "vgg11_bn",
    "vgg13",
    "vgg13_bn",
    "vgg16",
    "vgg16_bn",
    "vgg19",
    "vgg19_bn",
]
