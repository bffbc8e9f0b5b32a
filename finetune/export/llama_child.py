"""Runs a GGUF file in llama.cpp's Python binding: one JSON object on standard input, one on standard output.

    echo '{"model": "model.gguf", "texts": ["a b"], "prompts": []}' | python llama_child.py

Imports nothing of this product: it also runs under another Python that has `llama_cpp` (a build of its own).
Answers greedily, one prompt at a time, and reports token ids, seconds and peak memory.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any


def main() -> int:
    """Entry point. Exit code 0, or 3 where llama_cpp is not installed."""
    asked = json.load(sys.stdin)
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # llama.cpp prints
    try:
        import llama_cpp
    except ImportError as error:
        out.write(json.dumps({"missing": str(error)}))
        return 3
    model = llama_cpp.Llama(
        asked["model"],
        n_ctx=asked.get("context", 1024),
        n_threads=asked.get("threads", 1),
        n_threads_batch=asked.get("threads", 1),
        vocab_only=not asked["prompts"],
        seed=0,
        verbose=False,
    )
    found: dict[str, Any] = {
        "version": llama_cpp.__version__,
        "tokens": [_tokens(model, text) for text in asked["texts"]],
        "tokenised": [_tokens(model, text) for text in asked["prompts"]],
        "answers": [],
        "seconds": [],
    }
    ends, most = set(asked.get("end_ids", ())), asked.get("max_new_tokens", 64)
    for at, ids in enumerate(found["tokenised"]):
        ids = [*asked.get("begin", ()), *ids]
        if at == 0:
            _answer(llama_cpp, model, ids, ends, most)  # warm-up
        started = time.perf_counter()
        found["answers"].append(_answer(llama_cpp, model, ids, ends, most))
        found["seconds"].append(time.perf_counter() - started)
    found["peak_bytes"] = _peak_bytes()
    out.write(json.dumps(found))
    out.flush()
    return 0


def _tokens(model: Any, text: str) -> list[int]:
    """Without a beginning-of-text token; control tokens are read as such, as a chat template needs."""
    ids: list[int] = model.tokenize(text.encode("utf-8"), add_bos=False, special=True) if text else []
    return ids


def _answer(llama_cpp: Any, model: Any, ids: list[int], ends: set[int], most: int) -> list[int]:
    """Greedy continuation, its end token included: the highest logit of each step, nothing else."""
    model.reset()
    model._ctx.kv_cache_clear()
    new: list[int] = []
    room = min(most, model.n_ctx() - len(ids))
    model.eval(ids)
    while len(new) < room:
        token = _best(llama_cpp, model)
        new.append(token)
        if token in ends:
            break
        model.eval([token])
    return new


def _best(llama_cpp: Any, model: Any) -> int:
    import numpy as np

    logits = llama_cpp.llama_get_logits_ith(model._ctx.ctx, -1)
    return int(np.ctypeslib.as_array(logits, shape=(model.n_vocab(),)).argmax())


def _peak_bytes() -> int | None:
    # Not getrusage: its peak is inherited from the process that started this one.
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return None


if __name__ == "__main__":
    sys.exit(main())
