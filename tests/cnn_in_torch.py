#!/usr/bin/env python3
"""Trains clade-mnist's cnn in PyTorch and compares: cnn_in_torch.py WEIGHTS FOLDER STEPS SEED

Each step is on all images of the folder, with Adam. Exits 1 when the weights differ."""
import os
import sys

import torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "goldens"))
from goldens_file import decode
from mnist_tool_files import read_idx


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(1, 32, 3, padding=1)
        self.conv2 = torch.nn.Conv2d(32, 64, 3, padding=1)
        self.fc1 = torch.nn.Linear(3136, 128)
        self.fc2 = torch.nn.Linear(128, 10)

    def forward(self, x):
        for conv in (self.conv1, self.conv2):
            x = torch.max_pool2d(torch.relu(conv(x)), 2)
        return self.fc2(torch.relu(self.fc1(x.flatten(1))))


def main():
    weights, folder, steps, seed = sys.argv[1:]
    torch.manual_seed(int(seed))
    net = Net()
    x = torch.tensor(read_idx(folder + "/train-images-idx3-ubyte")).reshape(-1, 1, 28, 28)
    labels = torch.tensor(read_idx(folder + "/train-labels-idx1-ubyte"))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.001)
    for _ in range(int(steps)):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(x), labels).backward()
        optimizer.step()
    with open(weights, "rb") as f:
        ours = decode(f.read())
    theirs = {name: p.detach().numpy() for name, p in net.named_parameters()}
    assert sorted(ours) == sorted(theirs), sorted(ours)
    for name, value in theirs.items():
        assert ours[name].shape == value.shape, (name, ours[name].shape)
        # Adam's first steps are lr whatever the gradient: one near 0 may round to either side.
        wrong = (abs(ours[name] - value) > 1e-4).mean()
        assert wrong < 0.001, (name, wrong)


main()
