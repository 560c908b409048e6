#!/usr/bin/env python3
"""Keeps the reference in docs/c-api.md equal to the public headers: each function with the sentence that
stands above it, header by header.

usage: tools/c_api.py [--check]      --check writes nothing and fails where the page is stale"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/c-api.md"
MARK = "<!-- made by tools/c_api.py from include/tarn/: what follows is not edited by hand -->\n"
ORDER = ["session", "query", "stream", "frame", "expr", "delta", "table", "pipeline", "store", "text", "error",
         "version", "arrow_abi"]


def sentence(comment):
    """The text of a comment without its stars."""
    lines = [re.sub(r"^\s*\*? ?", "", line) for line in comment[2:-2].splitlines()]
    return " ".join(" ".join(lines).split())


def entries(text):
    """[comment, declaration] of each exported function."""
    text = re.sub(r"^[ \t]*#[^\n]*(?:\\\n[^\n]*)*\n", "\n\n", text, flags=re.M)
    last, end = "", 0
    for match in re.finditer(r"/\*.*?\*/|(?:TARN_FALLIBLE|TARN_API)\s[^;]*;", text, re.S):
        gap = text[end:match.start()]
        if match[0].startswith("/*"):
            if gap.count("\n") == 0 and end > 0:  # behind a declaration: it belongs to that one
                end = match.end()
                if FOUND and not FOUND[-1][0]:
                    FOUND[-1][0] = sentence(match[0])
                continue
            last = sentence(match[0])
            last = "" if last.startswith("----") else last
        else:
            if gap.strip() or gap.count("\n") > 1:
                last = ""
            FOUND.append([last, " ".join(match[0].split())])
            last = ""  # it speaks for those below it, too, but once
            yield FOUND[-1]
        end = match.end()


FOUND = []


def declaration(text):
    text = text.replace("TARN_FALLIBLE", "tarn_code").replace("TARN_API ", "").replace("TARN_MUST_USE ", "")
    return text.rstrip(";")


def reference():
    out = []
    names = [path.stem for path in (ROOT / "include/tarn").glob("*.h")]
    for name in ORDER + sorted(set(names) - set(ORDER) - {"tarn", "export"}):
        text = (ROOT / f"include/tarn/{name}.h").read_text()
        FOUND.clear()
        found = list(entries(text))
        head = sentence(re.match(r"\s*(/\*.*?\*/)", text, re.S)[1])
        out.append(f"\n## <tarn/{name}.h>\n\n{head.split(' - ', 1)[-1]}\n")
        for comment, code in found:
            out.append(f"\n- `{declaration(code)}`" + (f"  \n  {comment}" if comment else ""))
        out.append("\n" if found else "")
    return "".join(out)


def main():
    page = PAGE.read_text()
    fresh = page[:page.index(MARK)] + MARK + reference()
    if "--check" not in sys.argv:
        PAGE.write_text(fresh)
    elif page != fresh:
        print("docs/c-api.md is not what the headers say: run tools/c_api.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
