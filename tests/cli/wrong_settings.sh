# A value that a setting cannot have is told when it is set, wherever it comes from: exit 2, and
# nothing has run.
for pair in s3.retries=x s3.retries=-1 s3.retry_timeout_s=1e3 s3.retry_wait_ms=60001 \
    s3.connect_timeout_ms=1s s3.idle_timeout_ms= s3.part_size=8MB s3.path_style=maybe \
    s3.allow_http=perhaps s3.skip_signature=2 seed=x seed=99999999999999999999 codec=foo \
    optimizer_disabled=fold,foo optimizer_disabled=unnest temp_dir=nowhere preserve_order=maybe \
    deterministic=x parquet_plain=x memory=lots threads=many timezone=Europe/Berlin; do
    echo "-- $pair"
    tarn query --set "$pair" "SELECT 1 AS ran" 2>&1
    echo "= $?"
done
echo '-- values that are fine'
tarn query --set s3.retries=3 --set S3.PATH_STYLE=Off --set seed=7 --set codec=ZSTD --set temp_dir=. \
    --set 'optimizer_disabled= fold , top_n,' --set temp_dir= "SELECT 1 AS ran"
echo '-- SET'
tarn query "SET codec = 'foo'" 2>&1
echo "= $?"
echo '-- the environment'
TARN_S3_RETRIES=x tarn query "SELECT 1 AS ran" 2>&1
echo "= $?"
TARN_THREADS=many tarn ls 2>&1
echo "= $?"
echo '-- what other programs read, too, is told where it is needed'
AWS_ALLOW_HTTP=perhaps tarn query "SELECT 1 AS ran" 2>&1
echo "= $?"
echo '-- a file of settings'
XDG_CONFIG_HOME=$PWD export XDG_CONFIG_HOME
mkdir tarn
printf '# mine\nthreads = 2\n[s3]\nretries = "x"\n' >tarn/config.toml
tarn query "SELECT 1 AS ran" 2>&1 | sed "s#$PWD#HERE#"
printf 'codec = "foo"\n' >tarn/config.toml
tarn query --set codec=zstd "SELECT 1 AS ran" 2>&1 | sed "s#$PWD#HERE#"
printf 'retries = 1\n' >tarn/config.toml
tarn query "SELECT 1 AS ran" 2>&1 | sed "s#$PWD#HERE#"
