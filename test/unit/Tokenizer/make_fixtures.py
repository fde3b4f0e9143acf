#!/usr/bin/env python3
"""Writes fixtures/NAME.json, small tokenizers of every kind, and fixtures/golden.json, what the PyPI package
`tokenizers` makes of TEXTS with them.

    pip install tokenizers ; make_fixtures.py

golden.json: {"texts": TEXTS, NAME: {"encode": [[ids], ...], "bare": [[ids without special tokens], ...],
"decode": [text of encode's ids with special tokens left out], "decode_all": [... kept]}}, in the order of TEXTS;
"bare" and "decode_all" are left out where they are the same as "encode" and "decode".
"""
import base64
import json
import os
import struct

from tokenizers import AddedToken, Regex, Tokenizer, decoders as D, models as M, normalizers as N
from tokenizers import pre_tokenizers as P, processors as R, trainers as T

HERE = os.path.dirname(os.path.abspath(__file__))

TEXTS = [
    "In the beginning was the word, and the word was compiled.",
    "Gather 12,345 rows of 3.14159 — naïve café, 東京, Привет!",
    "def f(x):\n    return x @ w + b\n",
    "  two  spaces\tand tabs\r\nnew lines\n\n",
    "😀 emoji 👩‍👩‍👧 and e\u0301 combining",
    "", " ", "   ", "\n", "\r\n\r\n", "a", "A b  c   d    e", " leading", "trailing ",
    "I'm you're we've they'll he'd IT'S DON'T \u017f'\u017f 'S",
    "NUL\0inside \x01\x02\x7f control\x9f",
    "a\u0301\u0323\u0301 \u0344 \u0958 \ufb01 \u1e9b\u0323 \uac00\u1100\u1161\u11a8 Å",
    "unassigned \u0378 \U000e0fff \U0003ffff \ue000 \U0010ffff\ufffd",
    "\u200b\u200d\ufeff\u180e\u2028\u2029\u00a0\u3000\u1680x",
    "İıŞß ǅ ΑΣ ΟΔΟΣ ﬁ ﬀ Ⅷ ½ ² ٣ ४ 一二",
    "日本語のテキスト、カタカナ ー 한국어 ไทย हिन्दी עברית العربية",
    "<s>special</s> tokens <pad> <mask> in <s> text</s>",
    "<|begin_of_text|><|eot_id|> hello<|im_start|>user\nhi<|im_end|>",
    "[CLS] the [SEP] [MASK] word[UNK]",
    "x==y && (z!=\"q\") || {a: [1, 2, 3]}; $5.00 #tag @me ~50% a_b-c/d\\e ^ ` +<>|",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 🇩🇪🇫🇷 ☕️ \U0001f9d1\U0001f3fd\u200d\U0001f680 \u0e33 \u0d4d",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\u0301\u0301\u0301\u0301",
    "word Word WORD wOrD newtoken new token NewToken  newtoken  yesterday Yesterday",
    "0 00 000 0000 00000 1234567890 1.5e-10",
    "\u0600a \u0903 ka\u094d\u200dka \u0b95\u0bcd\u0bb7",
]

CORPUS = TEXTS[:5] * 4 + TEXTS[5:] + [
    "the quick brown fox jumps over the lazy dog", "compiled words and rows of emoji", "Привет, мир! 東京 東京"] * 3

GPT2 = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
DEEPSEEK = [r"[\r\n]", r"\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-Ֆ]+", r"\s?[!-/:-~！-／：-～‘-‟　-。]+",
            r"\s+$", r"[一-龥ࠀ-一가-퟿]+"]


def charsmap(rules):
    """SentencePiece's precompiled_charsmap, base64, of a dict from text to replacement."""
    blob, offsets = b"", {}
    for replacement in sorted(set(rules.values())):
        offsets[replacement] = len(blob)
        blob += replacement.encode() + b"\0"
    trie = {}
    for key, replacement in rules.items():
        node = trie
        for byte in key.encode():
            node = node.setdefault(byte, {})
        node[0] = offsets[replacement]
    units, used = {0: 0}, {0}

    def place(node, position):
        base = 1
        while any((base ^ label) in used for label in node):
            base += 1
        used.update(base ^ label for label in node)
        offset = position ^ base
        assert offset < 1 << 21
        units[position] = units[position] & 0xFF | offset << 10 | (0 in node) << 8
        for label, child in node.items():
            units[base ^ label] = child | 1 << 31 if label == 0 else label
        for label, child in node.items():
            if label:
                place(child, base ^ label)

    place(trie, 0)
    size = (max(units) // 256 + 1) * 256
    words = [units.get(i, 0x100) for i in range(size)]
    return base64.b64encode(struct.pack(f"<{size + 1}I", 4 * size, *words) + blob).decode()


RULES = {"\u00a0": " ", "\u3000": " ", "\t": " ", "\n": " ", "\r": " ", "\u200b": "", "\u0301": "", "ﬁ": "fi", "Å": "Å",
         "½": "1/2", "²": "2", "e\u0301": "é", "Ⅷ": "VIII", "\ufeff": "", "０": "0", "İ": "i", "\x01": "", "a\u0301": "á",
         "x": "y", "\r\n": "\n"}


def precompiled(rules=None):
    return json.dumps({"type": "Precompiled", "precompiled_charsmap": charsmap(rules or RULES)})


def from_parts(model, **parts):
    """A tokenizer from a model object and JSON texts or component objects for the other parts."""
    document = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
                "pre_tokenizer": None, "post_processor": None, "decoder": None, "model": None}
    document["model"] = json.loads(Tokenizer(model).to_str())["model"]
    for key, value in parts.items():
        document[key] = json.loads(value) if isinstance(value, str) else json.loads(value.__getstate__())
    return Tokenizer.from_str(json.dumps(document))


def trained(tokenizer, trainer):
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def edited(tokenizer, edit):
    document = json.loads(tokenizer.to_str())
    edit(document)
    return Tokenizer.from_str(json.dumps(document))


def byte_level(pre_tokenizer, normalizer=None, vocab_size=340, special=("<s>", "</s>", "<pad>"), **bpe):
    tokenizer = Tokenizer(M.BPE(**bpe))
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = D.ByteLevel()
    if normalizer:
        tokenizer.normalizer = normalizer
    return trained(tokenizer, T.BpeTrainer(vocab_size=vocab_size, special_tokens=list(special), show_progress=False,
                                           initial_alphabet=P.ByteLevel.alphabet()))


def split_byte_level(pattern, **options):
    return byte_level(P.Sequence([P.Split(Regex(pattern), "isolated"), P.ByteLevel(False, use_regex=False)]), **options)


def llama3():
    t = split_byte_level(LLAMA3, special=["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"])
    t.post_processor = R.Sequence([R.ByteLevel(True, False), R.TemplateProcessing(
        single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A <|begin_of_text|>:1 $B:1",
        special_tokens=[("<|begin_of_text|>", 0)])])
    return edited(t, lambda d: d["model"].update(ignore_merges=True))


def qwen2():
    t = split_byte_level(QWEN2, normalizer=N.NFC(), special=[])
    t.add_special_tokens(["<|im_start|>", "<|im_end|>"])
    t.add_tokens([AddedToken("newtoken", normalized=False), AddedToken("<tool_call>", normalized=False)])
    return t


def deepseek():
    steps = [P.Split(Regex(p), "isolated") for p in DEEPSEEK]
    return byte_level(P.Sequence(steps + [P.Digits(True), P.ByteLevel(False, use_regex=False)]))


def gpt2():
    t = byte_level(P.ByteLevel(add_prefix_space=True))
    t.post_processor = R.ByteLevel(trim_offsets=True)
    return t


def roberta():
    t = byte_level(P.ByteLevel(add_prefix_space=False))
    t.post_processor = R.RobertaProcessing(("</s>", 1), ("<s>", 0))
    t.add_special_tokens([AddedToken("<mask>", lstrip=True)])
    return t


BYTE_TOKENS = [f"<0x{b:02X}>" for b in range(256)]


def sentencepiece_bpe(pre_tokenizer, normalizer, decoder, byte_tokens=BYTE_TOKENS, **bpe):
    t = Tokenizer(M.BPE(unk_token="<unk>", fuse_unk=True))
    t.normalizer = normalizer
    if pre_tokenizer:
        t.pre_tokenizer = pre_tokenizer
    learn = Tokenizer(M.BPE(unk_token="<unk>"))
    learn.pre_tokenizer = P.Metaspace()
    trained(learn, T.BpeTrainer(vocab_size=260, special_tokens=["<unk>", "<s>", "</s>"], show_progress=False))
    model = json.loads(learn.to_str())["model"]
    tokens = ["<unk>", "<s>", "</s>"] + byte_tokens
    tokens += [k for k, _ in sorted(model["vocab"].items(), key=lambda kv: kv[1]) if k not in tokens]
    tokens = [k for k in tokens if k not in "東😀q"]
    vocab = {k: i for i, k in enumerate(tokens)}
    merges = [m for m in model["merges"] if all(x in vocab for x in (*m, "".join(m)))]
    t.decoder = decoder

    def edit(d):
        d["model"].update(vocab=vocab, merges=merges, byte_fallback=bool(byte_tokens), **bpe)
    t = edited(t, edit)
    t.add_special_tokens(["<unk>", "<s>", "</s>"])
    return t


def llama2():
    t = sentencepiece_bpe(None, N.Sequence([N.Prepend("▁"), N.Replace(" ", "▁")]),
                          D.Sequence([D.Replace("▁", " "), D.ByteFallback(), D.Fuse(), D.Strip(" ", 1, 0)]))
    t.post_processor = R.TemplateProcessing(single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)])
    return t


def gemma():
    return sentencepiece_bpe(P.Split(" ", "merged_with_previous"), N.Replace(" ", "▁"),
                             D.Sequence([D.Replace("▁", " "), D.ByteFallback(), D.Fuse()]))


def mistral():
    return sentencepiece_bpe(P.Metaspace(prepend_scheme="first", split=False), N.Replace(Regex(r"\n+"), "\n"),
                             D.Sequence([D.Metaspace(prepend_scheme="first"), D.ByteFallback(), D.Fuse()]),
                             byte_tokens=BYTE_TOKENS[:128], fuse_unk=False)


def unknown_bpe():
    return sentencepiece_bpe(P.Metaspace(), N.NFD(), D.Metaspace(), byte_tokens=[])


def unigram(vocab_size=300, byte_fallback=False, **parts):
    learn = Tokenizer(M.Unigram())
    learn.pre_tokenizer = P.Metaspace()
    trained(learn, T.UnigramTrainer(vocab_size=vocab_size, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>",
                                    show_progress=False))
    vocab = [(k, s) for k, s in json.loads(learn.to_str())["model"]["vocab"] if k not in ("東", "😀", "q", "b")]
    if byte_fallback:
        vocab += [(t, -20.0 - i / 7) for i, t in enumerate(BYTE_TOKENS)]
    t = from_parts(M.Unigram(vocab, 2, byte_fallback), **parts)
    t.add_special_tokens(["<pad>", "</s>", "<unk>"])
    return t


def t5():
    return unigram(normalizer=precompiled(), pre_tokenizer=P.Sequence([P.WhitespaceSplit(), P.Metaspace()]),
                   decoder=D.Metaspace(), post_processor=R.TemplateProcessing(
                       single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]))


def xlm_roberta():
    steps = {"type": "Sequence", "normalizers": [json.loads(precompiled()), json.loads(
        N.Replace(Regex(" {2,}"), " ").__getstate__())]}
    return unigram(normalizer=json.dumps(steps), pre_tokenizer=P.Metaspace(prepend_scheme="first"),
                   decoder=D.Metaspace(prepend_scheme="first"))


def albert():
    steps = [N.Replace("``", '"'), N.Replace("''", '"'), N.NFKD(), N.StripAccents(), N.Lowercase()]
    return unigram(byte_fallback=True, normalizer=N.Sequence(steps), pre_tokenizer=P.Metaspace(),
                   decoder=D.Sequence([D.ByteFallback(), D.Metaspace()]))


def bert(**normalizer):
    t = Tokenizer(M.WordPiece(unk_token="[UNK]", max_input_chars_per_word=30))
    t.normalizer = N.BertNormalizer(**normalizer)
    t.pre_tokenizer = P.BertPreTokenizer()
    t.decoder = D.WordPiece(cleanup=True)
    trained(t, T.WordPieceTrainer(vocab_size=300, show_progress=False,
                                  special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]))
    t.post_processor = R.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return t


def word_level():
    t = Tokenizer(M.WordLevel(unk_token="[UNK]"))
    t.normalizer = N.Sequence([N.Nmt(), N.NFKC(), N.Strip()])
    t.pre_tokenizer = P.Whitespace()
    trained(t, T.WordLevelTrainer(vocab_size=150, special_tokens=["[UNK]"], show_progress=False))
    t.add_tokens([AddedToken("newtoken", single_word=True, lstrip=True, rstrip=True), AddedToken("Yesterday")])
    return t


def clip():
    t = Tokenizer(M.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>"))
    t.normalizer = N.Sequence([N.NFC(), N.Replace(Regex(r"\s+"), " "), N.Lowercase()])
    pattern = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    t.pre_tokenizer = P.Sequence([P.Split(Regex(pattern), "removed", invert=True), P.ByteLevel(False)])
    t.decoder = D.BPEDecoder("</w>")
    return trained(t, T.BpeTrainer(vocab_size=400, special_tokens=["<|endoftext|>"], end_of_word_suffix="</w>",
                                   show_progress=False, initial_alphabet=P.ByteLevel.alphabet()))


def prefixed_bpe():
    t = Tokenizer(M.BPE(unk_token="[UNK]", continuing_subword_prefix="##"))
    t.normalizer = N.Sequence([N.NFKD(), N.StripAccents()])
    t.pre_tokenizer = P.Sequence([P.UnicodeScripts(), P.Punctuation("merged_with_previous"), P.WhitespaceSplit()])
    t.decoder = D.WordPiece("##", cleanup=False)
    return trained(t, T.BpeTrainer(vocab_size=300, special_tokens=["[UNK]"], continuing_subword_prefix="##",
                                   show_progress=False))


def wav2vec():
    vocab = {k: i for i, k in enumerate(["<pad>", "<s>", "</s>", "<unk>", "|"] + list("abcdefghijklmnopqrstuvwxyz'"))}
    t = Tokenizer(M.WordLevel(vocab, "<unk>"))
    t.normalizer = N.Sequence([N.Lowercase(), N.Replace(" ", "|")])
    t.pre_tokenizer = P.FixedLength(1)
    t.decoder = D.CTC("<pad>", "|", True)
    return t


def added_tokens():
    t = split_byte_level(GPT2, normalizer=N.Sequence([N.Lowercase(), N.Strip(True, False)]), special=["<s>"])
    t.add_tokens([AddedToken("Yesterday"), AddedToken("new token", single_word=True), AddedToken(" the", rstrip=True),
                  AddedToken("newtoken", lstrip=True, rstrip=True), AddedToken("WORD", normalized=False),
                  AddedToken("e", single_word=True), AddedToken("tok", normalized=False, single_word=True)])
    t.add_special_tokens([AddedToken("</s>", lstrip=True, normalized=True), AddedToken("<pad>", rstrip=True)])
    return t


def splits():
    """Every behaviour of Split, Digits, Punctuation and CharDelimiterSplit, on single characters."""
    steps = [P.CharDelimiterSplit("q"), P.Split(Regex(r"\bw\w"), "merged_with_next"), P.Split("and", "merged_with_previous"),
             P.Split(Regex(r"[aeiou]+"), "contiguous"), P.Split("", "isolated"), P.Digits(False)]
    return byte_level(P.Sequence(steps[:4] + [P.Digits(False), P.Punctuation("contiguous"), P.ByteLevel(True)]))


def byte_normalizer():
    t = byte_level(P.Split("", "isolated"), normalizer=N.Sequence([N.NFD(), N.ByteLevel()]))
    return t


FIXTURES = {
    "gpt2": gpt2, "roberta": roberta, "llama3": llama3, "qwen2": qwen2, "deepseek": deepseek,
    "o200k": lambda: split_byte_level(O200K), "llama2": llama2, "gemma": gemma, "mistral": mistral,
    "unknown-bpe": unknown_bpe, "t5": t5, "xlm-roberta": xlm_roberta, "albert": albert, "bert": bert,
    "bert-cased": lambda: bert(lowercase=False, clean_text=True), "word-level": word_level, "clip": clip,
    "prefixed-bpe": prefixed_bpe, "wav2vec": wav2vec, "added-tokens": added_tokens, "splits": splits,
    "byte-normalizer": byte_normalizer,
}


def main():
    folder = os.path.join(HERE, "fixtures")
    os.makedirs(folder, exist_ok=True)
    golden = {"texts": TEXTS}
    for name, make in FIXTURES.items():
        tokenizer = make()
        path = os.path.join(folder, name + ".json")
        tokenizer.save(path, pretty=False)
        assert os.path.getsize(path) < 60000, (name, os.path.getsize(path))
        encoded = [tokenizer.encode(t).ids for t in TEXTS]
        bare = [tokenizer.encode(t, add_special_tokens=False).ids for t in TEXTS]
        decoded = [[tokenizer.decode(i, skip_special_tokens=skip) if i else "" for i in encoded] for skip in (True, False)]
        golden[name] = {"encode": encoded, "decode": decoded[0]}
        if bare != encoded:
            golden[name]["bare"] = bare
        if decoded[1] != decoded[0]:
            golden[name]["decode_all"] = decoded[1]
    with open(os.path.join(folder, "golden.json"), "w") as out:
        json.dump(golden, out, separators=(",", ":"))
        out.write("\n")


if __name__ == "__main__":
    main()
