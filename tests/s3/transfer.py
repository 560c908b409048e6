"""Moving bytes and reading them where they lie: odd keys, many objects, queries, tables, refusals."""
import concurrent.futures
import hashlib
import pathlib
import time
import urllib.parse

from support import BUCKET, SERVER, Proxy, Skipped, answer, case, check


@case
def a_small_object_goes_there_and_back(tarn):
    pathlib.Path(tarn.folder, "in.txt").write_text("one\ntwo\n")
    tarn.run("cp", "in.txt", f"{tarn.home}/a.txt")
    assert tarn.run("cat", f"{tarn.home}/a.txt") == b"one\ntwo\n"
    assert b"a.txt" in tarn.run("ls", f"{tarn.home}/")
    assert b"8" in tarn.run("stat", f"{tarn.home}/a.txt")
    tarn.run("cp", f"{tarn.home}/a.txt", "back.txt")
    assert pathlib.Path(tarn.folder, "back.txt").read_text() == "one\ntwo\n"
    tarn.run("rm", f"{tarn.home}/a.txt")
    tarn.run("cat", f"{tarn.home}/a.txt", code=1)


@case
def an_empty_object_is_an_object(tarn):
    tarn.run("cp", "-", f"{tarn.home}/empty")
    assert tarn.run("cat", f"{tarn.home}/empty") == b""


@case
def a_large_object_goes_in_parts(tarn):
    block = hashlib.sha256(b"seed").digest() * 32768
    data = b"".join(block[i:] + block[:i] for i in range(37))
    pathlib.Path(tarn.folder, "large").write_bytes(data)
    tarn.run("cp", "large", f"{tarn.home}/large")
    tarn.run("cp", f"{tarn.home}/large", "back")
    assert pathlib.Path(tarn.folder, "back").read_bytes() == data


@case
def keys_keep_their_bytes(tarn):
    for name in ("with blank", "plus+sign", "per%cent", "per%2Fcent", "ümlaut-中", "a=b&c", "quo'te", "(x)", "semi;colon",
                 "at@", "tilde~", "star*", "hash#", "ques?tion"):
        uri = f"{tarn.home}/keys/{name}"
        tarn.run("cp", "-", uri, stdin=name.encode())
        assert tarn.run("cat", uri) == name.encode(), name
        if SERVER != "versitygw" or not any(c in name for c in "%=&?#'()*"):  # its list encodes these otherwise
            assert name in tarn.run("ls", f"{tarn.home}/keys/").decode(), name


@case
def a_pattern_of_ls_shows_folders(tarn):
    for key in ("d1/a", "d1/sub/b", "d2/c", "dfile", "e/d"):
        tarn.run("cp", "-", f"{tarn.home}/p/{key}", stdin=key.encode())

    def listed(*arguments):
        names = tarn.run("ls", *arguments).decode().splitlines()
        return [name.split(f"{tarn.home}/p/")[1] for name in names]

    assert listed(f"{tarn.home}/p/d*") == ["d1/", "d2/", "dfile"]
    assert listed("-r", f"{tarn.home}/p/d*") == ["d1/a", "d1/sub/b", "d2/c", "dfile"]
    assert listed(f"{tarn.home}/p/*/sub") == ["d1/sub/"]
    assert listed(f"{tarn.home}/p/*/?") == ["d1/a", "d2/c", "e/d"]
    assert "no file or folder matches" in tarn.fails("ls", f"{tarn.home}/p/z*", code=1)


@case
def many_objects_are_listed_in_pages(tarn):
    folder = pathlib.Path(tarn.folder, "many")
    folder.mkdir()
    for i in range(1205):
        (folder / f"{i:04}").write_text(str(i))
    tarn.run("cp", "-r", "many", f"{tarn.home}/many")
    names = tarn.run("ls", "-r", f"{tarn.home}/many/").decode().split()
    assert sum(name.endswith(tuple("0123456789")) and "many/" in name or name.isdigit() for name in names) >= 1205, len(names)
    with Proxy() as proxy:
        tarn.through(proxy).run("rm", "-r", "--yes", f"{tarn.home}/many")
        asked = proxy.count(lambda r: r.kind == "delete")
    assert asked == 2, f"{asked} requests to delete 1205 objects"
    tarn.run("ls", f"{tarn.home}/many/", code=1)  # as `aws s3 ls`: nothing is there


@case
def no_clobber_leaves_what_is_there(tarn):
    tarn.run("cp", "-", f"{tarn.home}/kept", stdin=b"first")
    tarn.run("cp", "--no-clobber", "-", f"{tarn.home}/kept", stdin=b"second", code=1)
    assert tarn.run("cat", f"{tarn.home}/kept") == b"first"


@case
def what_is_not_there_is_named(tarn):
    tarn.run("cat", f"{tarn.home}/nothing", code=1)
    tarn.run("cat", "s3://tarn-no-such-bucket/nothing", code=1)


@case
def a_wrong_secret_is_refused(tarn):
    if SERVER == "moto":
        raise Skipped("moto checks no signatures")
    tarn.run("cat", f"{tarn.home}/nothing", code=2, environment={"AWS_SECRET_ACCESS_KEY": "wrong"})


@case
def a_server_that_is_gone_is_worth_another_try(tarn):
    tarn.run("cat", f"{tarn.home}/nothing", code=75, environment={"AWS_ENDPOINT_URL": "http://127.0.0.1:9"})


@case
def csv_is_queried_where_it_lies(tarn):
    text = "id,name\n" + "".join(f"{i},name {i}\n" for i in range(100_000))
    tarn.run("cp", "-", f"{tarn.home}/t.csv", stdin=text.encode())
    assert tarn.rows(f"SELECT count(*), sum(id), max(name) FROM '{tarn.home}/t.csv'") == [["100000", "4999950000", "name 99999"]]


@case
def parquet_is_written_and_read(tarn):
    tarn.run("query", f"COPY (SELECT column1 AS id FROM (VALUES (1), (2), (3))) TO '{tarn.home}/t.parquet'")
    assert tarn.rows(f"SELECT sum(id) FROM '{tarn.home}/t.parquet'") == [["6"]]


@case
def a_delta_table_lives_there(tarn):
    uri = f"{tarn.home}/table"
    tarn.run("table", "create", uri, "--schema", "id BIGINT, day DATE", "--partition-by", "day")
    for n in range(3):
        pathlib.Path(tarn.folder, "in.jsonl").write_text(f'{{"id": {n}, "day": "2024-01-0{n + 1}"}}\n')
        tarn.run("table", "write", uri, "in.jsonl", "--mode", "append")
    assert tarn.rows(f"SELECT count(*), sum(id) FROM delta_scan('{uri}')") == [["3", "3"]]
    assert tarn.rows(f"SELECT count(*) FROM delta_scan('{uri}', version => 1)") == [["1"]]


@case
def writers_race_and_nobody_loses(tarn):
    uri = f"{tarn.home}/race"
    tarn.run("table", "create", uri, "--schema", "id BIGINT")

    def append(n):
        path = pathlib.Path(tarn.folder, f"race{n}.jsonl")
        path.write_text(f'{{"id": {n}}}\n')
        for _ in range(20):
            ran = tarn.ran("table", "write", uri, path, "--mode", "append")
            if ran.returncode != 75:
                break
        assert ran.returncode == 0, ran.stderr.decode()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(append, range(24)))
    assert tarn.rows(f"SELECT count(*), count(DISTINCT id) FROM delta_scan('{uri}')") == [["24", "24"]]


@case
def a_buckets_name_alone_is_a_folder(tarn):
    tarn.write("alone.txt", "there")
    tarn.run("cp", "alone.txt", BUCKET)
    assert tarn.run("cat", f"{BUCKET}/alone.txt") == b"there"
    tarn.run("rm", f"{BUCKET}/alone.txt")


@case
def folders_go_there_and_back(tarn):
    for name in ("d/a.txt", "d/sub/b.txt", "d/x y.txt"):
        tarn.write(name, name)
    for target in (f"{tarn.home}/up", f"{tarn.home}/slash/"):
        tarn.run("cp", "-r", "-j", "3", "d", target)
        names = [line.removeprefix(target.rstrip("/") + "/") for line in tarn.run("ls", "-r", target).decode().splitlines()]
        assert names == ["a.txt", "sub/b.txt", "x y.txt"], names
    tarn.run("cp", "-r", f"{tarn.home}/up", f"{tarn.home}/copy")  # by the server
    tarn.run("cp", "-r", f"{tarn.home}/copy", "back")
    assert tarn.file("back/sub/b.txt").read_text() == "d/sub/b.txt"
    tarn.run("cp", f"{tarn.home}/up/*.txt", "flat/")
    assert sorted(path.name for path in tarn.file("flat").iterdir()) == ["a.txt", "x y.txt"]
    assert tarn.run("cat", f"{tarn.home}/up/**/*.txt") == b"d/a.txtd/sub/b.txtd/x y.txt"
    said = tarn.fails("cp", f"{tarn.home}/up", "x", code=2)
    assert "-r copies all that is in it" in said, said
    said = tarn.fails("rm", f"{tarn.home}/up", code=2)
    assert "-r removes all that is in it" in said, said
    tarn.run("rm", "--dry-run", "-r", f"{tarn.home}/up")
    tarn.run("rm", f"{tarn.home}/up/*.txt")
    assert tarn.run("ls", "-r", f"{tarn.home}/up").decode().split() == [f"{tarn.home}/up/sub/b.txt"]
    said = tarn.fails("cp", "--no-clobber", "d/sub/b.txt", f"{tarn.home}/up/sub/b.txt", code=1)
    assert said == (f"error: copying 'd/sub/b.txt' to '{tarn.home}/up/sub/b.txt': "
                    f"'{tarn.home}/up/sub/b.txt' is already there\n"), said
    said = tarn.fails("stat", f"{tarn.home}/none", code=1)
    assert said.startswith(f"error: '{tarn.home}/none' is not there"), said


@case
def a_long_copy_shows_how_far_it_came(tarn):
    tarn.write("large", b"0123456789abcdef" * (5 << 20))  # 80 MiB

    def slowly(r):
        if r.kind in ("part", "get"):
            time.sleep(0.4)
    with Proxy(slowly) as proxy:
        said = tarn.through(proxy).ran("cp", "large", f"{tarn.home}/large", "--progress", "always").stderr
        assert b"] " in said and b"100 %" in said and b"84 MB" in said, said
        before = proxy.count(lambda r: r.kind == "get")
        said = tarn.through(proxy).ran("cp", f"{tarn.home}/large", "back", "--progress", "always").stderr
        assert b"100 %" in said, said
        assert proxy.count(lambda r: r.kind == "get") - before == 11, "ranges of 8 MiB, after one of 4"
    assert tarn.file("back").read_bytes() == tarn.file("large").read_bytes()
    assert tarn.ran("cp", "large", f"{tarn.home}/large").stderr == b""


def listing(*keys):
    """A page of a bucket that holds these."""
    found = "".join(f"<Contents><Key>{urllib.parse.quote(key)}</Key><Size>4</Size><ETag>\"e\"</ETag>"
                    "<LastModified>2024-01-01T00:00:00.000Z</LastModified></Contents>" for key in sorted(keys))
    return answer(200, '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
                  f"<EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>{found}</ListBucketResult>", Content_Type="application/xml")


@case
def a_key_chooses_no_file_outside_of_the_target(tarn):
    tarn.write("dl/in/kept", "kept")
    below = tarn.home.removeprefix(BUCKET + "/") + "/p/"

    def bucket_of(*keys):
        return Proxy(lambda r: listing(*(below + key for key in keys)) if r.kind == "list" else None)
    for evil in ("../evil", "../../evil", "a/../../../evil", "..", "a/..", "./kept", "a/./b"):
        for target in ("dl/in/", "dl/in", f"file://{tarn.folder}/dl/in"):
            with bucket_of("good", evil) as proxy:
                said = tarn.through(proxy).fails("cp", "-r", f"{tarn.home}/p/", target, code=1)
                check(f"'{tarn.home}/p/{evil}' has a '.' or '..' as a part of its name" in said and
                      "nothing was copied" in said and "hint: 'tarn cp URI FILE'" in said, said)
                check(not proxy.count(lambda r: r.kind == "get"), "nothing is read")
    names = ["%2e%2e/evil", "...", "a..b", "good"]  # as any other
    for name in names:
        tarn.run("cp", "-", f"{tarn.home}/p/{name}", stdin=b"good")
    with bucket_of(*names) as proxy:
        tarn.through(proxy).run("cp", "-r", f"{tarn.home}/p/", f"file://{tarn.folder}/names")
    check(sorted(str(path.relative_to(tarn.file("names"))) for path in tarn.file("names").rglob("*") if path.is_file()) ==
          sorted(names))
    with bucket_of("x", "/x") as proxy:
        said = tarn.through(proxy).fails("cp", "-r", f"{tarn.home}/p/", "dl/in/", code=1)
        check(f"'{tarn.home}/p//x' and '{tarn.home}/p/x' would both go to 'dl/in/x': nothing was copied" in said, said)
    check(sorted(path.name for path in tarn.file(".").rglob("*") if path.is_file() and "names" not in path.parts) ==
          ["kept"] and tarn.file("dl/in/kept").read_text() == "kept", "an outside file was written")
