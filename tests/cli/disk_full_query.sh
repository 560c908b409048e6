tarn query "SELECT 1" >/dev/full
