"""BERT, T5 and GPT against those of transformers in plain loops, 60 seconds from scratch, and what a question costs.

Both sides train models of the same shape on the same batches, by turns within one run. Theirs are `BertForMaskedLM`,
`T5ForConditionalGeneration` and `GPT2LMHeadModel` with the loss that they compute themselves from labels, AdamW, and no
dropout.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import numpy as np
import torch

from backends.language import use
from backends.language.config import CONFIGS, LanguageConfig
from backends.language.trainer import TRAINERS, LanguageTrainer, draw_stretches

THREADS = 2
PACE_SECONDS, LONG = 8.0, 60.0
QUICK = 0.05
QUESTIONS = 10
WANTED = {"ratio": 1.2, "gain": {"bert": 1.0, "t5": 0.7, "gpt": 1.0}, "seconds": 0.3}
IGNORED_LABEL = -100
"""Places that transformers' losses leave out."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=3, help="how often both sides take their turn (default 3)")
    parser.add_argument("--quick", action="store_true", help="a twentieth of all times, to see that everything runs")


def run(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    torch.set_num_threads(THREADS)
    share = QUICK if options.quick else 1.0
    for method in CONFIGS:
        yield compare_pace(method, share * PACE_SECONDS, options.rounds)
    for method in CONFIGS:
        yield train_from_scratch(method, share * LONG)
    yield from time_questions()


def compare_pace(method: str, seconds: float, rounds: int) -> dict[str, Any]:
    """Tokens of text a second of both sides, by turns; the median round counts."""
    trainer = TRAINERS[method](CONFIGS[method].parse({"steps": 200_000}))
    theirs = THEIRS[method](trainer)
    tokens = trainer.config.batch * trainer.objective.stretch
    ours = whole_steps(trainer)
    paces: dict[str, list[float]] = {"ours": [], "transformers": []}
    for _ in range(rounds):
        paces["ours"].append(pace(ours, tokens, seconds))
        paces["transformers"].append(pace(theirs, tokens, seconds))
    ratio = median(paces["ours"]) / median(paces["transformers"])
    parameters = sum(parameter.numel() for parameter in trainer.model.parameters())
    return {
        "measure": "tokens_per_second",
        "method": method,
        "parameters": parameters,
        **{name: round(median(values)) for name, values in paces.items()},
        "ratio": ratio,
        "met": ratio >= WANTED["ratio"],
    }


def whole_steps(trainer: LanguageTrainer) -> Callable[[], object]:
    """Our own step, on stretches as long as theirs."""
    trainer._length = lambda: trainer.objective.stretch  # type: ignore[method-assign]
    return trainer._advance


def pace(step: Callable[[], object], tokens: int, seconds: float) -> float:
    """Tokens of text a second, after two steps to warm up."""
    for _ in range(2):
        step()
    begun, steps = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        step()
        steps += 1
    return tokens * steps / (time.perf_counter() - begun)


def _loop(trainer: LanguageTrainer, model: Any, inputs_of: Callable[[Any], dict[str, Any]]) -> Callable[[], object]:
    """A plain loop around one of transformers' models, on our batches."""
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05)
    draws = np.random.default_rng(0)

    def step() -> None:
        stretches = draw_stretches(trainer.data.train, trainer.config.batch, trainer.objective.stretch, draws)
        loss = model(**inputs_of(trainer.objective.draw(stretches, draws))).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return step


def _shape(config: LanguageConfig) -> tuple[int, int, int]:
    return int(config.width), config.depth, int(config.heads)


def bert_step(trainer: LanguageTrainer) -> Callable[[], object]:
    """One step of transformers' BERT."""
    from transformers import BertConfig, BertForMaskedLM

    width, depth, heads = _shape(trainer.config)
    model = BertForMaskedLM(
        BertConfig(
            vocab_size=len(trainer.tokenizer),
            hidden_size=width,
            num_hidden_layers=depth,
            num_attention_heads=heads,
            intermediate_size=4 * width,
            max_position_embeddings=trainer.config.length,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
    )

    def inputs_of(batch: Any) -> dict[str, Any]:
        labels = torch.full_like(batch.inputs, IGNORED_LABEL)
        labels.scatter_(1, batch.places, batch.targets)
        return {"input_ids": batch.inputs, "labels": labels}

    return _loop(trainer, model, inputs_of)


def t5_step(trainer: LanguageTrainer) -> Callable[[], object]:
    """One step of transformers' T5, with the feed-forward width of ours."""
    from transformers import T5Config, T5ForConditionalGeneration

    width, depth, heads = _shape(trainer.config)
    model = T5ForConditionalGeneration(
        T5Config(
            vocab_size=len(trainer.tokenizer),
            d_model=width,
            d_kv=width // heads,
            d_ff=4 * width,
            num_layers=depth,
            num_decoder_layers=depth,
            num_heads=heads,
            dropout_rate=0.0,
            decoder_start_token_id=1,
            pad_token_id=0,
        )
    )
    return _loop(trainer, model, lambda batch: {"input_ids": batch.inputs, "labels": batch.targets})


def gpt_step(trainer: LanguageTrainer) -> Callable[[], object]:
    """One step of transformers' GPT-2; it shifts the labels itself, so that one place fewer is asked."""
    from transformers import GPT2Config, GPT2LMHeadModel

    width, depth, heads = _shape(trainer.config)
    model = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=len(trainer.tokenizer),
            n_embd=width,
            n_layer=depth,
            n_head=heads,
            n_positions=trainer.config.length,
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
        )
    )
    return _loop(trainer, model, lambda batch: {"input_ids": batch.inputs, "labels": batch.inputs})


THEIRS = {"bert": bert_step, "t5": t5_step, "gpt": gpt_step}


def train_from_scratch(method: str, seconds: float) -> dict[str, Any]:
    """One model from a random start: how far below guessing by frequency it comes."""
    trainer = TRAINERS[method](CONFIGS[method](), seconds=seconds)
    for snapshot in trainer.steps():
        last = snapshot
    scores = trainer.evaluate()
    gain = scores["unigram_entropy"] - scores["heldout_loss"]
    words = {}
    if "text_loss" in scores:
        words = {"text_gain": scores["text_unigram_entropy"] - scores["text_loss"]}
    return {
        "measure": "from_scratch",
        "method": method,
        "seconds": last.seconds,
        "steps": last.step,
        "tokens_per_second": last.metrics["tokens_per_second"],
        **scores,
        "gain": gain,
        **words,
        "met": gain >= WANTED["gain"][method],
    }


def time_questions() -> Iterator[dict[str, Any]]:
    """Seconds of a new sentence, with the models that this project ships."""
    from backends.language import shipped

    bert, t5, gpt = (shipped.load(method) for method in CONFIGS)
    questions: dict[str, Callable[[int], object]] = {
        "fill": lambda n: use.fill_masks(bert, f"Number {n} of the [MASK] people of the United [MASK] is free."),
        "repair": lambda n: use.repair(t5, f"Number {n} of the <X> of the United <Y> is free and at peace."),
        "next token": lambda n: next(use.continue_text(gpt, f"Number {n} of the people of the United", count=1)),
        "40 tokens": lambda n: list(use.continue_text(gpt, f"Number {n} of the people", count=40, seed=n)),
    }
    for name, ask in questions.items():
        taken = []
        for number in range(QUESTIONS):
            begun = time.perf_counter()
            ask(number)
            taken.append(time.perf_counter() - begun)
        yield {
            "measure": "question",
            "question": name,
            "median_seconds": median(taken),
            "slowest_seconds": max(taken),
            "met": median(taken) <= WANTED["seconds"],
        }
