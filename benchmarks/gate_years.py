"""Years of decisions under each policy: the loss, the harmful releases and the gains taken.

    python benchmarks/gate_years.py                  # 50 streams per kind, and flights, bikes, stops; about 15 minutes
    python benchmarks/gate_years.py --streams 5      # a quick look

Five years of monthly batches, 30 days of 20 rows each, a logistic model and a binary target whose probability also has
an error of the day (AR(1), ρ = .3). Kinds: none (nothing changes), gradual (the weights drift slowly), abrupt (they are
redrawn about every 20 months), season (they follow the year), recurring (two regimes alternate). Real streams: New York
flights by month and by week, bikes and Minneapolis stops by month (the last two if ../shared/data exists).

Decisions use the pipeline's own code: the paired test with pooled inflation, the policies, and the life cycle of a
challenger (trained on everything known, then evaluated once on the rows that arrive later). Every policy sees the same
models. Windows: all rows so far, the last three batches, and the race between all, last 3 and last 12 by their one-step
losses (half-life 12 batches).

Excess loss: the loss above the best earlier model of each batch, in % of that model's skill over the base rate. A
change of the live model is harmful if it costs more than 1 % of skill on the next three batches, a gain if it wins as
much, and otherwise needless. Taken: of the batches at which the newest model would have been such a gain, the number at
which it, or a share of it, became live. Delay: the number of batches from the first such batch to the change.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from zlib import crc32

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from perennial.evaluation.arrays import FloatArray, IntArray  # noqa: E402
from perennial.evaluation.budget import Taken  # noqa: E402
from perennial.evaluation.guards import GuardFinding  # noqa: E402
from perennial.evaluation.intervals.cluster_sums import sums_of_clusters  # noqa: E402
from perennial.evaluation.intervals.pooled import inflation  # noqa: E402
from perennial.evaluation.judgement import Asked, GainSums, judge  # noqa: E402
from perennial.evaluation.metrics import load_metric  # noqa: E402
from perennial.evaluation.policies import load_policy  # noqa: E402
from perennial.evaluation.policies.case import Case  # noqa: E402
from perennial.evaluation.race import best_so_far  # noqa: E402

KINDS = ("none", "gradual", "abrupt", "season", "recurring")
REAL = ("flights month", "flights week", "bikes month", "stops month")
RULES = ("balanced", "five_percent_a_year", "strict", "newest_unless_worse", "blend", "blend_learned")
PATIENT = "balanced, patience"
POLICIES = ("never", "newest refit", *RULES, PATIENT)
PATIENCE = 90.0
"""Days."""
WINDOWS: dict[str, int | None] = {"all": None, "last 3": 3, "last 12": 12}
CHOICES = ("all", "last 3", "race")
MONTHS, DAYS, ROWS_A_DAY = 60, 30, 20
HARM = 0.01

Model = tuple[str, int]
"""A window and the last batch that was trained on."""
Fit = Callable[[FloatArray, FloatArray], Callable[[FloatArray], FloatArray]]


@dataclass
class Stream:
    """Rows in order of time, with the batch and day of each (from 0), and every model that can be trained on them."""

    metric: str
    x: FloatArray
    y: FloatArray
    batch: IntArray
    day: IntArray
    days_a_batch: float
    fit: Fit
    predictions: dict[Model, FloatArray] = field(default_factory=dict)
    naive: dict[Model, float] = field(default_factory=dict)
    losses: dict[tuple[Model, int], float] = field(default_factory=dict)

    @property
    def batches(self) -> int:
        return int(self.batch.max()) + 1

    def train(self) -> Stream:
        """Train a model with every window after every batch."""
        for name, length in WINDOWS.items():
            for last in range(self.batches - 1):
                rows = self.batch <= last
                if length is not None:
                    rows &= self.batch > last - length
                later = self.batch > last
                found = np.full(self.y.size, np.nan)
                found[later] = self.fit(self.x[rows], self.y[rows])(self.x[later])
                self.predictions[name, last] = found
                self.naive[name, last] = float(
                    np.median(self.y[rows]) if self.metric == "mae" else np.clip(self.y[rows].mean(), 1e-6, 1 - 1e-6)
                )
        return self

    def value(self, predicted: FloatArray, rows: FloatArray) -> float:
        return load_metric(self.metric).value_and_influence(self.y[rows], predicted[rows])[0]

    def loss(self, model: Model, batch: int) -> float:
        if (model, batch) not in self.losses:
            self.losses[model, batch] = self.value(self.predictions[model], self.batch == batch)
        return self.losses[model, batch]

    def loss_of(self, serves: Sequence[tuple[Model, float]], batch: int) -> float:
        """The loss of a mixture, or of the base rate so far if no model is live."""
        rows = self.batch == batch
        if not serves:
            before = self.y[self.batch < batch] if batch else self.y[rows]
            constant = float(np.median(before) if self.metric == "mae" else before.mean())
            return self.value(np.full(self.y.size, constant), rows)
        if len(serves) == 1:
            return self.loss(serves[0][0], batch)
        return self.value(sum(weight * self.predictions[model] for model, weight in serves), rows)  # type: ignore[arg-type]

    def window(self, choice: str, batch: int) -> str:
        """The window to train on after a batch."""
        if choice != "race":
            return choice
        steps = [{name: self.loss((name, b - 1), b) for name in WINDOWS} for b in range(1, batch + 1)]
        return best_so_far(steps, lower_is_better=True) or "all"


@dataclass
class Result:
    """The results of a policy on a stream."""

    excess: float
    harmful: int
    needless: int
    gains: int
    chances: int
    taken: int
    delays: list[int]
    years: float
    decisions: int
    releases: int
    losses: list[float]


def synthetic(kind: str, seed: int) -> Stream:
    """One stream; streams of one kind differ only in their seed."""
    from scipy.special import expit
    from sklearn.linear_model import LogisticRegression

    random = np.random.default_rng([seed, crc32(kind.encode())])
    features, n = 5, MONTHS * DAYS * ROWS_A_DAY
    weights = np.empty((MONTHS, features))
    now, other = random.normal(0, 0.7, features), random.normal(0, 0.7, features)
    turn = 0
    for month in range(MONTHS):
        if kind == "gradual":
            now = now + random.normal(0, 0.08, features)
        elif kind == "abrupt" and random.random() < 1 / 20:
            now = random.normal(0, 0.7, features)
        elif kind == "recurring" and random.random() < 1 / 9:
            turn = 1 - turn
        season = 0.6 * other * np.cos(2 * np.pi * month / 12) if kind == "season" else 0.0
        weights[month] = (other if turn else now) + season
    x = random.normal(size=(n, features))
    day = np.repeat(np.arange(MONTHS * DAYS), ROWS_A_DAY)
    batch = day // DAYS
    error = np.zeros(MONTHS * DAYS)
    for d in range(1, error.size):
        error[d] = 0.3 * error[d - 1] + 0.4 * random.normal() * (1 - 0.09) ** 0.5
    y = (random.random(n) < expit((x * weights[batch]).sum(axis=1) - 0.5 + error[day])).astype(float)

    def fit(inputs: FloatArray, labels: FloatArray) -> Callable[[FloatArray], FloatArray]:
        model = LogisticRegression().fit(inputs, labels)
        return lambda rows: model.predict_proba(rows)[:, 1]

    return Stream("log_loss", x, y, batch, day, 30.4, fit).train()


@cache
def real(name: str) -> Stream:
    """A real data set, as declared in its example."""
    import pandas as pd
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    what, cut = name.split()
    if what == "flights":
        from tests.year.independent import flights

        rows = flights()
        rows = rows[rows["late"].notna()].sort_values("known_at")
        local = (rows["known_at"] - pd.Timedelta(days=1)).dt.tz_convert("America/New_York")
        columns = ["distance", "temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure"]
        columns += ["visib", "hour_of_day", "day_of_week", "carrier", "origin", "dest"]
        metric, target, made = "log_loss", "late", HistGradientBoostingClassifier(max_iter=60, random_state=0)
    elif what == "stops":
        rows = pd.read_parquet(ROOT.parent / "shared/data/mpls_stops.parquet")
        rows = rows[rows["personSearch"].isin(["YES", "NO"])].assign(late=lambda r: r["personSearch"] == "YES")
        local = pd.to_datetime(rows["date"], utc=True).dt.tz_convert("America/Chicago")
        rows = rows.assign(at=local).sort_values("at")
        local = rows["at"]
        columns = ["lat", "long", "problem", "citationIssued", "policePrecinct", "neighborhood"]
        metric, target = "log_loss", "late"
        made = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=15, random_state=0)
    else:
        rows = pd.read_parquet(ROOT.parent / "shared/data/bikeshare_hourly.parquet").sort_values("ts")
        local = pd.to_datetime(rows["ts"])
        rows = rows.assign(hour=local.dt.hour, weekday=local.dt.day_of_week, yearday=local.dt.day_of_year)
        columns = ["tmin", "tmax", "precipitation", "hour", "weekday", "yearday"]
        metric, target = "mae", "count"
        made = HistGradientBoostingRegressor(loss="absolute_error", max_iter=60, random_state=0)
    text = [column for column in columns if not pd.api.types.is_numeric_dtype(rows[column])]
    inputs = rows[columns].copy()
    for column in text:
        codes = rows[column].astype("category").cat.codes
        inputs[column] = codes.where(codes < 250, 250).astype(float).replace(-1.0, np.nan)
    days = local.dt.tz_localize(None).dt.normalize()
    period = local.dt.tz_localize(None).dt.to_period("M" if cut == "month" else "W")
    x = inputs.to_numpy(dtype=float)
    batch, day = (np.unique(values, return_inverse=True)[1] for values in (period.astype(str), days))
    # A week that begins with the last days of a year sorts by its own first day.
    batch = np.unique(period.map(lambda p: p.ordinal), return_inverse=True)[1]
    places = [columns.index(column) for column in text]

    def fit(seen: FloatArray, labels: FloatArray) -> Callable[[FloatArray], FloatArray]:
        from sklearn.base import clone

        model = clone(made).set_params(categorical_features=places or None).fit(seen, labels)
        return model.predict if metric == "mae" else lambda asked: model.predict_proba(asked)[:, 1]

    y = rows[target].to_numpy(dtype=float)
    return Stream(metric, x, y, batch, day, 30.4 if cut == "month" else 7.0, fit).train()


@dataclass
class Life:
    """The state of a use case: the champion, the waiting challenger, and the results of earlier decisions.

    refit_weight: the weight of the newest refit in the live blend, None if one model is live.
    """

    champion: Model | None = None
    twin: Model | None = None
    refit_weight: float | None = None
    released: float = 0.0
    looks: tuple[float, ...] = ()
    decisions: int = 0
    releases: int = 0
    history: list[tuple[FloatArray, IntArray]] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    gains: list[float] = field(default_factory=list)

    def serves(self, policy: str) -> list[tuple[Model, float]]:
        """The live models and their weights."""
        if policy == "newest refit" and self.twin:
            return [(self.twin, 1.0)]
        if self.champion is None:
            return []
        if self.refit_weight and self.twin:
            return [(self.champion, 1 - self.refit_weight), (self.twin, self.refit_weight)]
        return [(self.champion, 1.0)]


def replay(stream: Stream, policy: str, choice: str) -> Result:
    """Replay a whole stream under one policy and window."""
    life, losses, served = Life(), [], []
    serves: list[tuple[Model, float]] = []
    for t in range(stream.batches):
        losses.append(stream.loss_of(serves, t))
        served.append(serves)
        if life.twin is not None:
            rows = (stream.batch > life.twin[1]) & (stream.batch <= t)
            if np.unique(stream.day[rows]).size >= 15 and decide(
                stream, policy, rows, life, (t + 1) * stream.days_a_batch
            ):
                life.twin, life.looks = None, ()
        if life.twin is None and t < stream.batches - 1:
            life.twin = (stream.window(choice, t), t)
            serves = life.serves(policy)
    return totals(stream, losses, served, choice, life)


def decide(stream: Stream, policy: str, rows: FloatArray, life: Life, now: float) -> bool:
    """Compare the challenger with the champion on the rows after its training; return whether that is final."""
    assert life.twin is not None
    champion, twin = life.champion, life.twin
    metric, y = load_metric(stream.metric), stream.y[rows]
    codes = np.unique(stream.day[rows], return_inverse=True)[1]
    counts = np.bincount(codes)
    predicted = stream.predictions[champion][rows] if champion else np.full(y.size, stream.naive[twin])
    before, influence_before = metric.value_and_influence(y, predicted)
    after, influence_after = metric.value_and_influence(y, stream.predictions[twin][rows])
    sums = sums_of_clusters(influence_before - influence_after, codes, counts.size)
    found = judge(
        Asked(stream.metric, "primary"),
        GainSums(
            direction="lower",
            champion=before,
            challenger=after,
            sums=sums,
            counts=counts,
            sum_of_squares=float(((influence_before - influence_after) ** 2).sum()),
            undecidable=metric.undecidable(y, predicted, stream.predictions[twin][rows]),
        ),
        seen=inflation(life.history) if champion else None,
    )
    naive = metric.value_and_influence(y, np.full(y.size, stream.naive[champion or twin]))[0]
    if champion is not None and policy == PATIENT:
        trained = (twin[1] + 1) * stream.days_a_batch
        life.looks = (*life.looks, max(min(1.0, (now - trained) / PATIENCE), *life.looks, 0.0))
    ruling = load_policy(policy if policy in RULES else "balanced")(
        Case(
            primary=found,
            guards=GuardFinding(),
            rows=y.size,
            clusters=counts.size,
            is_first=champion is None,
            champion_skill=naive - before if champion and naive > before else None,
            days_since_release=now - life.released if champion else None,
            looks=life.looks,
            gains=tuple(life.gains),
            year=int(now // 365.25),
            taken=tuple(life.taken),
            planned_decisions=12 if stream.days_a_batch > 20 else 24,
        )
    )
    life.decisions += 1
    if ruling.outcome == "undecided" and life.looks and life.looks[-1] < 1:
        return False
    if champion is not None:
        life.history.append((sums, counts))
        life.gains.append(found.gain or 0.0)
        if found.p_value is not None:
            life.taken.append(Taken(int(now // 365.25), "planned", ruling.alpha))
    life.refit_weight = ruling.refit_weight
    if ruling.outcome == "first" or (ruling.outcome == "release" and policy in (*RULES, PATIENT)):
        life.champion, life.released, life.releases = twin, now, life.releases + 1
    return True


def totals(
    stream: Stream, losses: list[float], served: list[list[tuple[Model, float]]], choice: str, life: Life
) -> Result:
    """Totals over the batches, from the first one with a live model onwards."""
    start = next((t for t, now in enumerate(served) if now), stream.batches)
    best, naive = {}, {}
    for t in range(1, stream.batches):
        best[t] = min(stream.loss(model, t) for model in stream.predictions if model[1] < t)
        naive[t] = stream.loss_of([], t)
    whole = range(start, stream.batches)
    skill = float(np.mean([naive[t] - best[t] for t in whole])) if start < stream.batches else float("nan")
    found = Result(
        excess=float(np.mean([losses[t] - best[t] for t in whole]) / skill * 100),
        harmful=0,
        needless=0,
        gains=0,
        chances=0,
        taken=0,
        delays=[],
        years=len(whole) * stream.days_a_batch / 365.25,
        decisions=life.decisions,
        releases=life.releases,
        losses=losses[1:],
    )
    waited = 0
    for t in range(start + 1, stream.batches - 2):
        ahead = range(t, t + 3)
        before, after = served[t - 1], served[t]
        newest = [((stream.window(choice, t - 1), t - 1), 1.0)]
        old = float(np.mean([stream.loss_of(before, b) for b in ahead]))
        chance = old - float(np.mean([stream.loss_of(newest, b) for b in ahead])) > HARM * skill
        found.chances += chance
        if before != after:
            gain = old - float(np.mean([stream.loss_of(after, b) for b in ahead]))
            found.harmful += gain < -HARM * skill
            found.gains += gain > HARM * skill
            found.needless += abs(gain) <= HARM * skill
            if chance:
                found.taken += 1
                found.delays.append(waited)
            waited = 0
        else:
            waited = waited + 1 if chance else 0
    return found


def one(job: tuple[str, int]) -> dict[tuple[str, str], Result]:
    """Replay one stream under every policy and window."""
    name, seed = job
    stream = real(name) if name in REAL else synthetic(name, seed)
    return {(policy, choice): replay(stream, policy, choice) for choice in CHOICES for policy in POLICIES}


def table(found: dict[str, list[dict[tuple[str, str], Result]]], choice: str) -> str:
    """Excess loss and harmful changes of each policy on each kind of stream."""
    head = f"| policy, window {choice} | {' | '.join(found)} |\n|---|{'---|' * len(found)}"
    lines = [
        f"| {policy} | {' | '.join(_cell(found[name], policy, choice) for name in found)} |" for policy in POLICIES
    ]
    return "\n".join([head, *lines])


def _cell(streams: list[dict[tuple[str, str], Result]], policy: str, choice: str) -> str:
    of = [each[policy, choice] for each in streams]
    excess = np.array([each.excess for each in of])
    spread = f" ± {1.96 * excess.std(ddof=1) / excess.size**0.5:.1f}" if excess.size > 1 else ""
    harmful = np.mean([each.harmful for each in of])
    return f"{excess.mean():.1f}{spread} / {harmful:.1f}"


def releases(found: dict[str, list[dict[tuple[str, str], Result]]], choice: str) -> str:
    """The effect of changes of the live model, on all simulated streams and on those without drift."""
    lines = [
        f"| policy, window {choice} | needless per year, none | harmful per year, none | gains per year, all others "
        "| harmful per year, all others | gains taken | delay, batches |",
        "|---|---|---|---|---|---|---|",
    ]
    still = found.get("none", [])
    moving = [stream for name in KINDS[1:] for stream in found.get(name, [])]
    for policy in POLICIES:
        a, b = [t[policy, choice] for t in still], [t[policy, choice] for t in moving]
        chances, taken = sum(t.chances for t in b), sum(t.taken for t in b)
        delays = [delay for t in b for delay in t.delays]
        lines.append(
            f"| {policy} | {_a_year(a, 'needless')} | {_a_year(a, 'harmful')} | {_a_year(b, 'gains')} "
            f"| {_a_year(b, 'harmful')} | {taken:,} of {chances:,} "
            f"| {f'{np.mean(delays):.1f}' if delays else '–'} |"
        )
    return "\n".join(lines)


def lives(found: dict[str, list[dict[tuple[str, str], Result]]]) -> str:
    """Decisions, releases and loss on each real stream; the gain over a single release, and its interval by batches."""
    lines = [
        "| stream, window | policy | decisions | releases | mean loss | gain over never, of batches | batches |",
        "|---|---|---:|---:|---|---|---:|",
    ]
    for name in (name for name in REAL if name in found):
        for choice in CHOICES:
            for policy in POLICIES:
                this, never = (np.array(found[name][0][which, choice].losses) for which in (policy, "never"))
                gain = never - this
                half = 1.96 * gain.std(ddof=1) / gain.size**0.5
                of = found[name][0][policy, choice]
                released = of.decisions if policy == "newest refit" else of.releases
                lines.append(
                    f"| {name}, {choice} | {policy} | {of.decisions} | {released} | {this.mean():.5g} "
                    f"| {gain.mean():+.3g} ± {half:.2g} | {gain.size} |"
                )
    return "\n".join(lines)


def _a_year(of: list[Result], what: str) -> str:
    rates = np.array([getattr(each, what) / each.years for each in of])
    if not rates.size:
        return "–"
    spread = 1.96 * rates.std(ddof=1) / rates.size**0.5 if rates.size > 1 else float("nan")
    return f"{rates.mean():.2f} ± {spread:.2f}"


def picture(found: dict[str, list[dict[tuple[str, str], Result]]], path: Path) -> None:
    """Draw the excess loss of each policy, with one column per kind of stream."""
    import altair as alt

    values = [
        {
            "stream": name,
            "policy": policy,
            "window": choice,
            "excess": float(np.mean([t[policy, choice].excess for t in of])),
        }
        for name, of in found.items()
        for policy in POLICIES
        for choice in CHOICES
        if policy != "never"
    ]
    points = alt.Chart(alt.Data(values=values), width=110).mark_point(filled=True, size=45)
    drawn = points.encode(
        x=alt.X("excess:Q", title="excess loss, % of skill"),
        y=alt.Y("policy:N", title=None, sort=list(POLICIES)),
        color=alt.Color("window:N", title="window", scale=alt.Scale(domain=list(CHOICES))),
        shape=alt.Shape("window:N", title="window", scale=alt.Scale(domain=list(CHOICES))),
        column=alt.Column("stream:N", title=None, sort=list(found)),
    )
    drawn.resolve_scale(x="independent").save(str(path))


def main() -> None:
    """Replay every stream under every policy, on two cores, and print the results."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--streams", type=int, default=50, help="number of streams of each simulated kind")
    asked.add_argument("--only", nargs="*", default=[*REAL, *KINDS])
    said = asked.parse_args()
    jobs = [(name, seed) for name in said.only for seed in range(1 if name in REAL else said.streams)]
    found: dict[str, list[dict[tuple[str, str], Result]]] = {}
    with ProcessPoolExecutor(2) as pool:
        for (name, seed), results in zip(jobs, pool.map(one, jobs), strict=True):
            found.setdefault(name, []).append(results)
            print(name, seed, file=sys.stderr, flush=True)
    for choice in CHOICES:
        print(table(found, choice), end="\n\n")
        print(releases(found, choice), end="\n\n")
    print(lives(found), end="\n\n")
    picture(found, Path(__file__).with_name("gate_years.svg"))


if __name__ == "__main__":
    main()
