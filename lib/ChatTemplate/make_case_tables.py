"""Writes CaseTables.inc: characters whose upper or title case is more than one character, by Python's Unicode tables."""

import sys


def table(name, convert):
    rows = []
    for code in range(sys.maxunicode + 1):
        result = convert(chr(code))
        if len(result) > 1:
            text = "".join(f"\\x{byte:02x}" for byte in result.encode())
            rows.append(f'    {{0x{code:04X}, "{text}"}},')
    return f"constexpr LongCase {name}[] = {{\n" + "\n".join(rows) + "\n};\n"


print("// Written by make_case_tables.py.")
print(table("LongUpper", str.upper), end="")
print(table("LongTitle", str.title), end="")
