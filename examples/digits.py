"""The shortest training: handwritten digits, from the package to an accuracy, in seconds."""

import fathom
from fathom import nn
from fathom.data import datasets

fathom.manual_seed(0)
train, test = datasets.digits(train=True), datasets.digits(train=False)
model = nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
trainer = fathom.Trainer(model, "cross_entropy", "adam", metrics=["accuracy"], lr=0.003)
trainer.fit(train, validation=test, epochs=20)
print(f"test accuracy: {trainer.evaluate(test)['accuracy']:.2%}")
