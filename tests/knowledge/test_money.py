"""Money: what papers print and answers keep is read back as the same amount."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.money import NAMES, Money, MoneyError

amounts = st.builds(
    Money,
    st.one_of(
        st.decimals(min_value=0, max_value=Decimal(10) ** 15 - 1, places=8),
        st.builds(lambda n, zeros: Decimal(n) * 10**zeros, st.integers(0, 99999), st.integers(0, 9)),
    ),
    st.sampled_from(sorted(NAMES)),
)


@given(amounts)
def test_printed_is_read_back(money: Money) -> None:
    assert Money.parse(money.printed) == money


@given(amounts)
def test_token_is_read_back(money: Money) -> None:
    assert Money.parse(money.token) == money


@pytest.mark.parametrize(
    ("text", "value", "currency"),
    [
        ("200万元", 2_000_000, "CNY"),
        (" 1.5亿元 ", 150_000_000, "CNY"),
        ("300人民币", 300, "CNY"),
        ("3000万美元", 30_000_000, "USD"),
        ("3000万美金", 30_000_000, "USD"),
        ("50万欧元", 500_000, "EUR"),
        ("20万港币", 200_000, "HKD"),
        ("1亿新台币", 100_000_000, "TWD"),
        ("300万日元", 3_000_000, "JPY"),
        ("7万英镑", 70_000, "GBP"),
        ("2000000 CNY", 2_000_000, "CNY"),
        ("0.5 USD", Decimal("0.5"), "USD"),
    ],
)
def test_reads_what_papers_print(text: str, value: int | Decimal, currency: str) -> None:
    assert Money.parse(text) == Money(Decimal(value), currency)


@pytest.mark.parametrize(
    ("value", "currency", "printed"),
    [
        (3_000_000, "CNY", "300万元"),
        (120_000_000, "CNY", "1.2亿元"),
        (30_000_000, "USD", "3000万美元"),
        (12_345, "CNY", "1.2345万元"),
        (123_456, "CNY", "12.3456万元"),
        (1_234_567_891, "CNY", "123456.7891万元"),
        (9_999, "CNY", "9999元"),
        (0, "CNY", "0元"),
        (5_000_000, "JPY", "500万日元"),
        (1, "AUD", "1AUD"),
    ],
)
def test_prints_as_papers_do(value: int, currency: str, printed: str) -> None:
    assert Money(Decimal(value), currency).printed == printed


@pytest.mark.parametrize("text", ["", "三百万", "200", "200万", "-5元", "1e3元", "5,000万元", "300 cny", "9" * 40 + "元", "0." + "1" * 30 + " CNY"])
def test_refuses_what_is_no_amount(text: str) -> None:
    with pytest.raises(MoneyError, match="不是金额，请写成 200万元"):
        Money.parse(text)


@pytest.mark.parametrize("text", ["10000000亿元", "1000000000000000 CNY", "99999999999999999999亿美元"])
def test_refuses_amounts_too_large_to_be_kept_exactly(text: str) -> None:
    with pytest.raises(MoneyError, match="太大，金额要小于 1000 万亿"):
        Money.parse(text)
