# Without a command SQL comes from standard input; here there is none.
tarn </dev/null
