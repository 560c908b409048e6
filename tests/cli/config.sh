TARN_THREADS=2 AWS_SECRET_ACCESS_KEY=hidden tarn config --memory 1GB --format csv | grep -E '^(memory|threads|timezone|s3.secret_access_key),' | cut -d, -f1-3
TARN_MEMORY=lots tarn config
cat >c.toml <<'END'
# settings of a user
threads = 3
memory = "700MB"   # with a comment
[s3]
region = 'eu-north-1'
END
export TARN_CONFIG=c.toml
TARN_THREADS=2 tarn config --set s3.region=x --format csv | grep -E '^(memory|threads|s3.region),' | cut -d, -f1-3
tarn config --format csv | grep -E '^(memory|threads|s3.region),' | cut -d, -f1-3
echo 'memroy = "1GB"' >c.toml; tarn config
echo 'memory = 1 GB' >c.toml; tarn config
echo '[s3' >c.toml; tarn config
