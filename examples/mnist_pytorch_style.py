"""Handwritten digits in plain PyTorch style: only the import lines say that this is Fathom.

python examples/mnist_pytorch_style.py                  # 8x8 digits, within the package
python examples/mnist_pytorch_style.py --data mnist     # 28x28 digits, downloaded once
"""

import argparse

import fathom as torch
import fathom.nn as nn
import fathom.nn.functional as F
import fathom.optim as optim
from fathom.data import datasets
from fathom.optim.lr_scheduler import StepLR
from fathom.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self, image_size, dropout=0.25):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.dropout1 = nn.Dropout(dropout)
        self.dropout2 = nn.Dropout(2 * dropout)
        self.fc1 = nn.Linear(32 * (image_size // 2) ** 2, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = F.max_pool2d(x, 2)
        x = self.dropout1(x)
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        x = self.dropout2(x)
        x = self.fc2(x)
        return F.log_softmax(x, dim=1)


def train(args, model, device, train_loader, optimizer, epoch):
    model.train()
    losses = []
    seen = 0
    for batch_idx, (data, target) in enumerate(train_loader):
        data, target = data.to(device), target.to(device)
        optimizer.zero_grad()
        output = model(data)
        loss = F.nll_loss(output, target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        seen += len(data)
        if batch_idx % args.log_interval == 0:
            print(
                f"Train epoch: {epoch} [{seen}/{len(train_loader.dataset)} "
                f"({100.0 * batch_idx / len(train_loader):.0f}%)]\tLoss: {loss.item():.6f}"
            )
    return losses


def test(model, device, test_loader):
    model.eval()
    test_loss = 0
    correct = 0
    with torch.no_grad():
        for data, target in test_loader:
            data, target = data.to(device), target.to(device)
            output = model(data)
            test_loss += F.nll_loss(output, target, reduction="sum").item()
            pred = output.argmax(dim=1, keepdim=True)
            correct += pred.eq(target.view_as(pred)).sum().item()
    test_loss /= len(test_loader.dataset)
    accuracy = correct / len(test_loader.dataset)
    print(f"Test set: average loss: {test_loss:.4f}, accuracy: {100 * accuracy:.2f}%")
    return test_loss, accuracy


def load(name, train):
    """Images as floats from 0 to 1, and labels."""
    images = datasets.MNIST(train=train) if name == "mnist" else datasets.digits(train=train)
    pixels = torch.tensor(images.data.numpy(), dtype=torch.float32)
    return TensorDataset(pixels / pixels.max(), torch.tensor(images.targets.numpy()))


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Handwritten digits in PyTorch's style")
    parser.add_argument("--data", choices=["digits", "mnist"], default="digits")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--test-batch-size", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--lr", type=float, default=1.0)
    parser.add_argument("--gamma", type=float, default=0.8)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log-interval", type=int, default=10)
    parser.add_argument("--save-model", metavar="FILE")
    args = parser.parse_args(arguments)

    torch.manual_seed(args.seed)
    device = torch.device(args.device)

    train_set, test_set = load(args.data, train=True), load(args.data, train=False)
    train_loader = DataLoader(train_set, batch_size=args.batch_size, shuffle=True)
    test_loader = DataLoader(test_set, batch_size=args.test_batch_size)

    model = Net(image_size=train_set[0][0].shape[-1]).to(device)
    optimizer = optim.Adadelta(model.parameters(), lr=args.lr)
    scheduler = StepLR(optimizer, step_size=1, gamma=args.gamma)
    for epoch in range(1, args.epochs + 1):
        train(args, model, device, train_loader, optimizer, epoch)
        test(model, device, test_loader)
        scheduler.step()

    if args.save_model:
        torch.save(model.state_dict(), args.save_model)


if __name__ == "__main__":
    main()
