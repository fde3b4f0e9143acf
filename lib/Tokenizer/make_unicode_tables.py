#!/usr/bin/env python3
"""Writes UnicodeTables.inc: what the PyPI package `tokenizers` thinks of every code point.

    pip install tokenizers ; make_unicode_tables.py > UnicodeTables.inc

The package mixes several Unicode versions (its regex engine, Rust's standard library, and four crates), so each table
is asked of the package itself, by running the pre-tokenizer or normalizer that uses it over all code points. Where
libutf8proc agrees (through ctypes), only the differences are written.
"""
import base64
import ctypes
import json
import struct
import sys

import tokenizers
from tokenizers import Regex, normalizers as N, pre_tokenizers as P

CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
ALL = "".join(map(chr, CODE_POINTS))

CATEGORIES = ["Cn", "Cc", "Cf", "Co", "Cs", "Ll", "Lm", "Lo", "Lt", "Lu", "Mc", "Me", "Mn", "Nd", "Nl", "No",
              "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "Sc", "Sk", "Sm", "So", "Zl", "Zp", "Zs"]

SCRIPTS = """Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak Bengali Beria_Erfe
Bhaiksuki Bopomofo Brahmi Braille Buginese Buhid Canadian_Aboriginal Carian Caucasian_Albanian Chakma Cham Cherokee
Chorasmian Common Coptic Cuneiform Cypriot Cypro_Minoan Cyrillic Deseret Devanagari Dives_Akuru Dogra Duployan
Egyptian_Hieroglyphs Elbasan Elymaic Ethiopic Garay Georgian Glagolitic Gothic Grantha Greek Gujarati Gunjala_Gondi
Gurmukhi Gurung_Khema Han Hangul Hanifi_Rohingya Hanunoo Hatran Hebrew Hiragana Imperial_Aramaic Inherited
Inscriptional_Pahlavi Inscriptional_Parthian Javanese Kaithi Kannada Katakana Kawi Kayah_Li Kharoshthi
Khitan_Small_Script Khmer Khojki Khudawadi Kirat_Rai Lao Latin Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian
Mahajani Makasar Malayalam Mandaic Manichaean Marchen Masaram_Gondi Medefaidrin Meetei_Mayek Mende_Kikakui
Meroitic_Cursive Meroitic_Hieroglyphs Miao Modi Mongolian Mro Multani Myanmar Nabataean Nag_Mundari Nandinagari
New_Tai_Lue Newa Nko Nushu Nyiakeng_Puachue_Hmong Ogham Ol_Chiki Ol_Onal Old_Hungarian Old_Italic Old_North_Arabian
Old_Permic Old_Persian Old_Sogdian Old_South_Arabian Old_Turkic Old_Uyghur Oriya Osage Osmanya Pahawh_Hmong Palmyrene
Pau_Cin_Hau Phags_Pa Phoenician Psalter_Pahlavi Rejang Runic Samaritan Saurashtra Sharada Shavian Siddham Sidetic
SignWriting Sinhala Sogdian Sora_Sompeng Soyombo Sundanese Sunuwar Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le
Tai_Tham Tai_Viet Tai_Yo Takri Tamil Tangsa Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Todhri Tolong_Siki
Toto Tulu_Tigalari Ugaritic Vai Vithkuqi Wancho Warang_Citi Yezidi Yi Zanabazar_Square""".split()


def inversion(members):
    """[starts and ends of runs, alternately] of the code points in the set."""
    out, previous = [], None
    for c in sorted(members):
        if previous is None or c != previous + 1:
            if previous is not None:
                out.append(previous + 1)
            out.append(c)
        previous = c
    if previous is not None:
        out.append(previous + 1)
    return out


def matched(pre_tokenizer, is_member):
    """The set of code points that a pre-tokenizer with behaviour `contiguous` puts on the matching side."""
    pieces = pre_tokenizer.pre_tokenize_str(ALL)
    members, inside = set(), is_member(chr(0))
    for _, (begin, end) in pieces:
        if inside:
            members.update(CODE_POINTS[begin:end])
        inside = not inside
    return members


def regex_set(pattern):
    isolated = P.Split(Regex(pattern), "removed")
    return matched(P.Split(Regex(pattern), "contiguous"), lambda ch: not isolated.pre_tokenize_str(ch))


def normalized_set(normalizer, accept):
    return {c for c in CODE_POINTS if accept(c, normalizer.normalize_str(chr(c)))}


def regex_words():
    whitespace = P.Whitespace()
    return {c for c in CODE_POINTS if [t for t, _ in whitespace.pre_tokenize_str("a" + chr(c))] == ["a" + chr(c)]}


def sentencepiece_scripts():
    """[(first code point, script)] of the UnicodeScripts pre-tokenizer; 0 is the script that joins with any other."""
    split = P.UnicodeScripts()
    same = lambda a, b: len(split.pre_tokenize_str(a + b)) == 1
    latin, cyrillic = "A", "\u0410"
    representatives, out, script = [latin, cyrillic], [], None
    for c in CODE_POINTS:
        ch = chr(c)
        if same(latin, ch) and same(cyrillic, ch):
            now = 0
        elif script and same(representatives[script - 1], ch):
            now = script
        else:
            now = next((i + 1 for i, r in enumerate(representatives) if same(r, ch)), 0)
            if not now:
                representatives.append(ch)
                now = len(representatives)
        if now != script:
            out.append((c, now))
            script = now
    return out


class Utf8Proc:
    class Property(ctypes.Structure):
        _fields_ = [("category", ctypes.c_int16), ("combining_class", ctypes.c_int16)]

    def __init__(self):
        self.lib = ctypes.CDLL("libutf8proc.so.2")
        self.lib.utf8proc_get_property.restype = ctypes.POINTER(self.Property)

    def combining_class(self, c):
        return self.lib.utf8proc_get_property(c)[0].combining_class

    def decompose(self, c, compatible):
        stable_decompose = 1 << 1 | 1 << 4 | (1 << 2 if compatible else 0)
        buffer, last = (ctypes.c_int32 * 64)(), ctypes.c_int(0)
        n = self.lib.utf8proc_decompose_char(c, buffer, 64, stable_decompose, ctypes.byref(last))
        return "".join(map(chr, buffer[:n]))

    def lower(self, c):
        return self.lib.utf8proc_tolower(c)


def normalization_unknown(proc):
    """Code points that the package's normalization forms leave alone and libutf8proc does not."""
    nfd, nfkd, out = N.NFD(), N.NFKD(), set()
    for c in CODE_POINTS:
        ch = chr(c)
        if nfd.normalize_str(ch) != proc.decompose(c, False) or nfkd.normalize_str(ch) != proc.decompose(c, True):
            assert nfkd.normalize_str(ch) == ch, hex(c)
            out.add(c)
        elif nfkd.normalize_str(ch) == ch:
            reorders = nfd.normalize_str("a" + ch + "\u0334") != "a" + ch + "\u0334" or \
                nfd.normalize_str("a\u0345" + ch) != "a\u0345" + ch or c in (0x345, 0x334)
            if reorders != (proc.combining_class(c) != 0):
                assert not reorders or proc.combining_class(c) in (1, 240), hex(c)
                if not reorders and proc.combining_class(c) not in (1, 240):
                    out.add(c)
    return out


def lower_exceptions(proc):
    lower = N.Lowercase()
    out = []
    for c in CODE_POINTS:
        mapped = lower.normalize_str(chr(c))
        if mapped != chr(proc.lower(c)):
            assert len(mapped) <= 2
            out.append((c, [ord(m) for m in mapped]))
    return out


def emit(name, values, kind="uint32_t"):
    print(f"constexpr {kind} {name}[] = {{")
    line = "   "
    for v in values:
        text = f" {v},"
        if len(line) + len(text) > 120:
            print(line)
            line = "   "
        line += text
    print(line + "\n};" if values else "    0,\n};")


def tiny_charsmap(rules):
    """A Precompiled normalizer for rules from one character to one ASCII character."""
    values = "".join(v + "\0" for v in rules.values()).encode()
    size, base = 4096, 256
    units = [0x100] * size
    paths = {}
    for i, key in enumerate(rules):
        paths[key.encode()] = 2 * i
    free = iter(range(2, size // 256))
    bases = {b"": base}
    units[0] = base << 10
    for key in paths:
        for length in range(1, len(key) + 1):
            if key[:length] in bases:
                continue
            position = bases[key[:length - 1]] ^ key[length - 1]
            bases[key[:length]] = below = next(free) * 256
            units[position] = key[length - 1] | (position ^ below) << 10 | (length == len(key)) << 8
            if length == len(key):
                units[below] = paths[key] | 1 << 31
    blob = struct.pack(f"<{size + 1}I", 4 * size, *units) + values
    document = {"version": "1.0", "model": {"type": "WordLevel", "vocab": {}, "unk_token": ""}, "normalizer": {
        "type": "Precompiled", "precompiled_charsmap": base64.b64encode(blob).decode()}}
    return tokenizers.Tokenizer.from_str(json.dumps(document)).normalizer


def grapheme_stand_ins(proc):
    """[(first, last, stand-in)] for code points that break graphemes unlike libutf8proc thinks: a code point to ask
    libutf8proc for in their place. Precompiled replaces short graphemes by their first match, which shows the breaks."""
    rules = tiny_charsmap({"x": "y", "\u0301": "z"})
    breaks = lambda a, b: bool(proc.lib.utf8proc_grapheme_break(ord(a), ord(b)))
    out = []
    for c in CODE_POINTS:
        ch = chr(c)
        if ch in "x\r\n\u0301":
            continue
        attaches = rules.normalize_str("x" + ch) == "y"
        control = rules.normalize_str(ch + "\u0301\u0323").endswith("z")
        prepends = c >= 0x80 and rules.normalize_str(ch + "x\u0323").endswith("y\u0323")
        known = (not breaks("x", ch), breaks(ch, "\u0301"), not breaks(ch, "x"))
        if (attaches, control) == known[:2] and (prepends == known[2] or len(ch.encode()) > 2):
            continue
        stand_in = 0x200B if control else 0x301 if attaches else 0x600 if prepends else ord("x")
        if out and out[-1][1] == c - 1 and out[-1][2] == stand_in:
            out[-1][1] = c
        else:
            out.append([c, c, stand_in])
    return out


def runs(value_of):
    out = []
    for c in CODE_POINTS:
        v = value_of[c]
        if not out or out[-1][1] != v:
            out.append((c, v))
    return out


def main():
    proc = Utf8Proc()
    print(f"// Generated by make_unicode_tables.py from tokenizers {tokenizers.__version__} and libutf8proc 2.8.")
    print("// Sets are inversion lists (starts and ends of runs, alternately); maps are runs packed as start << 8 | value.")

    category = {c: 0 for c in CODE_POINTS}
    for i, name in enumerate(CATEGORIES):
        if name in ("Cn", "Cs"):
            continue
        for c in regex_set(rf"\p{{{name}}}"):
            category[c] = i
    emit("RegexCategoryRuns", [c << 8 | v for c, v in runs(category)])

    known, script = [], {c: 255 for c in CODE_POINTS}
    for name in SCRIPTS:
        try:
            members = regex_set(rf"\p{{{name}}}")
        except Exception:
            continue
        for c in members:
            script[c] = len(known)
        known.append(name)
    assert len(known) < 255
    print("// Lower case, without underscores, as in RegexScriptRuns; 255: no script.")
    emit("RegexScriptNames", [f'"{n.lower().replace("_", "")}"' for n in known], "const char *const")
    emit("RegexScriptRuns", [c << 8 | v for c, v in runs(script)])

    for name, prop in (("Alphabetic", "Alphabetic"), ("Uppercase", "Uppercase"), ("Lowercase", "Lowercase"),
                       ("Word", "Word"), ("Punct", "Punct"), ("Space", "Space")):
        emit(f"Regex{name}Set", inversion(regex_set(rf"\p{{{prop}}}")))

    emit("WordSet", inversion(regex_words()))
    emit("NumericSet", inversion(matched(P.Digits(individual_digits=False), str.isnumeric)))
    emit("PunctuationSet", inversion(matched(P.Punctuation("contiguous"), lambda ch: False)))
    emit("WhitespaceSet", inversion(normalized_set(N.Strip(), lambda c, s: not s)))
    clean = N.BertNormalizer(clean_text=True, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    emit("BertRemovedSet", inversion(normalized_set(clean, lambda c, s: not s)))
    bert = N.BertNormalizer(clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False)
    emit("NonSpacingMarkSet", inversion(normalized_set(bert, lambda c, s: not s)))
    emit("CombiningMarkSet", inversion(normalized_set(N.StripAccents(), lambda c, s: not s)))
    emit("NormalizationUnknownSet", inversion(normalization_unknown(proc)))
    lower = lower_exceptions(proc)
    print("// Code point, lower case, second code point of the lower case or 0.")
    emit("LowerExceptions", [f"{{{c}, {m[0]}, {m[1] if len(m) > 1 else 0}}}" for c, m in lower], "LowerMapping")
    print("// First and last code point, and the one whose grapheme break class they have.")
    emit("GraphemeStandIns", [f"{{{a}, {b}, {c}}}" for a, b, c in grapheme_stand_ins(proc)], "GraphemeStandIn")
    emit("SentencePieceScriptRuns", [c << 8 | v for c, v in sentencepiece_scripts()])


if __name__ == "__main__":
    sys.exit(main())
