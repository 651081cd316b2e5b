"""Models: from the multilayer perceptron to residual networks."""

from .checkpoint import load_checkpoint
from .darknet import Darknet19, Darknet53, darknet19, darknet53
from .darknet_images import fit_photograph, imagenet_classes
from .darknet_network import DarknetNetwork
from .darknet_weights import load_darknet_weights, save_darknet_weights
from .densenet import DenseNet, densenet121
from .efficientnet import EfficientNet, efficientnet_b0
from .errors import ModelError
from .keras_weights import load_keras
from .mlp import mlp
from .mobilenet import MobileNetV2, mobilenet_v2
from .registry import create, names, options_for_images
from .resnet import ResNet, resnet18, resnet34, resnet50, resnet101, resnet152
from .small import lenet5, small_cnn
from .squeezenet import SqueezeNet, squeezenet1_0, squeezenet1_1
from .vgg import VGG, vgg11, vgg11_bn, vgg13, vgg13_bn, vgg16, vgg16_bn, vgg19, vgg19_bn

__all__ = [
    "VGG",
    "Darknet19",
    "Darknet53",
    "DarknetNetwork",
    "DenseNet",
    "EfficientNet",
    "MobileNetV2",
    "ModelError",
    "ResNet",
    "SqueezeNet",
    "create",
    "darknet19",
    "darknet53",
    "densenet121",
    "efficientnet_b0",
    "fit_photograph",
    "imagenet_classes",
    "lenet5",
    "load_checkpoint",
    "load_darknet_weights",
    "load_keras",
    "mlp",
    "mobilenet_v2",
    "names",
    "options_for_images",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "save_darknet_weights",
    "small_cnn",
    "squeezenet1_0",
    "squeezenet1_1",
    "vgg11",
    "vgg11_bn",
    "vgg13",
    "vgg13_bn",
    "vgg16",
    "vgg16_bn",
    "vgg19",
    "vgg19_bn",
]
