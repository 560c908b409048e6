"""Who the command is to S3: settings, environment, profiles; what is not read is refused by name."""
from support import Proxy, Tarn, answer, case, check

ANSWER = answer(200, "there", ETag='"x"', Last_Modified="Mon, 23 Nov 2026 12:00:00 GMT")
WITHOUT = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION",
           "AWS_PROFILE", "AWS_ENDPOINT_URL")


def asked(tarn, environment=(), files=(), options=(), endpoint=True):
    """The key, region and token that a request came with, and its path; the home has these files."""
    own = Tarn(tarn.path, tarn.folder, tarn.home)
    for name in (".aws/credentials", ".aws/config", ".config/tarn/config.toml"):
        own.file(name).unlink(missing_ok=True)
    with Proxy(lambda r: ANSWER) as proxy:
        for name, text in dict(files).items():
            own.write(name, text.replace("ENDPOINT", proxy.url))
        own.environment = {name: value for name, value in own.environment.items() if name not in WITHOUT}
        own.environment.update({**({"AWS_ENDPOINT_URL": proxy.url} if endpoint else {}), **dict(environment)})
        own.run("stat", "s3://lake/key", *options)
        headers = proxy.requests[0].headers
    credential = headers.get("authorization", "Credential=none/-/-").split("Credential=")[1].split("/")
    return credential[0], credential[2], headers.get("x-amz-security-token", "")


def refused(tarn, files=(), environment=(), options=()):
    own = Tarn(tarn.path, tarn.folder, tarn.home)
    for name in (".aws/credentials", ".aws/config"):
        own.file(name).unlink(missing_ok=True)
    for name, text in dict(files).items():
        own.write(name, text)
    own.environment = {name: value for name, value in own.environment.items() if name not in WITHOUT}
    return own.fails("stat", "s3://lake/key", *options, code=2, environment=environment)


def keys(name):
    return f"aws_access_key_id = {name}\naws_secret_access_key = {name}-secret\n"


FROM_ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "ENV", "AWS_SECRET_ACCESS_KEY": "s"}
PROFILES = {".aws/credentials": "[default]\n" + keys("DEFAULT") + "[other]\n" + keys("OTHER") + "aws_session_token = TOKEN\n",
            ".aws/config": "[default]\nregion = eu-west-1\n[profile other]\nregion = eu-west-2\n"
                           "[profile inline]\n" + keys("INLINE") + "region = eu-west-3\n"}


@case
def credentials_come_from_the_environment(tarn):
    check(asked(tarn, FROM_ENVIRONMENT) == ("ENV", "us-east-1", ""))
    check(asked(tarn, {**FROM_ENVIRONMENT, "AWS_SESSION_TOKEN": "T", "AWS_REGION": "eu-north-1"}) == ("ENV", "eu-north-1", "T"))
    check(asked(tarn, {**FROM_ENVIRONMENT, "AWS_DEFAULT_REGION": "eu-north-1"}, PROFILES) == ("ENV", "eu-north-1", ""))
    check(asked(tarn, {**FROM_ENVIRONMENT, "AWS_PROFILE": "other"}, PROFILES)[0] == "ENV")
    said = refused(tarn, environment={"AWS_ACCESS_KEY_ID": "ENV"})
    check("variable AWS_ACCESS_KEY_ID is given, and not AWS_SECRET_ACCESS_KEY" in said, said)


@case
def credentials_come_from_profiles(tarn):
    check(asked(tarn, (), PROFILES) == ("DEFAULT", "eu-west-1", ""))
    check(asked(tarn, {"AWS_PROFILE": "other"}, PROFILES) == ("OTHER", "eu-west-2", "TOKEN"))
    check(asked(tarn, {"AWS_PROFILE": "inline"}, PROFILES) == ("INLINE", "eu-west-3", ""))
    check(asked(tarn, FROM_ENVIRONMENT, PROFILES, ("--set", "s3.profile=other")) == ("OTHER", "eu-west-2", "TOKEN"))
    check(asked(tarn, {"AWS_SHARED_CREDENTIALS_FILE": str(tarn.file("own"))}, {"own": "[default]\n" + keys("OWN")})[0] == "OWN")
    check(asked(tarn, {"AWS_CONFIG_FILE": str(tarn.file("own"))}, {"own": "[default]\n" + keys("OWN")})[0] == "OWN")
    said = refused(tarn, PROFILES, {"AWS_PROFILE": "nobody"})
    check("'nobody'" in said and "sections of ~/.aws" in said, said)


@case
def endpoints_come_from_profiles_too(tarn):
    files = {".aws/config": "[default]\n" + keys("DEFAULT") + "endpoint_url = ENDPOINT\n"}
    check(asked(tarn, (), files, endpoint=False)[0] == "DEFAULT")
    files = {".config/tarn/config.toml": '[s3]\nendpoint = "ENDPOINT"\nregion = "eu-south-1"\n', **PROFILES}
    check(asked(tarn, (), files, endpoint=False)[:2] == ("DEFAULT", "eu-south-1"))


@case
def credentials_come_from_the_settings_file(tarn):
    settings = {".config/tarn/config.toml": '[s3]\naccess_key_id = "FILE"\nsecret_access_key = "s"\nregion = "eu-south-1"\n'}
    check(asked(tarn, (), settings)[:2] == ("FILE", "eu-south-1"))
    check(asked(tarn, FROM_ENVIRONMENT, settings)[:2] == ("ENV", "eu-south-1"))
    check(asked(tarn, FROM_ENVIRONMENT, (), ("--set", "s3.region=eu-central-1"))[:2] == ("ENV", "eu-central-1"))
    for name in ("s3.secret_access_key", "s3.access_key_id", "s3.session_token", "s3.secret"):
        said = tarn.fails("stat", "s3://lake/key", "--set", f"{name}=hidden", code=2)
        check("secret" in said and "hidden" not in said, said)


@case
def a_public_bucket_is_asked_without_a_signature(tarn):
    check(asked(tarn, (), (), ("--set", "s3.skip_signature=true"))[0] == "none")
    check(asked(tarn, FROM_ENVIRONMENT, (), ("--set", "s3.skip_signature=true"))[0] == "none")
    check(asked(tarn, (), ())[0] == "none")


@case
def credentials_that_are_not_read_are_named(tarn):
    for setting in ("credential_process = /bin/true", "sso_session = corp", "sso_start_url = https://x",
                    "role_arn = arn:aws:iam::1:role/x", "web_identity_token_file = /tmp/x", "credential_source = Environment"):
        name = setting.split()[0]
        for profile, environment in (("default", {}), ("profile corp", {"AWS_PROFILE": "corp"})):
            said = refused(tarn, {".aws/config": f"[{profile}]\n{setting}\n"}, environment)
            check(name in said and profile.split()[-1] in said and "export-credentials" in said, said)
    for variable in ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        said = refused(tarn, environment={variable: "/x"})
        check(variable in said and "export-credentials" in said, said)
    check(asked(tarn, (), {".aws/config": "[default]\ncredential_process = x\n", ".aws/credentials": "[default]\n" + keys("K")})[0] == "K")


@case
def no_credentials_and_a_refusal_say_what_to_set(tarn):
    from support import error
    own = Tarn(tarn.path, tarn.folder, tarn.home)
    own.environment = {name: value for name, value in own.environment.items() if name not in WITHOUT}
    with Proxy(lambda r: error(403, "AccessDenied")) as proxy:
        said = own.fails("stat", "s3://lake/key", code=2, environment={"AWS_ENDPOINT_URL": proxy.url})
    check("no credentials were found" in said and "AWS_PROFILE" in said and "s3.skip_signature" in said, said)


@case
def a_token_that_expires_is_read_anew(tarn):
    own = Tarn(tarn.path, tarn.folder, tarn.home)
    own.environment = {name: value for name, value in own.environment.items() if name not in WITHOUT}
    own.write(".aws/credentials", "[default]\n" + keys("OLD") + "aws_session_token = T1\n")

    def rule(r):
        from support import error
        if "Credential=OLD/" in r.headers["authorization"]:
            own.write(".aws/credentials", "[default]\n" + keys("NEW") + "aws_session_token = T2\n")
            return error(400, "ExpiredToken")
        return ANSWER
    with Proxy(rule) as proxy:
        own.run("stat", "s3://lake/key", environment={"AWS_ENDPOINT_URL": proxy.url})
        check(proxy.requests[-1].headers["x-amz-security-token"] == "T2")
