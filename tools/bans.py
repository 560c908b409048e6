#!/usr/bin/env python3
"""Fails where a tracked file has what must not be in it: functions that have a better replacement
here, unfinished places, paths of this machine, hosts of its package registries, files that are too
large or too long.

usage: tools/bans.py [ROOT]"""
import os
import pathlib
import re
import subprocess
import sys

# (functions, where they are allowed all the same, what to use instead)
FUNCTIONS = [
    ("malloc calloc realloc reallocarray free aligned_alloc posix_memalign memalign valloc strdup "
     "strndup asprintf vasprintf getline getdelim open_memstream qsort qsort_r",
     ("src/base/pool.c",), "memory comes from a pool, an arena or a buffer, and is charged there"),
    ("strcpy strcat stpcpy strncpy strncat sprintf vsprintf gets",
     (), "tn_text, snprintf or memcpy with sizes that were checked"),
    ("atoi atol atoll atof scanf sscanf fscanf strtok strtok_r",
     (), "a parser that reports what it could not take"),
    ("gmtime localtime ctime asctime mktime timegm setlocale rand srand random srandom",
     (), "the calendar and random numbers of this project: no locale, no hidden state"),
    ("setenv putenv unsetenv alloca system popen tmpnam tempnam mktemp setjmp longjmp sigsetjmp "
     "siglongjmp exit",
     ("src/cli/",), "nothing: a library must not do this to its host"),
    ("printf vprintf puts putchar perror",
     ("src/cli/",), "an error or a result; the library never prints"),
]
STREAMS = re.compile(r"\b(stdout|stderr)\b")
PRINTS = ("src/cli/",)
# In capitals only, and spelt apart, so that this file may name them.
UNFINISHED = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK",
                                           "not imple" + "mented", "unimple" + "mented",
                                           "st" + "ub")) + r")\b")
FILE_SIZE_MAX = 4_000_000
SOURCE_LINES_MAX = 1000


def code_only(text):
    """C with comments and the insides of literals blanked, line breaks kept."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)

    def blank(match):
        found = match[0]
        return '""' if found[0] in "\"'" else "\n" * found.count("\n")
    return pattern.sub(blank, text)


def allowed(path, places):
    return any(path == place or place.endswith("/") and path.startswith(place) for place in places)


def source_faults(path, text):
    code = code_only(text)
    for number, line in enumerate(code.splitlines(), 1):
        for names, places, instead in FUNCTIONS:
            if allowed(path, places):
                continue
            # a member of that name is another function
            for match in re.finditer(r"(?<![\w.>])(" + "|".join(names.split()) + r")\s*\(", line):
                yield f"{path}:{number}: {match[1]}: use {instead}"
        if STREAMS.search(line) and not allowed(path, PRINTS):
            yield f"{path}:{number}: the library never prints"
    for number, line in enumerate(text.splitlines(), 1):
        if match := UNFINISHED.search(line):
            yield f"{path}:{number}: '{match[0]}': finish it, or say in the documentation what is missing"
    lines = text.count("\n")
    if lines > SOURCE_LINES_MAX:
        yield f"{path}: {lines} lines; a file holds one noun"


def registry_hosts():
    """From the settings of the clients themselves, so that no list of hosts stands here."""
    home = pathlib.Path.home()
    texts = [os.environ.get(name, "") for name in
             ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "GOPROXY", "UV_INDEX_URL", "NPM_CONFIG_REGISTRY")]
    settings = ["/etc/pip.conf", home / ".pip/pip.conf", home / ".config/pip/pip.conf", home / ".npmrc",
                home / ".cargo/config.toml", home / ".cargo/config", home / ".m2/settings.xml",
                home / ".config/go/env", "/etc/apt/sources.list",
                *pathlib.Path("/etc/apt").glob("sources.list.d/*")]
    for path in settings:
        try:
            texts.append(pathlib.Path(path).read_text(encoding="utf-8", errors="replace"))
        except OSError:
            pass
    hosts = set()
    for text in texts:
        for match in re.finditer(r"https?://(?:[^/\s\"'@]*@)?([^/\s\"',|<:]+)", text):
            hosts.add(match[1])
    # names of XML schemas, not of servers
    common = ("localhost", "127.0.0.1", "maven.apache.org", "www.w3.org")
    return sorted(host for host in hosts if host not in common)


def machine_words(root):
    places = {str(root.parent) + "/", str(pathlib.Path.home()) + "/"}
    # Where a clone may lie on any machine, and what scripts may name for other reasons.
    ordinary = {"/", "//", "/tmp/", "/home/", "/opt/", "/srv/", "/mnt/", "/media/", "/var/", "/usr/src/"}
    return sorted(places - ordinary) + registry_hosts()


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    listed = subprocess.run(["git", "-C", root, "ls-files", "-z"], capture_output=True, check=False)
    if listed.returncode != 0:
        print("SKIPPED: not a git work tree")
        return 0
    words = machine_words(root)
    found = []
    for path in filter(None, listed.stdout.decode().split("\0")):
        file = root / path
        if not file.is_file():
            continue
        data = file.read_bytes()
        if len(data) > FILE_SIZE_MAX:
            found.append(f"{path}: {len(data)} bytes; each clone pays for it")
        if b"\0" in data[:8192]:
            continue
        text = data.decode("utf-8", "replace")
        for number, line in enumerate(text.splitlines(), 1):
            found += [f"{path}:{number}: names this machine or a registry: {word}"
                      for word in words if word in line]
        if path.endswith((".c", ".h")) and path.startswith(("src/", "include/")):
            found += source_faults(path, text)
    print("\n".join(found) if found else "nothing that is banned")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
