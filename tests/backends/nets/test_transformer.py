"""The shared transformer against transformers' GPT-2, BERT and T5 with copied weights, and its fast path against the
explicit one."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from backends.nets.seeded import seeded
from backends.nets.transformer import (
    CROSS,
    DECODER,
    ENCODER,
    SELF,
    Attention,
    CrossAttention,
    Decoder,
    Encoder,
    EncoderDecoder,
    Look,
    attend,
    centred,
    start_small,
)

VOCABULARY, WIDTH, HEADS, DEPTH, LONGEST = 61, 32, 4, 3, 24
EXACT = {"rtol": 1e-4, "atol": 1e-5}


@pytest.fixture
def decoder() -> Decoder:
    with seeded(1):
        return Decoder(VOCABULARY, WIDTH, HEADS, DEPTH, LONGEST).eval()


@pytest.fixture
def reaching() -> Decoder:
    """A decoder whose heads have learned scores for distances."""
    with seeded(9):
        model = Decoder(VOCABULARY, WIDTH, HEADS, DEPTH, LONGEST, reach=3).eval()
        for block in model.stack.blocks:
            nn.init.normal_(block.attention.distances, std=0.2)
    return model


@pytest.fixture
def encoder() -> Encoder:
    with seeded(2):
        return Encoder(VOCABULARY, WIDTH, HEADS, DEPTH, LONGEST).eval()


@pytest.fixture
def translator() -> EncoderDecoder:
    with seeded(3):
        return EncoderDecoder(VOCABULARY, WIDTH, HEADS, DEPTH, LONGEST).eval()


def tokens(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, VOCABULARY, shape, generator=torch.Generator().manual_seed(seed))


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def copy_linear(ours: nn.Linear, *theirs: nn.Linear, factor: float = 1.0) -> None:
    """Put the weights of several layers one below the other; the first one's are multiplied by `factor`."""
    with torch.no_grad():
        ours.weight.copy_(torch.cat([t.weight * (factor if t is theirs[0] else 1.0) for t in theirs]))
        zeros = [torch.zeros(len(t.weight)) if t.bias is None else t.bias for t in theirs]
        ours.bias.copy_(torch.cat(zeros))


def gpt2_like(decoder: Decoder) -> nn.Module:
    """transformers' GPT-2 with random weights, which `decoder` gets too."""
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=VOCABULARY,
        n_positions=LONGEST,
        n_embd=WIDTH,
        n_layer=DEPTH,
        n_head=HEADS,
        bos_token_id=0,
        eos_token_id=0,
        activation_function="gelu",
        initializer_range=0.2,
    )
    with seeded(4):
        theirs = GPT2LMHeadModel(config).eval()
    theirs.train(False)
    with torch.no_grad():
        for parameter in theirs.parameters():  # biases and norms too, or copying them wrong would not show
            parameter.add_(0.1 * normal(*parameter.shape, seed=parameter.numel()))
        decoder.embedding.tokens.weight.copy_(theirs.transformer.wte.weight)
        decoder.embedding.positions.weight.copy_(theirs.transformer.wpe.weight)
        for ours, block in zip(decoder.stack.blocks, theirs.transformer.h, strict=True):
            pairs = [
                (ours.attention.qkv, block.attn.c_attn),
                (ours.attention.out, block.attn.c_proj),
                (ours.mlp[0], block.mlp.c_fc),
                (ours.mlp[2], block.mlp.c_proj),
            ]
            for mine, other in pairs:  # their Conv1D keeps its weights the other way round
                mine.weight.copy_(other.weight.T)
                mine.bias.copy_(other.bias)
            ours.norm_attention.load_state_dict(block.ln_1.state_dict())
            ours.norm_mlp.load_state_dict(block.ln_2.state_dict())
        decoder.stack.norm.load_state_dict(theirs.transformer.ln_f.state_dict())
    return theirs


def test_with_copied_weights_the_decoder_is_gpt2(decoder):
    theirs, batch = gpt2_like(decoder), tokens(2, LONGEST)
    expected = theirs(input_ids=batch).logits
    assert expected.std() > 0.5, "logits that are all alike would prove nothing"
    torch.testing.assert_close(decoder(batch), expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(decoder(batch, look=Look()), expected, rtol=1e-4, atol=1e-4)


def test_with_copied_weights_the_decoder_has_the_gradients_of_gpt2(decoder):
    theirs, batch = gpt2_like(decoder), tokens(2, LONGEST)
    theirs(input_ids=batch, labels=batch).loss.backward()
    F.cross_entropy(decoder(batch)[:, :-1].flatten(0, 1), batch[:, 1:].flatten()).backward()
    embedding, qkv = theirs.transformer.wte.weight, theirs.transformer.h[0].attn.c_attn.weight
    torch.testing.assert_close(decoder.embedding.tokens.weight.grad, embedding.grad, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(decoder.stack.blocks[0].attention.qkv.weight.grad, qkv.grad.T, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("padded", [0, 3])
def test_with_copied_weights_attention_is_berts(padded):
    from transformers import BertConfig
    from transformers.models.bert.modeling_bert import BertSelfAttention, BertSelfOutput

    config = BertConfig(hidden_size=WIDTH, num_attention_heads=HEADS, attn_implementation="eager")
    with seeded(5):
        theirs, merging, ours = BertSelfAttention(config).eval(), BertSelfOutput(config), Attention(WIDTH, HEADS)
    copy_linear(ours.qkv, theirs.query, theirs.key, theirs.value)
    copy_linear(ours.out, merging.dense)
    x = normal(2, 10, WIDTH)
    seen = torch.arange(10).expand(2, -1) < 10 - padded
    mask = torch.zeros(2, 1, 1, 10).masked_fill(~seen[:, None, None], -1e9)
    mixed, weights = theirs(x, attention_mask=mask)
    look = Look()
    torch.testing.assert_close(ours(x, seen=seen), merging.dense(mixed), rtol=1e-4, atol=1e-4)
    ours(x, seen=seen, look=look)
    torch.testing.assert_close(look.weights[ENCODER, SELF, 0], weights, rtol=1e-4, atol=1e-4)


def t5_attention(*, decoder: bool) -> nn.Module:
    from transformers import T5Config
    from transformers.models.t5.modeling_t5 import T5Attention

    config = T5Config(
        d_model=WIDTH, num_heads=HEADS, d_kv=WIDTH // HEADS, is_decoder=decoder, attn_implementation="eager"
    )
    with seeded(6):
        theirs = T5Attention(config, has_relative_attention_bias=False, layer_idx=0).eval()
        for layer in (theirs.q, theirs.k, theirs.v, theirs.o):
            nn.init.normal_(layer.weight, std=0.3)
    return theirs


def test_with_copied_weights_attention_is_t5s_without_its_relative_bias():
    theirs, ours, x = t5_attention(decoder=False), Attention(WIDTH, HEADS), normal(2, 10, WIDTH)
    unscaled = math.sqrt(WIDTH // HEADS)  # T5 does not divide by √d, so the queries make up for our doing so
    copy_linear(ours.qkv, theirs.q, theirs.k, theirs.v, factor=unscaled)
    copy_linear(ours.out, theirs.o)
    expected = theirs(x, mask=torch.zeros(2, 1, 1, 10))[0]
    torch.testing.assert_close(ours(x), expected, rtol=1e-4, atol=1e-4)


def test_with_copied_weights_cross_attention_is_t5s():
    theirs, ours = t5_attention(decoder=True), CrossAttention(WIDTH, HEADS)
    x, memory = normal(2, 6, WIDTH), normal(2, 9, WIDTH, seed=1)
    copy_linear(ours.query, theirs.q, factor=math.sqrt(WIDTH // HEADS))
    copy_linear(ours.kv, theirs.k, theirs.v)
    copy_linear(ours.out, theirs.o)
    expected = theirs(x, mask=torch.zeros(2, 1, 1, 9), key_value_states=memory)[0]
    torch.testing.assert_close(ours(x, memory), expected, rtol=1e-4, atol=1e-4)


def test_what_all_tokens_of_a_source_share_does_not_reach_the_decoder(translator):
    memory, target = normal(2, 7, WIDTH), tokens(2, 5)
    written = translator.decode(target, memory)
    shared = normal(2, 1, WIDTH, seed=1)
    torch.testing.assert_close(translator.decode(target, memory + shared), written, rtol=1e-4, atol=1e-4)
    of_one = (torch.arange(7) == 3)[:, None] * shared
    assert (translator.decode(target, memory + of_one) - written).abs().max() > 1e-2


def test_what_a_token_has_of_its_own_is_as_long_however_little_it_is():
    own = normal(2, 7, WIDTH)
    own = own - own.mean(1, keepdim=True)
    little = centred(5.0 + 0.01 * own)
    torch.testing.assert_close(little, centred(own), rtol=1e-2, atol=1e-2)
    torch.testing.assert_close(little.pow(2).mean(-1), torch.ones(2, 7), rtol=1e-2, atol=0)


def test_padding_is_no_part_of_what_tokens_share():
    memory, seen = normal(2, 7, WIDTH), torch.arange(7).expand(2, 7) < 5
    torch.testing.assert_close(centred(memory, seen)[:, :5], centred(memory[:, :5]), rtol=1e-5, atol=1e-5)


def test_attention_is_the_sum_of_the_lecture():
    q = torch.tensor([[1.0] * 64])
    k = torch.stack([torch.full((64,), 1.75), torch.full((64,), 1.5)])  # scores 112 and 96
    v = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    mixed, weights = attend(q, k, v)
    torch.testing.assert_close(weights, torch.tensor([[14.0, 12.0]]).softmax(-1))
    torch.testing.assert_close(mixed, torch.tensor([[0.8808, 0.1192]]), rtol=0, atol=1e-4)
    assert attend(q, k, v, scaled=False)[1][0, 0] > 1 - 1e-6


def test_attention_without_scaling_leaves_the_scores_alone():
    q, k, v = normal(3, 4), normal(5, 4, seed=1), normal(5, 2, seed=2)
    torch.testing.assert_close(attend(q, k, v, scaled=False)[1], (q @ k.T).softmax(-1))


def passes(model: nn.Module, kind: str, look: Look | None) -> torch.Tensor:
    """Logits of a model with padding where it can have some."""
    seen = torch.arange(LONGEST).expand(2, -1) < torch.tensor([[LONGEST], [LONGEST - 5]])
    if kind in ("decoder", "reaching"):
        return model(tokens(2, LONGEST), look=look)
    if kind == "encoder":
        return model(tokens(2, LONGEST), seen=seen, look=look)
    return model(tokens(2, LONGEST), tokens(2, 9, seed=1), seen=seen, look=look)


@pytest.mark.parametrize("kind", ["decoder", "reaching", "encoder", "translator"])
def test_the_fast_path_is_the_explicit_one_gradients_too(kind, request):
    model = request.getfixturevalue(kind)
    outputs, gradients = [], []
    for look in (None, Look()):
        model.zero_grad()
        logits = passes(model, kind, look)
        logits.square().mean().backward()
        outputs.append(logits.detach())
        gradients.append({name: p.grad.clone() for name, p in model.named_parameters()})
    torch.testing.assert_close(*outputs, **EXACT)
    for name, gradient in gradients[0].items():
        assert gradient.abs().sum() > 0, name
        torch.testing.assert_close(gradient, gradients[1][name], rtol=1e-3, atol=1e-6, msg=name)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("padded", [0, 4])
@pytest.mark.parametrize("reach", [0, 3])
def test_a_layers_fast_path_is_the_explicit_one_under_every_mask(causal, padded, reach):
    with seeded(7):
        layer = Attention(WIDTH, HEADS, reach=reach)
        if reach:
            nn.init.normal_(layer.distances, std=0.2)
    seen = torch.arange(12).expand(2, -1) < 12 - padded if padded else None
    inputs = [normal(2, 12, WIDTH).requires_grad_() for _ in range(2)]
    results = [layer(x, causal=causal, seen=seen, look=look) for x, look in zip(inputs, (None, Look()), strict=True)]
    torch.testing.assert_close(*results, **EXACT)
    for result in results:
        result.square().sum().backward()
    torch.testing.assert_close(inputs[0].grad, inputs[1].grad, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["decoder", "encoder", "translator"])
def test_the_weights_of_every_layer_are_kept_and_sum_to_one(kind, request):
    look = Look()
    passes(request.getfixturevalue(kind), kind, look)
    expected = {
        "decoder": {(DECODER, SELF)},
        "encoder": {(ENCODER, SELF)},
        "translator": {(ENCODER, SELF), (DECODER, SELF), (DECODER, CROSS)},
    }[kind]
    assert set(look.weights) == {(*place, layer) for place in expected for layer in range(DEPTH)}
    for weights in look.weights.values():
        assert weights.shape[1] == HEADS
        torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]), **EXACT)


@pytest.mark.parametrize("kind", ["decoder", "reaching"])
def test_a_decoder_does_not_look_ahead(kind, request):
    decoder = request.getfixturevalue(kind)
    look, batch = Look(), tokens(1, 8)
    logits = decoder(batch, look=look)
    for weights in look.weights.values():
        assert weights.triu(1).abs().max() == 0
    other = batch.clone()
    other[0, 5:] = (other[0, 5:] + 1) % VOCABULARY
    torch.testing.assert_close(decoder(other)[:, :5], logits[:, :5], **EXACT)
    assert (decoder(other)[:, 5] - logits[:, 5]).abs().max() > 1e-3


def test_an_encoder_looks_both_ways(encoder):
    batch = tokens(1, 8)
    other = batch.clone()
    other[0, 7] = (other[0, 7] + 1) % VOCABULARY
    assert (encoder(other)[:, 0] - encoder(batch)[:, 0]).abs().max() > 1e-4


@pytest.mark.parametrize("explicit", [False, True])
def test_a_padded_token_changes_nothing(encoder, translator, explicit):
    def look() -> Look | None:
        return Look() if explicit else None

    short, target = tokens(1, 6), tokens(1, 5, seed=1)
    padded = torch.cat([short, tokens(1, 4, seed=2)], dim=1)
    seen = torch.arange(10)[None] < 6
    torch.testing.assert_close(encoder(padded, seen=seen, look=look())[:, :6], encoder(short), **EXACT)
    assert (encoder(padded)[:, :6] - encoder(short)).abs().max() > 1e-4, "without the mask it does"
    translated = translator(padded, target, seen=seen, look=look())
    torch.testing.assert_close(translated, translator(short, target), **EXACT)


def test_a_query_that_may_see_nothing_gets_zeros():
    seen = torch.tensor([[True, False], [False, False]])
    mixed, weights = attend(normal(2, 4), normal(2, 4, seed=1), normal(2, 3, seed=2), seen=seen)
    assert weights.tolist() == [[1.0, 0.0], [0.0, 0.0]]
    assert mixed[1].tolist() == [0.0, 0.0, 0.0]


def test_silencing_a_head_is_zeroing_its_part_of_the_merging_weights(decoder):
    batch, head, layer = tokens(2, 9), 2, 1
    silenced = decoder(batch, look=Look(silenced=[(DECODER, SELF, layer, head)]))
    assert (silenced - decoder(batch)).abs().max() > 1e-3
    size = WIDTH // HEADS
    with torch.no_grad():
        decoder.stack.blocks[layer].attention.out.weight[:, head * size : (head + 1) * size] = 0
    torch.testing.assert_close(silenced, decoder(batch), **EXACT)


def test_silencing_reaches_the_stack_and_kind_it_names_only(translator):
    source, target = tokens(1, 7), tokens(1, 5, seed=1)
    whole = Look()
    plain = translator(source, target, look=whole)
    for place in ((ENCODER, SELF), (DECODER, SELF), (DECODER, CROSS)):
        look = Look(silenced=[(*place, DEPTH - 1, 0)])
        assert (translator(source, target, look=look) - plain).abs().max() > 1e-4, place
        last = (DECODER, SELF, DEPTH - 1)
        if place != (ENCODER, SELF):  # what comes before the silenced head stays as it was
            torch.testing.assert_close(look.weights[last], whole.weights[last], **EXACT)
    nowhere = translator(source, target, look=Look(silenced=[(ENCODER, CROSS, 0, 0)]))
    torch.testing.assert_close(nowhere, plain, **EXACT)


def test_the_output_is_scored_with_the_tokens_own_vectors(decoder):
    parameters = dict(decoder.named_parameters())
    assert sum(p.shape == (VOCABULARY, WIDTH) for p in parameters.values()) == 1
    features = decoder.features(tokens(1, 5))
    torch.testing.assert_close(
        decoder(tokens(1, 5)), features @ decoder.embedding.tokens.weight.T + decoder.embedding.bias, **EXACT
    )


def test_too_long_a_text_and_heads_that_do_not_fit_are_refused(decoder):
    with pytest.raises(ValueError, match="25 tokens are more than the 24"):
        decoder(tokens(1, LONGEST + 1))
    for layer in (Attention, CrossAttention):
        with pytest.raises(ValueError, match="5 heads do not divide a width of 32"):
            layer(WIDTH, 5)


def test_dropout_acts_in_training_only():
    with seeded(8):
        model = Decoder(VOCABULARY, WIDTH, HEADS, 1, LONGEST, dropout=0.5)
    batch = tokens(1, 6)
    assert not torch.equal(model.train()(batch), model(batch))
    assert torch.equal(model.eval()(batch), model(batch))


def test_learned_distances_are_added_to_the_scores():
    """Of a layer whose queries are zero the weights are the softmax of the distances' scores alone."""
    layer, look = Attention(WIDTH, HEADS, reach=2), Look()
    nn.init.zeros_(layer.qkv.weight)
    nn.init.zeros_(layer.qkv.bias)
    with torch.no_grad():
        layer.distances.copy_(normal(HEADS, 5))
    layer(normal(1, 6, WIDTH), look=look)
    weights = look.weights[ENCODER, SELF, 0][0]
    for head in range(HEADS):
        after_2, after_1, here, before_1, before_2 = (10 * layer.distances[head]).tolist()
        scores = torch.tensor([before_2, before_2, before_1, here, after_1, after_2])  # of the fourth of six tokens
        torch.testing.assert_close(weights[head, 3], scores.softmax(-1), **EXACT)


def test_fresh_distances_change_nothing(decoder, reaching):
    for block in reaching.stack.blocks:
        nn.init.zeros_(block.attention.distances)
    reaching.load_state_dict(decoder.state_dict(), strict=False)
    torch.testing.assert_close(reaching(tokens(2, 9)), decoder(tokens(2, 9)), **EXACT)


def test_a_small_start_lets_the_tokens_through():
    """What the blocks add drowns the embeddings far less than with torch's own start."""
    shares = []
    for small in (False, True):
        with seeded(10):
            model = Decoder(VOCABULARY, 128, HEADS, DEPTH, LONGEST)
            embeddings = {name: p.clone() for name, p in model.embedding.named_parameters()}
            if small:
                start_small(model, DEPTH)
        assert all(torch.equal(p, embeddings[name]) for name, p in model.embedding.named_parameters())
        with torch.no_grad():
            embedded = x = model.embedding(tokens(2, LONGEST))
            for block in model.stack.blocks:
                x = block(x, causal=True)
        shares.append(float((x - embedded).norm() / embedded.norm()))
    assert shares[1] < shares[0] / 4
