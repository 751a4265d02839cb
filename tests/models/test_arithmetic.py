"""Quick products are as exact as PyTorch's own, and leave no setting behind."""

from __future__ import annotations

import torch

from sayso.models.arithmetic import other_kernel_serves, plain_products, quick_products


def test_a_quick_product_is_a_float32_product() -> None:
    generator = torch.Generator().manual_seed(1)
    left, right = torch.randn((300, 192), generator=generator), torch.randn((192, 513), generator=generator)
    with quick_products():
        found = left @ right
    exact = left.double() @ right.double()
    assert (found - exact).abs().max() < 1e-5 * exact.abs().max()


def test_afterwards_everything_is_as_it_was() -> None:
    before = torch.backends.mkldnn.matmul.fp32_precision
    with quick_products(), plain_products():
        pass
    assert torch.backends.mkldnn.matmul.fp32_precision == before
    assert torch.get_float32_matmul_precision() == "highest"


def test_the_choice_is_the_same_every_time() -> None:
    assert other_kernel_serves() == other_kernel_serves.__wrapped__()
