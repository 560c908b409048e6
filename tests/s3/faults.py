"""A store and a network that fail: each answer is mended, or named with its URL, its cause and a remedy."""
import json
import shutil
import ssl
import subprocess
import time

from support import (BUCKET, BUCKET_NAME, LOSE, RESET, STALL, SERVER, Proxy, Skipped, Tarn, answer, case, change, check,
                     cut_after, error, reset_after, stall_after)

FEW = ("--set", "s3.retries=3", "--set", "s3.retry_wait_ms=10")
ROWS = "SELECT range AS id, 'row ' || range AS t FROM range(%d)"


def once(answers, kinds):
    """The answers one after the other to requests of these kinds, then the truth."""
    left = list(answers)
    return lambda r: left.pop(0) if left and r.kind in kinds else None


def always(what, *kinds):
    return lambda r: what if not kinds or r.kind in kinds else None


def said_to(tarn, rule, code, *arguments, parts=(), options=FEW, **more):
    """What the command says, which names each of `parts`; and the same as JSON."""
    with Proxy(rule) as proxy:
        said = tarn.through(proxy).fails(*arguments, *options, code=code, **more)
        for part in parts:
            check(part in said, f"'{part}' is not said:", said)
        as_json = json.loads(tarn.through(proxy).fails(*arguments, *options, "--log-format", "json", code=code, **more)
                             .splitlines()[-1])
        check(all(part in as_json["message"] + as_json.get("subject", "") + as_json.get("hint", "") for part in parts),
              as_json)
        check(as_json["retryable"] == (code == 75), as_json)
        return said


@case
def answers_of_servers_under_load_are_tried_again(tarn):
    tarn.run("cp", "-", f"{tarn.home}/a", stdin=b"there")
    for spoilt in ([error(503, "SlowDown")] * 3, [error(500, "InternalError")] * 3, [error(502, ""), error(504, "")],
                   [answer(429)], [answer(408)], [RESET, RESET], [answer(503, "<html>proxy</html>")]):
        with Proxy(once(spoilt, ("get", "head"))) as proxy:
            check(tarn.through(proxy).run("cat", f"{tarn.home}/a") == b"there")
        with Proxy(once(spoilt, ("put",))) as proxy:
            tarn.through(proxy).run("cp", "-", f"{tarn.home}/b", stdin=b"two")
        check(tarn.run("cat", f"{tarn.home}/b") == b"two")
        tarn.run("rm", f"{tarn.home}/b")
        with Proxy(once(spoilt, ("list",))) as proxy:
            check("a" in tarn.through(proxy).run("ls", tarn.home + "/").decode())


@case
def a_store_that_replaces_what_is_protected_gets_no_commit(tarn):
    if SERVER != "moto":
        raise Skipped("a server that checks signatures sees that a header is gone")
    table, passed_over = f"{tarn.home}/table", "if-none-match"

    def deaf(r):
        if passed_over in r.headers:
            del r.headers[passed_over]

    def append(*more):
        return ("query", f"COPY (SELECT 1 AS a) TO '{table}' (FORMAT delta, MODE append)", *more)
    with Proxy(deaf) as proxy:
        said = tarn.through(proxy).fails(*append(), code=1)
        check("If-None-Match" in said and "s3.trust_conditional_put" in said and proxy.url in said, said)
        check(not [key for key in tarn.keys() if "_delta_log" in key], tarn.keys())
        tarn.through(proxy).run(*append("--set", "s3.trust_conditional_put=true"))
    tarn.write("p.toml", '[pipeline]\nname = "x"\n[[source]]\nid = "raw"\nuri = "in.csv"\n'
               f'[[sink]]\nfrom = "raw"\nto = "{tarn.home}/out"\n')
    tarn.write("in.csv", "a\n1\n")
    with Proxy(deaf) as proxy:
        said = tarn.through(proxy).fails("run", "p.toml", code=1)
        check("If-None-Match" in said, said)
        check(not [key for key in tarn.keys("out/") if key.endswith(".json")], tarn.keys("out/"))
    with Proxy() as proxy:  # asked once, three requests, and nothing stays
        tarn.through(proxy).run("query", "; ".join([append()[1]] * 3))
        check(proxy.count(lambda r: r.kind == "probe") == 3, [r.target for r in proxy.requests])
    check(not [key for key in tarn.keys() if ".tarn-probe" in key], tarn.keys())
    check(tarn.rows(f"SELECT count(*) FROM '{table}'") == [["4"]])


@case
def retry_after_is_obeyed(tarn):
    tarn.run("cp", "-", f"{tarn.home}/a", stdin=b"there")
    with Proxy(once([error(503, "SlowDown", Retry_After="2")], ("get", "head"))) as proxy:
        began = time.monotonic()
        check(tarn.through(proxy).run("cat", f"{tarn.home}/a") == b"there")
        check(time.monotonic() - began >= 2)


@case
def a_store_that_never_recovers_is_given_up(tarn):
    uri = f"{tarn.home}/a"
    host = "127.0.0.1:"
    for status, name in ((503, "SlowDown"), (500, "InternalError")):
        said_to(tarn, always(error(status, name)), 75, "cat", uri, parts=(uri, host, f"answered {status}", "after 3 attempts"))
        said_to(tarn, always(error(status, name)), 75, "ls", tarn.home + "/", parts=(tarn.home, f"answered {status}"))
    said_to(tarn, always(RESET), 75, "cat", uri, parts=(uri, host, "3 attempts"))
    tarn.run("cp", "-", uri, stdin=b"x" * 100_000)
    said_to(tarn, always(cut_after(0), "get"), 75, "cat", uri, parts=(uri, host))
    said_to(tarn, always(STALL), 75, "cat", uri, parts=(uri, "no byte for 200 ms"),
            options=(*FEW, "--set", "s3.idle_timeout_ms=200"))


@case
def a_body_that_breaks_off_goes_on_where_it_did(tarn):
    data = bytes(range(256)) * 80_000  # more than one range of 8 MiB
    tarn.run("cp", "-", f"{tarn.home}/large", stdin=data)
    for how in (cut_after, reset_after, stall_after):
        with Proxy(once([how(n) for n in (1, 70_000, 1_000_000)], ("get",))) as proxy:
            tarn.through(proxy).run("cp", f"{tarn.home}/large", "back", "--set", "s3.idle_timeout_ms=400", *FEW)
        check(tarn.file("back").read_bytes() == data, how.__name__)


@case
def answers_that_are_not_the_range_are_refused(tarn):
    tarn.run("cp", "-", f"{tarn.home}/a", stdin=b"0123456789" * 10_000)

    def other_range(status, headers, body):
        return status, {**{k: v for k, v in headers.items() if k.lower() != "content-range"},
                        "Content-Range": "bytes 5-99999/100000"}, body[5:]

    def truncated(status, headers, body):
        return status, headers, body[:-7]
    for spoil in (other_range, truncated):
        said_to(tarn, always(change(spoil), "get"), 75 if spoil is truncated else 1, "cat", f"{tarn.home}/a",
                parts=(f"{tarn.home}/a",))
    check(tarn.ran("cat", f"{tarn.home}/a").stdout == b"0123456789" * 10_000)


@case
def what_is_there_already_and_what_was_changed_meanwhile(tarn):
    uri = f"{tarn.home}/a"
    tarn.run("cp", "-", uri, stdin=b"first")
    said = tarn.fails("cp", "--no-clobber", "-", uri, code=1, stdin=b"second")
    check(uri in said and "already" in said, said)
    said = tarn.fails("cp", "--if-match", '"00000000000000000000000000000000"', "-", uri, code=75, stdin=b"second")
    check(uri in said and "changed" in said, said)
    with Proxy(once([error(409, "ConditionalRequestConflict")] * 2, ("put",))) as proxy:
        tarn.through(proxy).run("cp", "--no-clobber", "-", f"{tarn.home}/b", stdin=b"two")
    check(tarn.run("cat", f"{tarn.home}/b") == b"two")
    said_to(tarn, always(error(409, "OperationAborted"), "put"), 75, "cp", "-", uri, parts=(uri, "409"))


@case
def a_bucket_that_is_not_there_is_named(tarn):
    for arguments in (("cat", "s3://tarn-not-there/x"), ("ls", "s3://tarn-not-there/"), ("cp", "-", "s3://tarn-not-there/x"),
                      ("query", "SELECT * FROM 's3://tarn-not-there/x.csv'")):
        said = tarn.fails(*arguments, code=1)
        check("tarn-not-there" in said, said)
    said = tarn.fails("ls", "s3://tarn-not-there/", code=1)
    check("no bucket 'tarn-not-there'" in said, said)


@case
def a_wrong_clock_is_learnt_or_named(tarn):
    tarn.run("cp", "-", f"{tarn.home}/a", stdin=b"there")
    skewed = error(403, "RequestTimeTooSkewed", Date="Mon, 23 Nov 2026 12:00:00 GMT")
    dates = []

    def rule(r):
        dates.append(r.headers.get("x-amz-date"))
        if not dates[-1].startswith("20261123T1200"):
            return skewed
        return answer(200, "there", ETag='"x"', Last_Modified="Mon, 23 Nov 2026 12:00:00 GMT")
    with Proxy(rule) as proxy:
        tarn.through(proxy).run("stat", f"{tarn.home}/a")
    check(dates[-1].startswith("20261123T1200"), dates)
    said_to(tarn, always(skewed), 2, "cat", f"{tarn.home}/a", parts=(f"{tarn.home}/a", "clock"))


@case
def a_wrong_region_is_learnt_or_named(tarn):
    uri = f"{tarn.home}/a"
    tarn.run("cp", "-", uri, stdin=b"there")
    elsewhere = {"x_amz_bucket_region": "eu-north-1"}
    for first in (answer(301, **elsewhere), answer(400, **elsewhere),
                  error(400, "AuthorizationHeaderMalformed", "so</Message><Region>eu-north-1</Region><Message>")):
        signed = []

        def rule(r, first=first, signed=signed):
            signed.append("/eu-north-1/s3/" in r.headers.get("authorization", ""))
            return answer(206, "t", ETag='"x"', Content_Range="bytes 0-0/5") if signed[-1] else first
        with Proxy(rule) as proxy:
            tarn.through(proxy).run("stat", uri)
        check(signed[0] is False and signed[-1] is True and len(signed) <= 3, first, signed)
    said_to(tarn, always(answer(301)), 1, "stat", uri, parts=(uri, "s3.region"))


@case
def credentials_that_are_refused_say_what_to_do(tarn):
    uri = f"{tarn.home}/a"
    for status, name, remedy in ((400, "ExpiredToken", "expired"), (400, "InvalidToken", "AWS_SESSION_TOKEN"),
                                 (403, "InvalidAccessKeyId", "access key"), (403, "SignatureDoesNotMatch", "secret key"),
                                 (403, "AccessDenied", "may not")):
        said_to(tarn, always(error(status, name)), 2, "cp", "-", uri, parts=(uri, name, remedy))
        said_to(tarn, always(error(status, name)), 2, "ls", tarn.home + "/", parts=(tarn.home, name, remedy))
    said = said_to(tarn, always(error(403, "AccessDenied", "the secret is " + "tarn-test-secret")), 2, "cp", "-", uri)
    check("tarn-test-secret" not in said, said)


@case
def bytes_spoilt_on_their_way_to_the_store_are_not_kept(tarn):
    if SERVER == "moto":
        raise Skipped("moto looks at no checksum")
    spoilt = []

    def rule(r):
        if r.kind in ("put", "part") and len(spoilt) < 2:
            spoilt.append(r)
            r.body = b"X" + r.body[1:]
        return None
    with Proxy(rule) as proxy:
        tarn.through(proxy).run("cp", "-", f"{tarn.home}/a", stdin=b"there", environment={})
        check(len(spoilt) == 2)
    check(tarn.run("cat", f"{tarn.home}/a") == b"there")
    said_to(tarn, always(error(400, "BadDigest")), 75, "cp", "-", f"{tarn.home}/a", parts=("BadDigest", f"{tarn.home}/a"))


@case
def an_object_that_is_replaced_while_it_is_read_is_an_error(tarn):
    lines = "t\n" + "".join(f"{i:09}\n" for i in range(2_000_000))  # 20 MB
    tarn.write("v1.csv", lines)
    tarn.write("v2.csv", lines.replace("9", "8"))
    tarn.run("query", f"COPY ({ROWS % 3_000_000}) TO 'p.parquet'")
    for name, of in (("t.csv", "v1.csv"), ("t.parquet", "p.parquet")):
        uri = f"{tarn.home}/{name}"
        for arguments in (("cat", uri), ("cp", uri, "back"), ("query", f"SELECT max(upper(t)) FROM '{uri}'")):
            tarn.run("cp", of, uri)
            seen = []

            def rule(r, seen=seen, uri=uri):
                seen.append(r.kind)
                if r.kind == "get" and seen.count("get") == 2:
                    tarn.run("cp", "v2.csv", uri)
                return None
            with Proxy(rule) as proxy:
                said = tarn.through(proxy).fails(*arguments, code=75)
            check(uri in said and "changed while being read" in said, said)
            check(not tarn.file("back").exists(), "half of each was copied")


def commit_with(tarn, name, rule, code=0):
    """An append to a table of one version, whose commit meets `rule`; what was said, and the table's rows after it."""
    table = f"{tarn.home}/{name}"
    tarn.run("query", f"COPY ({ROWS % 10}) TO '{table}' (FORMAT delta)")
    with Proxy(lambda r: rule(r) if r.key.endswith("1.json") else None) as proxy:
        ran = tarn.through(proxy).ran("query", f"COPY ({ROWS % 7}) TO '{table}' (FORMAT delta, MODE append)", *FEW)
    said = ran.stderr.decode()
    check(ran.returncode == code, name, "exit", ran.returncode, said)
    return said, tarn.rows(f"SELECT count(*), count(DISTINCT id) FROM '{table}'")


@case
def a_commit_whose_answer_was_lost_is_looked_up(tarn):
    def broken(status, headers, body):
        return 500, {}, b"<Error><Code>InternalError</Code></Error>"

    def conflict(status, headers, body):
        return 409, {}, b"<Error><Code>ConditionalRequestConflict</Code></Error>"
    for name, first in (("lost", LOSE), ("done-500", change(broken)), ("done-409", change(conflict)),
                        ("reset", RESET), ("not-done-500", error(500, "InternalError")),
                        ("slow", error(503, "SlowDown"))):
        _, rows = commit_with(tarn, name, once([first], ("put",)))
        check(rows == [["17", "10"]], name, rows)


@case
def a_commit_that_nobody_can_look_up_keeps_its_files(tarn):
    lost = []

    def rule(r):
        if r.kind == "put" and not lost:
            lost.append(r)
            return LOSE
        return error(503, "SlowDown") if lost else None
    said, rows = commit_with(tarn, "t", rule, code=75)
    check("nobody can say whether the commit to" in said and f"{tarn.home}/t" in said and "nothing was deleted" in said, said)
    check(rows == [["17", "10"]], "its data went away", rows)


@case
def a_commit_that_another_writer_won_is_rebased(tarn):
    table = f"{tarn.home}/t"
    other = []

    def rule(r):
        if r.kind == "put" and not other:
            other.append(r)
            tarn.run("query", f"COPY ({ROWS % 5}) TO '{table}' (FORMAT delta, MODE append)")
            return LOSE  # it is refused, and we are not told
        return None
    _, rows = commit_with(tarn, "t", rule)
    check(rows == [["22", "10"]], rows)


@case
def a_data_file_whose_answer_was_lost_is_put_again(tarn):
    def conflict(status, headers, body):
        return 409, {}, b"<Error><Code>ConditionalRequestConflict</Code></Error>"
    for name, spoilt in (("lost", [LOSE]), ("twice", [LOSE, LOSE]), ("done-409", [change(conflict)]),
                         ("done-500", [change(lambda *_: (500, {}, b""))])):
        table = f"{tarn.home}/{name}"
        put = once(spoilt, ("put",))
        with Proxy(lambda r: put(r) if r.key.endswith(".parquet") else None) as proxy:
            tarn.through(proxy).run("query", f"COPY ({ROWS % 10}) TO '{table}' (FORMAT delta)", *FEW)
            check(proxy.count(lambda r: r.kind == "put" and r.key.endswith(".parquet")) == 1 + len(spoilt), name)
        check(tarn.rows(f"SELECT count(*), count(DISTINCT id) FROM '{table}'") == [["10", "10"]], name)
        check(sum(key.endswith(".parquet") for key in tarn.keys(name + "/")) == 1, name)


# ---- nobody there ----


def unreachable(tarn, endpoint, text, hint, retryable=True, **environment):
    for arguments, uri in ((("cat", f"{BUCKET}/k"), f"{BUCKET}/k"), (("ls", f"{BUCKET}/"), f"{BUCKET}/"),
                           (("cp", "-", f"{BUCKET}/k"), f"{BUCKET}/k")):
        wanted = f"'{uri}': {text}"
        spoken = {"AWS_ENDPOINT_URL": endpoint, **environment}
        left = 75 if retryable else 2
        said = tarn.fails(*arguments, code=left, environment=spoken)
        check(said == f"error: {wanted}\n  hint: {hint}\n", said)
        said = json.loads(tarn.fails(*arguments, "--log-format", "json", code=left, environment=spoken))
        check(said == {"level": "error", "code": "unavailable" if retryable else "auth", "message": wanted, "subject": uri,
                       "hint": hint, "retryable": retryable}, said)


@case
def a_store_that_cannot_be_reached_is_named(tarn):
    hint = "is the endpoint right, and does it run? (s3.endpoint)"
    unreachable(tarn, "http://127.0.0.1:9", "127.0.0.1:9: Couldn't connect to server, after 3 attempts", hint)
    unreachable(tarn, "http://no-such-host.invalid:9000",
                "no-such-host.invalid:9000: Couldn't resolve host name, after 3 attempts", hint)


@case
def tls_that_fails_is_named(tarn):
    if not shutil.which("openssl"):
        raise Skipped("openssl is not installed")
    with Proxy() as proxy:  # speaks no TLS
        proxy.serve = lambda peer: (peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"), peer.recv(999), peer.close())
        at = f"127.0.0.1:{proxy.port}"
        unreachable(tarn, f"https://{at}", f"{at}: SSL connect error, after 3 attempts",
                    "is the endpoint right, and does it speak TLS? (s3.endpoint)")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=tarn", "-addext",
                    "subjectAltName=IP:127.0.0.1", "-keyout", tarn.file("key"), "-out", tarn.file("own.pem")],
                   check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tarn.file("own.pem"), tarn.file("key"))
    with Proxy(tls=context) as proxy:
        at = f"127.0.0.1:{proxy.port}"
        unreachable(tarn, f"https://{at}", f"{at}: its TLS certificate is not trusted",
                    "for a private certificate authority set s3.ca_file to its certificate", retryable=False)
        tarn.run("cp", "-", f"{tarn.home}/a", stdin=b"there")
        check(tarn.run("cat", f"{tarn.home}/a", environment={"AWS_ENDPOINT_URL": f"https://{at}",
                                                             "AWS_CA_BUNDLE": str(tarn.file("own.pem"))}) == b"there")
