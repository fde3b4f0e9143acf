"""Writes golden.json and expressions_golden.json: what transformers makes of the templates and expressions here.

Every templates/*.jinja is rendered with every conversation of conversations.json; every line of expressions.txt is
rendered as a template of its own with the variables below. A rendering that fails is recorded as null.
"""

import json
import pathlib

from transformers.utils.chat_template_utils import _compile_jinja_template

here = pathlib.Path(__file__).parent
SPECIAL_TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}

VARIABLES = {
    "s": "Hello, World",
    "u": "Straße ÀÉ ﬁ Σας ǆ 👍🏽",
    "sp": "  two  words \n",
    "lines": "a\nb\r\n\nc",
    "empty": "",
    "n": 7,
    "neg": -3,
    "x": 2.5,
    "big": 1e22,
    "yes": True,
    "nil": None,
    "l": [3, 1, 2],
    "words": ["pear", "Apple", "fig", "apple"],
    "nested": [[1, 2], [3, [4, "five"]]],
    "d": {"b": 1, "a": "x", "items": "shadowed", "C": None},
    "users": [
        {"name": "Ann", "age": 30, "tags": ["x", "y"], "address": {"city": "Bern"}},
        {"name": "bob", "age": 25, "tags": [], "address": {"city": "Aarau"}},
        {"name": "Cid", "age": 25, "active": True},
    ],
    "messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo"}],
}


def render(source, variables):
    try:
        return _compile_jinja_template(source).render(**variables)
    except Exception:
        return None


def write(name, value):
    text = json.dumps(value, ensure_ascii=False, indent=1)
    (here / name).write_text(text + "\n", encoding="utf-8")


def main():
    conversations = json.loads((here / "conversations.json").read_text(encoding="utf-8"))
    tools = json.loads((here / "tools.json").read_text(encoding="utf-8"))
    cases = []
    for path in sorted((here / "templates").glob("*.jinja")):
        source = path.read_text(encoding="utf-8")
        for conversation in conversations:
            variables = {"tools": None, "documents": None, **SPECIAL_TOKENS, **conversation}
            name = variables.pop("name")
            if variables["tools"] == "$tools":
                variables["tools"] = tools
            cases.append(
                {"template": path.name, "conversation": name, "variables": variables, "output": render(source, variables)}
            )
    write("golden.json", cases)

    lines = (here / "expressions.txt").read_text(encoding="utf-8").splitlines()
    sources = [line for line in lines if line and not line.startswith("#")]
    results = [{"source": source, "output": render(source, VARIABLES)} for source in sources]
    write("expressions_golden.json", {"variables": VARIABLES, "results": results})


if __name__ == "__main__":
    main()
