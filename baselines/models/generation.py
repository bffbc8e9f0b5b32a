"""Continues many token sequences at once: longest first, finished rows leave, new ones take their place.

Refuses to know text, templates and files: ids in, ids out, equal to greedy decoding one by one.

    engine = Engine(model, "cpu")
    for finished in engine.run([Job(0, [5, 6, 7])], Stopping(frozenset({2}), max_new_tokens=32)):
        ...

How it is fast: prompts are prefilled right-padded in chunks of similar length under a token budget, only as far as
answers need it (`prefill.py`); all unfinished answers decode together in one table (`slots.py`); the tokens that all
prompts share are computed once. Budgets halve when memory runs out and stay so for the model's life. Attention is
torch's SDPA: rows of any length side by side need a mask, which the flash-attention packages do not take.
"""

from __future__ import annotations

import time
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import torch

from baselines.models.prefill import prefill, prefill_shared, probe
from baselines.models.slots import LayerShape, SlotTable
from finetune.loading import free_memory, is_out_of_memory
from finetune.memory import PREFILL_TOKENS, ROWS_AT_ONCE, TABLE_SHARE

if TYPE_CHECKING:
    from torch import Tensor
    from transformers.cache_utils import Cache

Reason = Literal["end", "stop", "length", "memory"]

YIELD_SECONDS = 0.1
"""Finished answers are handed over at most this often: a hand-over costs the caller an event and a flush."""


@dataclass(frozen=True)
class Job:
    """One prompt's ids, at least one, and its place in the caller's list."""

    index: int
    ids: list[int]


@dataclass(frozen=True)
class Stopping:
    """When an answer ends, and how the next token is chosen."""

    end_ids: frozenset[int]
    max_new_tokens: int
    temperature: float = 0.0
    seed: int = 0
    stops_at: Callable[[list[int]], bool] | None = None
    """Asked after every token of an answer where texts end it."""
    context: int | None = None
    """Positions that the model has: prompt and answer together stay within."""


@dataclass
class Continuation:
    """A finished answer: the new ids, the end token included when there was one."""

    index: int
    ids: list[int]
    reason: Reason
    first_at: float | None = None
    """`time.perf_counter()` at which its first token was known."""


@dataclass
class Limits:
    """Budgets found by trying; one object for the life of a loaded model."""

    table_tokens: int
    """Rows times columns of the table."""
    prefill_tokens: int
    """Rows times padded width of one prefill."""
    rows: int

    def halve(self) -> None:
        self.table_tokens = max(1, self.table_tokens // 2)
        self.prefill_tokens = max(1, self.prefill_tokens // 2)
        self.rows = max(1, self.rows // 2)


@dataclass
class _Row:
    job: Job
    room: int
    ids: list[int] = field(default_factory=list)
    first_at: float | None = None
    noise: torch.Generator | None = None


class Engine:
    """Decoding for one loaded model. Not safe for two runs at once: a run owns the model until it is exhausted."""

    def __init__(self, model: Any, device: str) -> None:
        self.model = model
        self.device = device
        self.masks = _mask_kinds(model.config)
        self.limits = _first_limits(model, device)
        self._shapes: list[LayerShape] = []

    def table(self) -> SlotTable:
        """An empty one for this model."""
        if not self._shapes:
            with torch.inference_mode():
                self._shapes = probe(self.model, self.device)
        return SlotTable(self.device, self._shapes)

    def run(
        self,
        jobs: Sequence[Job],
        stopping: Stopping,
        before_step: Callable[[], None] = lambda: None,
        *,
        every: float | None = None,
    ) -> Iterator[list[Continuation]]:
        """Lists of finished answers, each job exactly once. `before_step` readies the model (adapters) for a step.

        `every`: seconds between two lists, usually YIELD_SECONDS; 0 where it is measured when each answer is there.
        """
        every = YIELD_SECONDS if every is None else every
        waiting = deque(sorted(jobs, key=lambda job: -len(job.ids)))
        before_step()
        pool = _Pool(self, stopping, _common_prefix(jobs))
        done: list[Continuation] = []
        last = time.perf_counter()
        try:
            while waiting or pool.rows:
                before_step()
                ran_out = False
                try:
                    pool.admit(waiting)
                    done += pool.step()
                except (RuntimeError, MemoryError) as error:
                    ran_out = is_out_of_memory(error)
                    if not ran_out:
                        raise
                if ran_out:  # not in the handler: the error's traceback holds what the model had computed
                    done += pool.retreat(waiting)
                if done and (time.perf_counter() - last >= every or not (waiting or pool.rows)):
                    yield done
                    done = []
                    last = time.perf_counter()
            if done:
                yield done
        finally:
            pool.release()


class _Pool:
    """The unfinished answers of one run."""

    def __init__(self, engine: Engine, stopping: Stopping, prefix: list[int]) -> None:
        self.engine = engine
        self.stopping = stopping
        self.prefix = prefix
        self.prefix_cache: Cache | None = None
        self.table = engine.table()
        self.rows: list[_Row] = []

    @torch.inference_mode()
    def admit(self, waiting: deque[Job]) -> None:
        """Prefill waiting prompts while there is room for a worthwhile number of them."""
        limits = self.engine.limits
        while waiting:
            columns = self._columns(waiting[0])
            capacity = max(1, min(limits.rows, limits.table_tokens // columns))
            if columns <= self.table.columns and capacity < 1.5 * self.table.capacity:
                capacity = min(capacity, self.table.capacity)  # a little more room is not worth moving every row
            free = capacity - len(self.rows)
            if self.rows and free < max(1, capacity // 4):
                return
            jobs: list[Job] = []
            width = max(1, len(waiting[0].ids) - len(self.prefix))
            most = max(1, min(free, limits.prefill_tokens // width))
            while waiting and len(jobs) < most:
                jobs.append(waiting.popleft())
            try:
                most = len(self.rows) + len(jobs) + len(waiting)
                self._prefill(jobs, columns, min(capacity, most))
            except (RuntimeError, MemoryError):
                waiting.extendleft(reversed(jobs))
                raise

    @torch.inference_mode()
    def step(self) -> list[Continuation]:
        """One more token for every row; the answers that ended."""
        if not self.rows:
            return []
        table = self.table
        masks = [table.mask(window) for window in self.engine.masks.values()]
        masks = [_for_attention(mask, self.engine.model) for mask in masks]
        output = self.engine.model(
            input_ids=table.tokens[: table.live, None],
            position_ids=table.lengths[: table.live, None],
            attention_mask=dict(zip(self.engine.masks, masks, strict=True)) if len(masks) > 1 else masks[0],
            past_key_values=table.cache,
            use_cache=True,
            logits_to_keep=1,
        )
        chosen = self._choose(output.logits[:, -1])
        table.advance(chosen)
        return self._collect(chosen.tolist())

    def retreat(self, waiting: deque[Job]) -> list[Continuation]:
        """Memory ran out: halve the budgets and start the unfinished rows over. A lone row that fails is given up."""
        jobs = sorted((row.job for row in self.rows), key=lambda job: -len(job.ids))
        lost: list[Continuation] = []
        if self.engine.limits.rows == 1:
            hopeless = jobs.pop(0) if jobs else waiting.popleft()
            lost.append(Continuation(hopeless.index, [], "memory"))
        self.engine.limits.halve()
        waiting.extendleft(reversed(jobs))
        self.release()
        if self.engine.device.startswith("cuda"):
            torch.cuda.empty_cache()
        return lost

    def release(self) -> None:
        """Give back the memory of all that is under way."""
        self.rows = []
        self.table.release()
        self.prefix_cache = None

    def _columns(self, job: Job) -> int:
        """What the table must hold for this prompt's answer and all that are under way."""
        return max(len(job.ids) + self._room(job), *(len(row.job.ids) + row.room for row in self.rows), 1)

    def _room(self, job: Job) -> int:
        """New tokens that this prompt may get."""
        context = self.stopping.context
        room = self.stopping.max_new_tokens
        return room if context is None else max(0, min(room, context - len(job.ids)))

    def _prefill(self, jobs: list[Job], columns: int, capacity: int) -> None:
        """All ids but the last go through the model; the last one is what the row feeds to its first step."""
        start = len(self.prefix)
        if start and self.prefix_cache is None:
            self.prefix_cache = prefill_shared(self.engine.model, self.prefix, self.engine.device)
        self.table.reserve(max(capacity, len(self.rows) + len(jobs)), columns)
        bodies = [job.ids[start:-1] for job in jobs]
        width = max(map(len, bodies))
        padded = [body + [0] * (width - len(body)) for body in bodies]
        ids = torch.tensor(padded, device=self.engine.device) if width else None
        prefill(self.engine.model, len(jobs), ids, self.table, self.prefix_cache)
        self.table.admit([start + len(body) for body in bodies], [job.ids[-1] for job in jobs])
        self.rows += [_Row(job, self._room(job), noise=self._noise(job)) for job in jobs]

    def _noise(self, job: Job) -> torch.Generator | None:
        """Each prompt has its own stream, so a sampled answer depends neither on neighbours nor on its place."""
        if self.stopping.temperature <= 0:
            return None
        digest = zlib.crc32(repr((self.stopping.seed, job.ids)).encode())
        return torch.Generator().manual_seed(digest)

    def _choose(self, logits: Tensor) -> Tensor:
        if self.stopping.temperature <= 0:
            return logits.argmax(-1)
        # Gumbel-max: the argmax of noisy logits is a sample of their softmax.
        noise = torch.stack([torch.rand(logits.shape[-1], generator=row.noise) for row in self.rows])
        gumbel = -torch.log(-torch.log(noise.clamp(1e-20, 1 - 1e-7))).to(logits.device)
        return (logits.float() / self.stopping.temperature + gumbel).argmax(-1)

    def _collect(self, tokens: list[int]) -> list[Continuation]:
        finished: list[int] = []
        done: list[Continuation] = []
        now = time.perf_counter()
        for at, (row, token) in enumerate(zip(self.rows, tokens, strict=True)):
            row.ids.append(token)
            row.first_at = row.first_at or now
            reason = self._ended(row, token)
            if reason:
                finished.append(at)
                done.append(Continuation(row.job.index, row.ids, reason, row.first_at))
        if finished:
            kept = len(self.rows) - len(finished)
            for source, gap in self.table.drop(finished):
                self.rows[gap] = self.rows[source]
            del self.rows[kept:]
        return done

    def _ended(self, row: _Row, token: int) -> Reason | None:
        if token in self.stopping.end_ids:
            return "end"
        if self.stopping.stops_at is not None and self.stopping.stops_at(row.ids):
            return "stop"
        return "length" if len(row.ids) >= row.room else None


def supported(config: Any) -> bool:
    """True for models whose layers all attend fully or through a sliding window, with positions that can be given."""
    text = config.get_text_config()
    kinds = set(getattr(text, "layer_types", None) or ["full_attention"])
    return kinds <= {"full_attention", "sliding_attention"} and not getattr(config, "is_encoder_decoder", False)


def _mask_kinds(config: Any) -> dict[str, int | None]:
    """Attention kind to its window: {"full_attention": None, "sliding_attention": 4096}."""
    text = config.get_text_config()
    window = getattr(text, "sliding_window", None)
    kinds = getattr(text, "layer_types", None)
    if not kinds:
        kinds = ["sliding_attention" if window else "full_attention"]
    return {kind: (window if kind == "sliding_attention" else None) for kind in sorted(set(kinds))}


def _for_attention(mask: Tensor, model: Any) -> Tensor:
    """Eager attention adds its mask; the fused ones take a boolean."""
    if model.config._attn_implementation != "eager":
        return mask
    lowest = torch.finfo(model.dtype).min
    return torch.zeros_like(mask, dtype=model.dtype).masked_fill(~mask, lowest)


def _common_prefix(jobs: Sequence[Job]) -> list[int]:
    """The ids that all prompts begin with; every prompt keeps at least its last id for itself."""
    if len(jobs) < 2:
        return []
    low, high = min(job.ids for job in jobs), max(job.ids for job in jobs)
    most = min(len(job.ids) for job in jobs) - 1
    length = 0
    while length < most and low[length] == high[length]:
        length += 1
    return low[:length] if length >= SHARED_MINIMUM else []


SHARED_MINIMUM = 16
"""Below this many shared tokens the second prefill call costs more than it saves."""


def _first_limits(model: Any, device: str) -> Limits:
    """Start from the memory that is free now; trying corrects it."""
    text = model.config.get_text_config()
    heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    size = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    per_token = 2 * text.num_hidden_layers * heads * size * model.dtype.itemsize
    cuda = device.startswith("cuda")
    return Limits(
        table_tokens=max(1, int(free_memory(device) * TABLE_SHARE[cuda]) // per_token),
        prefill_tokens=PREFILL_TOKENS[cuda],
        rows=ROWS_AT_ONCE[cuda],
    )
