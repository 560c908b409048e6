# A secret that comes by a wrong road, or in a line that cannot be read, is in no message and no list.
mkdir -p .config/tarn
{
HOME=$PWD
export HOME
for line in 'secret_access_key = hunter2' 'secret_access_key = "hunter2' 'session_token = hunter2 x' \
    'secret_access_key hunter2'; do
    printf '[s3]\nregion = "x"\n%s\n' "$line" > .config/tarn/config.toml
    tarn query "SELECT 1"
done
printf 's3.secret_access_key = hunter2\n' > .config/tarn/config.toml
tarn query "SELECT 1"
printf '[s3]\nregion = hunter1\n' > .config/tarn/config.toml # no secret: shown
tarn query "SELECT 1"
rm .config/tarn/config.toml
AWS_ENDPOINT_URL=http://user:hunter2@127.0.0.1:1 tarn config | grep endpoint
AWS_ENDPOINT_URL=http://user:hunter2@127.0.0.1:1 tarn query "SHOW ALL" | grep endpoint
for sql in "SET s3.secret_access_key='hunter2' oops" "SET s3.secret_access_key=hunter2'" \
    "SET s3.secret_access_key=hunter2" "SET S3.SESSION_TOKEN TO 'hunter2'" \
    "SELECT 1; SET s3.secret_access_key='hunter2'; SELECT oops"; do
    tarn query "$sql"
    printf '{"sql":"%s"}\n' "$sql" | tarn shell --json
done
tarn query --set s3.secret_access_key=hunter2 "SELECT 1"
} 2>&1 | sed "s#$PWD#.#"
