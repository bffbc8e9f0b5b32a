"""The worked examples of evidence 2.3: tokens, break-even, totals, utilisation, error cost, Monte Carlo."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reports import costs
from reports.costs import CostEstimate, CostPart, TokenPrice

MINI = TokenPrice("gpt-4.1-mini", 0.40, 1.60, 0.10)
NANO = TokenPrice("gpt-4.1-nano, tuned", 0.20, 0.80)
LARGE = TokenPrice("gpt-4.1", 2.00, 8.00, 0.50)

PROMPT = 0.000474  # a long prompt on mini, 90 % of its prefix cached
TUNED_FIXED = 1000 * 2 + 40 * 75 + 4.35
APPROACHES = {
    "prompt": CostEstimate(PROMPT, 750),
    "rag": CostEstimate(0.000896, 2250),
    "tuned": CostEstimate(0.000120, TUNED_FIXED),
    "self-host": CostEstimate(0.0, TUNED_FIXED, monthly_fixed_usd=costs.always_on_monthly(0.8)),
    "large": CostEstimate(0.002370, 750),
}


@pytest.mark.parametrize(
    ("price", "static", "variable", "hits", "embedded", "usd"),
    [
        (MINI, 1800, 200, 0.0, 0, 0.000960),
        (MINI, 1800, 200, 0.9, 0, 0.000474),
        (NANO, 0, 200, 0.0, 0, 0.000120),
        (LARGE, 1800, 200, 0.0, 0, 0.004800),
        (LARGE, 1800, 200, 0.9, 0, 0.002370),
    ],
)
def test_one_answer(
    price: TokenPrice, static: float, variable: float, hits: float, embedded: float, usd: float
) -> None:
    found = price.of_parts(static, variable, 100, hits=hits, embedded=embedded, embedding_usd=0.02)
    assert found == pytest.approx(usd, abs=5e-10)


def test_retrieval_costs_more_than_the_long_cached_prompt() -> None:
    # 400 static of which 90 % hit the cache, 1,700 retrieved, 200 embedded
    found = MINI.of_parts(400, 1700, 100, hits=0.9, embedded=200, embedding_usd=0.02)
    assert found == pytest.approx(0.000896, abs=5e-6)
    assert found > MINI.of_parts(1800, 200, 100, hits=0.9)


def test_measured_cache_hits() -> None:
    assert MINI.of(2000, 100) == pytest.approx(0.000960)
    assert MINI.of(2000, 100, cached=1620) == pytest.approx(0.000474)
    assert NANO.of(200, 100, cached=150) == NANO.of(200, 100)


@pytest.mark.parametrize(
    ("against", "fixed", "millions", "days"),
    [
        (0.000474, 750, 12.02, 1202),
        (0.000960, 750, 5.06, 506),
        (0.000896, 2250, 3.55, 355),
        (0.004800, 750, 0.909, 91),
        (0.002370, 750, 1.89, 189),
    ],
)
def test_break_even_of_tuning(against: float, fixed: float, millions: float, days: float) -> None:
    found = costs.break_even(CostEstimate(against, fixed), APPROACHES["tuned"], months=12)
    assert found.queries is not None
    assert found.queries / 1e6 == pytest.approx(millions, abs=0.0051)
    assert found.days(10_000) == pytest.approx(days, abs=0.6)
    assert found.cheaper_above == "b"


def test_no_break_even_is_an_answer() -> None:
    dear, cheap = CostEstimate(0.001, 500), CostEstimate(0.0005, 100)
    assert costs.break_even(dear, cheap, 12).always == "b"
    assert costs.break_even(cheap, dear, 12).always == "a"
    assert costs.break_even(cheap, cheap, 12).always == "equal"
    assert costs.break_even(dear, cheap, 12).queries is None


def test_always_on_machine_breaks_even_on_monthly_traffic() -> None:
    month = costs.always_on_monthly(0.8)
    assert month == pytest.approx(584)
    for per_query, millions in ((0.000960, 0.61), (0.000474, 1.23), (0.004800, 0.12)):
        found = costs.break_even(CostEstimate(per_query), CostEstimate(0.0, monthly_fixed_usd=month), months=1)
        assert found.queries is not None
        assert found.queries / 1e6 == pytest.approx(millions, abs=0.0051)


@pytest.mark.parametrize(
    ("per_day", "totals"),
    [
        (100, {"prompt": 767, "rag": 2643 - 360, "tuned": 5009, "self-host": 12_012}),
        (10_000, {"prompt": 2480, "rag": 5520, "tuned": 5442, "self-host": 12_012, "large": 9400}),
        (100_000, {"prompt": 18_051, "rag": 34_954, "tuned": 9384, "self-host": 12_012, "large": 87_255}),
    ],
)
def test_twelve_months(per_day: float, totals: dict[str, float]) -> None:
    for name, usd in totals.items():
        assert APPROACHES[name].total(per_day, 12) == pytest.approx(usd, abs=1)


def test_published_retrieval_total_carries_an_upkeep() -> None:
    # the table's 2,643 / 5,880 / 35,314 are 2,250 + 360 + traffic: 30 dollars a month of upkeep
    rag = replace(APPROACHES["rag"], monthly_fixed_usd=30)
    for per_day, usd in ((100, 2643), (10_000, 5880), (100_000, 35_314)):
        assert rag.total(per_day, 12) == pytest.approx(usd, abs=1)


def test_rank_order_flips_twice() -> None:
    def ranking(per_day: float) -> list[str]:
        return sorted(APPROACHES, key=lambda name: APPROACHES[name].total(per_day, 12))

    assert ranking(100)[0] == ranking(10_000)[0] == "prompt"
    assert ranking(100_000)[:3] == ["tuned", "self-host", "prompt"]
    assert ranking(10_000).index("large") < ranking(10_000).index("self-host")
    assert ranking(100_000)[-1] == "large"


@pytest.mark.parametrize(("share", "usd"), [(0.1, 2.22), (0.2, 1.11), (0.5, 0.44), (0.8, 0.28)])
def test_self_hosting_depends_on_its_use(share: float, usd: float) -> None:
    assert costs.usd_per_million_tokens(0.8, 1000, share) == pytest.approx(usd, abs=0.0051)


def test_replicas_carry_the_peak() -> None:
    assert [costs.replicas(peak, 1000) for peak in (0, 1000, 1001, 3500)] == [1, 1, 2, 4]


def test_error_cost_dominates() -> None:
    yearly = [
        costs.cost_with_errors(CostEstimate(per_query), quality, 0.5, 10_000, 12)
        for per_query, quality in ((0.000474, 0.83), (0.000896, 0.86), (0.000120, 0.88))
    ]
    assert yearly == pytest.approx([311_980, 258_770, 219_438], abs=1)
    assert costs.value_of_quality(0.05, 0.5, 10_000, 12) == pytest.approx(91_250)
    passes = [costs.cost_of_pass(c, q) for c, q in ((0.000474, 0.83), (0.000896, 0.86), (0.000120, 0.88))]
    assert passes == pytest.approx([0.571, 1.042, 0.136], abs=6e-4)


def tuned_with_ranges() -> CostEstimate:
    """The tuned model of the examples with ranges for labels and hours."""
    return costs.from_parts(
        [
            CostPart("price of nano tokens", "query", 0.000120, 0.000060, 0.000120),
            CostPart("price of labels", "once", 2000, 500, 6000),
            CostPart("engineer hours for tuning", "once", 3000, 1500, 7500),
        ]
    )


def published(input_usd: float, cached_usd: float, output_usd: float) -> costs.Simulation:
    """The published draws: hits Beta(9, 3), labels and hours triangular around the example's, tokens at 50 to 100 %.

    A prompt's cost is linear in its share of cache hits: mean 0.75, sd 0.12, drawn as a measured amount. The mode of
    the fall of prices is not published; 0.8 gives all eight figures.
    """
    hits, sd = 9 / 12, (9 * 3 / (12**2 * 13)) ** 0.5
    prompt = TokenPrice("", input_usd, output_usd, cached_usd).of_parts(1800, 200, 100, hits=hits)
    error = 1800 * (input_usd - cached_usd) / 1e6 * sd / prompt

    def tokens(usd: float, measured: str = "", error: float = 0.0) -> CostPart:
        return CostPart("price of tokens", "query", 0.8 * usd, 0.5 * usd, usd, measured=measured, error=error)

    long = costs.from_parts([tokens(prompt, "cache hits", error), CostPart("prompting", "once", 750, 750, 750)])
    tuned = costs.from_parts(
        [
            tokens(0.000120),
            CostPart("price of labels", "once", 2000, 500, 6000),
            CostPart("engineer hours for tuning", "once", 3000, 1500, 7500),
            CostPart("training", "once", 4.35, 4.35, 4.35),
        ]
    )
    return costs.simulate(long, tuned, queries_per_day=10_000, months=12)


@pytest.mark.parametrize(
    ("prices", "days", "within_a_year"),
    [((0.40, 0.10, 1.60), (636, 1788, 4776), 0.006), ((2.00, 0.50, 8.00), (105, 292, 769), 0.64)],
)
def test_monte_carlo_gives_the_published_figures(
    prices: tuple[float, float, float], days: tuple[float, float, float], within_a_year: float
) -> None:
    """Within three standard errors of two simulations of 20,000 draws with sd 0.61 of the logarithm.

    One median has 1.25 x 0.61 / sqrt(20,000) = 0.54 %, an end of the range 0.91 %, a share sqrt(p (1 - p) / 20,000).
    """
    found = published(*prices)
    assert found.days is not None
    two = 3 * 2**0.5
    assert found.days.median == pytest.approx(days[1], rel=two * 0.0054)
    assert (found.days.low, found.days.high) == pytest.approx((days[0], days[2]), rel=two * 0.0091)
    share = (within_a_year * (1 - within_a_year) / 20_000) ** 0.5
    assert found.probability_b_cheaper == pytest.approx(within_a_year, abs=two * share + 0.0005)  # printed digits


def test_the_measured_amount_is_drawn_and_can_be_the_widest_driver() -> None:
    """Ten long answers say little of the mean: 30 % standard error at a fixed price moves more than traffic does."""

    def answering(error: float) -> CostEstimate:
        return costs.from_parts(
            [CostPart("price of tokens", "query", 0.002, 0.002, 0.002, measured="tokens an answer of rag", error=error)]
        )

    other = CostEstimate(0.0018)
    sure, unsure = (costs.simulate(answering(error), other, 10_000, 12) for error in (0.0, 0.3))
    assert sure.probability_b_cheaper == 1.0
    assert [driver.name for driver in sure.drivers] == ["queries per day"]
    assert unsure.drivers[0].name == "tokens an answer of rag"
    # b is cheaper while the amount is above 0.9 of its mean: a third of a standard error below it
    assert unsure.probability_b_cheaper == pytest.approx(0.6306, abs=3 * (0.63 * 0.37 / 20_000) ** 0.5)
    # 3,650,000 answers of $0.002 at traffic's median, 0.3 x 1.645 to either side
    assert unsure.drivers[0].swing_usd == pytest.approx(2 * 1.6449 * 0.3 * 0.002 * 3_650_000, rel=1e-3)


def test_three_drivers_are_named_and_draws_are_seeded() -> None:
    prompt = CostEstimate(0.000474, 750)
    first, again = (costs.simulate(prompt, tuned_with_ranges(), 10_000, 12) for _ in range(2))
    assert first == again
    assert [d.name for d in first.drivers] == ["engineer hours for tuning", "price of labels", "queries per day"]
    swings = [d.swing_usd for d in first.drivers]
    assert swings == sorted(swings, reverse=True)


def test_quality_can_decide_what_tokens_cannot() -> None:
    prompt, tuned = CostEstimate(0.000120, 750), tuned_with_ranges()
    without = costs.simulate(prompt, tuned, 10_000, 12)
    gap = costs.QualityGap(0.05, 0.02, 0.08, error_usd=0.5)
    with_gap = costs.simulate(prompt, tuned, 10_000, 12, gap)
    assert without.probability_b_cheaper < 0.01
    assert with_gap.probability_b_cheaper > 0.95
    assert with_gap.drivers[0].name in ("difference in quality", "queries per day")


def test_no_break_even_in_most_draws() -> None:
    cheap = CostEstimate(0.0001, 100, per_query_low_usd=0.00005, per_query_high_usd=0.00015)
    dear = CostEstimate(0.001, 5000, per_query_low_usd=0.0005, per_query_high_usd=0.002)
    found = costs.simulate(cheap, dear, 1000, 12)
    assert found.queries is None
    assert found.days is None
    assert found.no_break_even == 1.0
    assert found.probability_b_cheaper == 0.0
