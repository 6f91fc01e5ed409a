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
import pickle
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from zlib import crc32

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from perennial.backtest.lives import NEVER, UNTESTED, Way, live  # noqa: E402
from perennial.backtest.stream import RACE, Model, Predicted, Stream  # noqa: E402
from perennial.backtest.totals import Totals, totals, yardstick  # noqa: E402
from perennial.evaluation.arrays import FloatArray, IntArray  # noqa: E402
from perennial.evaluation.judgement import Asked  # noqa: E402

KINDS = ("none", "gradual", "abrupt", "season", "recurring")
REAL = ("flights month", "flights week", "bikes month", "stops month")
RULES = ("balanced", "five_percent_a_year", "strict", "newest_unless_worse", "blend", "blend_learned")
PATIENT = "balanced, patience"
POLICIES = (NEVER, UNTESTED, *RULES, PATIENT)
PATIENCE = 90.0
"""Days."""
SERVED = tuple(f"{serve}, {evaluated}" for evaluated in ("next_batch", "newest") for serve in ("single", "mixture"))
TRIED = ("balanced", "newest_unless_worse", "blend")
RECALL = ("balanced", "recall, newest")
LIVES: dict[str, list[tuple[str, str]]] = {
    "policies": [(policy, choice) for choice in ("all", "last 3", "race") for policy in POLICIES],
    "mixtures": [
        (NEVER, SERVED[0]),
        (UNTESTED, SERVED[0]),
        *((policy, served) for policy in TRIED for served in SERVED),
        RECALL,
    ],
}
WINDOWS: dict[str, int | None] = {"all": None, "last 3": 3, "last 12": 12}
CHOICES = ("all", "last 3", RACE)
MONTHS, DAYS, ROWS_A_DAY = 60, 30, 20
NEWEST = 15
"""Days with rows, of which a challenger that is evaluated at once is not trained on any."""

Fit = Callable[[FloatArray, FloatArray], Callable[[FloatArray], FloatArray]]


@dataclass
class Rows:
    """Rows in order of time, with the batch and day of each, from 0."""

    metric: str
    x: FloatArray
    y: FloatArray
    batch: IntArray
    day: IntArray
    days_a_batch: float
    fit: Fit

    def stream(self) -> Stream:
        """The stream of these rows, with a model for every window and batch; others are fitted when they are needed."""
        batches = int(self.batch.max()) + 1
        newest = np.array([self.day[self.batch <= t].max() - NEWEST + 1 for t in range(batches)])
        fits = Fits(self, newest)
        for name in WINDOWS:
            for last in range(batches - 1):
                fits[Model(name, last)]
        asked, days = (Asked(self.metric, "primary"),), self.days_a_batch * np.arange(1.0, batches + 1)
        return Stream(
            task="regression" if self.metric == "mae" else "binary",
            primary=self.metric,
            lower_is_better=True,
            metrics=lambda _: asked,
            labels=self.y,
            arrived=self.batch,
            moment=self.batch,
            cluster=self.day,
            day=self.day,
            days=days,
            year=(days // 365.25).astype(np.int64),
            newest=newest,
            left_out=np.full(batches, float(NEWEST)),
            models=fits,
            windows=tuple(WINDOWS),
            classes=() if self.metric == "mae" else (0.0, 1.0),
        )


class Fits(dict[Model, Predicted]):
    """What each model predicts for the rows that it was not trained on, shape (n,), NaN for the others."""

    def __init__(self, rows: Rows, newest: IntArray) -> None:
        super().__init__()
        self.rows, self.newest = rows, newest

    def __missing__(self, model: Model) -> Predicted:
        of, length = self.rows, WINDOWS[model.window]
        rows = of.batch <= model.moment
        if model.without_newest:
            rows &= of.day < self.newest[model.moment]
        later = ~rows
        if length is not None:
            rows = rows & (of.batch > of.batch[rows].max() - length)
        predicted = np.full(of.y.size, np.nan)
        predicted[later] = of.fit(of.x[rows], of.y[rows])(of.x[later])
        mean = np.median(of.y[rows]) if of.metric == "mae" else np.clip(of.y[rows].mean(), 1e-6, 1 - 1e-6)
        self[model] = Predicted(predicted, float(mean))
        return self[model]


def synthetic(kind: str, seed: int) -> Rows:
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

    return Rows("log_loss", x, y, batch, day, 30.4, fit)


@cache
def real(name: str) -> Rows:
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
    return Rows(metric, x, y, batch, day, 30.4 if cut == "month" else 7.0, fit)


def way(policy: str, choice: str, rows: Rows) -> Way:
    """A life by its names in the tables: a policy, and a window or how the race's winner is evaluated and served."""
    serve, evaluated = choice.split(", ") if ", " in choice else ("single", "next_batch")
    return Way(
        policy="balanced" if policy == PATIENT else policy,
        window=choice if choice in CHOICES else RACE,
        serve=serve,  # type: ignore[arg-type]  (one of those in SERVED and RECALL)
        at_once=evaluated == "newest",
        patience=PATIENCE if policy == PATIENT else None,
        decisions_a_year=12 if rows.days_a_batch > 20 else 24,
    )


def one(job: tuple[str, int, str, Path | None]) -> dict[tuple[str, str], Totals]:
    """Replay one stream under every policy, and every window or every way to serve and evaluate."""
    name, seed, table, keep = job
    kept = keep / f"{name} {seed} {table}.pickle" if keep else None
    if kept and kept.exists():
        found: dict[tuple[str, str], Totals] = pickle.loads(kept.read_bytes())  # noqa: S301  (a file of this program)
        return found
    rows = real(name) if name in REAL else synthetic(name, seed)
    stream = rows.stream()
    named = {(policy, choice): way(policy, choice, rows) for policy, choice in LIVES[table]}
    lives = {key: live(stream, each) for key, each in named.items()}
    by = yardstick(stream, list(lives.values()))
    found = {key: totals(stream, each, by) for key, each in lives.items()}
    if kept:
        kept.write_bytes(pickle.dumps(found))
    return found


def table(found: dict[str, list[dict[tuple[str, str], Totals]]], choice: str) -> str:
    """Excess loss and harmful changes of each policy on each kind of stream."""
    head = f"| policy, window {choice} | {' | '.join(found)} |\n|---|{'---|' * len(found)}"
    lines = [
        f"| {policy} | {' | '.join(_cell(found[name], policy, choice) for name in found)} |" for policy in POLICIES
    ]
    return "\n".join([head, *lines])


def _cell(streams: list[dict[tuple[str, str], Totals]], policy: str, choice: str) -> str:
    of = [each[policy, choice] for each in streams]
    excess = np.array([each.excess for each in of])
    spread = f" ± {1.96 * excess.std(ddof=1) / excess.size**0.5:.1f}" if excess.size > 1 else ""
    harmful = np.mean([each.harmful for each in of])
    return f"{excess.mean():.1f}{spread} / {harmful:.1f}"


def releases(found: dict[str, list[dict[tuple[str, str], Totals]]], choice: str) -> str:
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


def lives(found: dict[str, list[dict[tuple[str, str], Totals]]]) -> str:
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


def _a_year(of: list[Totals], what: str) -> str:
    rates = np.array([getattr(each, what) / each.years for each in of])
    if not rates.size:
        return "–"
    spread = 1.96 * rates.std(ddof=1) / rates.size**0.5 if rates.size > 1 else float("nan")
    return f"{rates.mean():.2f} ± {spread:.2f}"


def picture(found: dict[str, list[dict[tuple[str, str], Totals]]], path: Path) -> None:
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


def mixtures(found: dict[str, list[dict[tuple[str, str], Totals]]]) -> str:
    """What serving a mixture and evaluating at once change: excess loss / harmful / needless changes / releases.

    The ratio is the mean over the streams' kinds of the excess over that of `balanced` today; harmful: their sum.
    """
    today = {name: _mean(of, ("balanced", SERVED[0]), "excess") for name, of in found.items()}
    lines = [
        f"| policy, served, evaluated on | {' | '.join(found)} | ratio | harmful | members |",
        f"|---|{'---|' * len(found)}---:|---:|---:|",
    ]
    for key in LIVES["mixtures"]:
        cells = [
            f"{_mean(of, key, 'excess'):.1f}{_spread(of, key)} / {_mean(of, key, 'harmful'):.2g} "
            f"/ {_mean(of, key, 'needless'):.2g} / {_mean(of, key, 'releases'):.2g}"
            for of in found.values()
        ]
        ratio = np.mean([_mean(of, key, "excess") / today[name] for name, of in found.items()])
        harmful = sum(_mean(of, key, "harmful") for of in found.values())
        members = np.mean([_mean(of, key, "members") for of in found.values()])
        lines.append(f"| {', '.join(key)} | {' | '.join(cells)} | {ratio:.2f} | {harmful:.1f} | {members:.1f} |")
    return "\n".join(lines)


def _mean(streams: list[dict[tuple[str, str], Totals]], key: tuple[str, str], what: str) -> float:
    return float(np.mean([getattr(each[key], what) for each in streams]))


def _spread(streams: list[dict[tuple[str, str], Totals]], key: tuple[str, str]) -> str:
    """The 95 % interval of the mean difference of the excess to `balanced` today, stream by stream."""
    if len(streams) < 2 or key == ("balanced", SERVED[0]):
        return ""
    excess = np.array([each[key].excess - each["balanced", SERVED[0]].excess for each in streams])
    return f" ({excess.mean():+.1f} ± {1.96 * excess.std(ddof=1) / excess.size**0.5:.1f})"


def main() -> None:
    """Replay every stream in every life, on two cores, and print the results."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--streams", type=int, default=50, help="number of streams of each simulated kind")
    asked.add_argument("--only", nargs="*", default=[*REAL, *KINDS])
    asked.add_argument("--tables", nargs="*", choices=list(LIVES), default=list(LIVES))
    asked.add_argument("--keep", type=Path, help="a folder of finished streams, from which a run goes on")
    given = asked.parse_args()
    if given.keep:
        given.keep.mkdir(parents=True, exist_ok=True)
    for table_ in given.tables:
        jobs = [
            (name, seed, table_, given.keep)
            for name in given.only
            for seed in range(1 if name in REAL else given.streams)
        ]
        found: dict[str, list[dict[tuple[str, str], Totals]]] = {}
        with ProcessPoolExecutor(2) as pool:
            for (name, seed, *_), results in zip(jobs, pool.map(one, jobs), strict=True):
                found.setdefault(name, []).append(results)
                print(table_, name, seed, file=sys.stderr, flush=True)
        if table_ == "mixtures":
            print(mixtures(found), end="\n\n")
            continue
        for choice in CHOICES:
            print(table(found, choice), end="\n\n")
            print(releases(found, choice), end="\n\n")
        print(lives(found), end="\n\n")
        picture(found, Path(__file__).with_name("gate_years.svg"))


if __name__ == "__main__":
    main()
