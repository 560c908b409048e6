# Files of settings lose to the environment, which loses to the command line.
XDG_CONFIG_HOME=$PWD export XDG_CONFIG_HOME
mkdir tarn
cat >tarn/config.toml <<'END'
threads = 3
preserve_order = false
[s3]
region = "eu-north-1"
END
unset AWS_REGION
for name in threads preserve_order s3.region; do
    tarn query "SHOW $name"
done
TARN_THREADS=5 tarn query "SHOW threads"
tarn query --threads 7 "SHOW threads"
tarn query "SET threads = 9; RESET threads; SHOW threads"
printf 'threads = 3\nthraeds = 4\n' >tarn/config.toml
tarn query "SELECT 1" 2>&1 | sed "s#$PWD#HERE#"
printf 'threads = "many"\n' >tarn/config.toml
tarn query "SELECT 1" 2>&1 | sed "s#$PWD#HERE#"
printf 'threads = \n' >tarn/config.toml
tarn query "SELECT 1" 2>&1 | sed "s#$PWD#HERE#"
