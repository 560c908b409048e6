tarn query --log-format json "SELECT dealy FROM range(3) AS t(delay)"
