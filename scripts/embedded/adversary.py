"""Changes of a picture, small in L2, that mislead the network most: what it is trained against.

Gradients of a network that such changes do not mislead look like things (Tsipras et al. 2019, Santurkar et al. 2019),
which is all that a dream climbs. eps is the L2 norm of the change of one whole picture with values of 0..1: a number,
or one for each picture [n][1][1][1]. The attack is projected gradient ascent on the loss (Madry et al. 2018) from a
random start; its step is 2/k of the ball's radius, so that k steps can cross it, and 1.25 radii where there is but one
(Wong et al. 2020).
"""
import torch
import torch.nn.functional as F


def norms(x):
    return x.flatten(1).norm(dim=1).clamp(min=1e-12).view(-1, 1, 1, 1)


def project(change, eps):
    return change * (eps / norms(change)).clamp(max=1)


def random_start(x, eps, generator):
    """Anywhere in the ball: a direction, and a radius drawn evenly."""
    direction = torch.randn(x.shape, generator=generator, device=x.device)
    radius = torch.rand((len(x), 1, 1, 1), generator=generator, device=x.device)
    return direction / norms(direction) * (radius * eps)


def ascend(change, gradient, x, eps, step):
    """One step along the normalised gradient, back into the ball and into the range of values."""
    change = project(change + step * gradient / norms(gradient), eps)
    return (x + change).clamp(0, 1) - x


def attack(logits_of, x, y, eps, steps, generator):
    """The picture [n][3][h][w] of 0..1 after `steps` of ascent. `logits_of` must not follow weights."""
    if steps <= 0:
        return x
    step = eps * min(1.25, 2 / steps)
    change = random_start(x, eps, generator)
    for _ in range(steps):
        change = change.detach().requires_grad_(True)
        loss = F.cross_entropy(logits_of(x + change), y, reduction="sum")
        gradient, = torch.autograd.grad(loss, change)
        change = ascend(change.detach(), gradient, x, eps, step)
    return (x + change).detach()
