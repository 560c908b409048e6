TARN_THREADS=2 AWS_SECRET_ACCESS_KEY=hidden tarn config --memory 1GB --format csv | grep -E '^(memory|threads|timezone|s3.secret_access_key),' | cut -d, -f1-3
TARN_MEMORY=lots tarn config
