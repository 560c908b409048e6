# A new user's first minutes: init, check, run, look, run again, add a file, a late change of mind.
tarn init shop
tarn init shop
cd shop || exit 1
tarn check pipeline.toml
tarn run pipeline.toml 2>&1 | sed 's/done: .*/done/'
tarn query "SELECT * FROM 'lake/sales' ORDER BY id"
tarn query "SELECT * FROM 'lake/by_day' ORDER BY day, shop"
tarn query "SELECT source, file, line, \"column\", reason, raw FROM 'lake/_bad/sales' ORDER BY source"
tarn run pipeline.toml
touch landing/2026-01-05.csv
tarn run pipeline.toml
printf 'id,day,shop,amount\n8,2026-01-07,South,5\n' >landing/2026-01-07.csv
tarn run --dry-run pipeline.toml
tarn run --step by_day pipeline.toml
tarn run -q pipeline.toml
tarn query "SELECT count(*) FROM 'lake/sales'"
printf 'id,day,shop,amount\n9,2026-01-07,South,5\n' >landing/2026-01-07.csv
tarn run -q pipeline.toml
tarn query "SELECT id FROM 'lake/sales' WHERE id > 7 ORDER BY id"
tarn reset --input 'landing/2026-01-05*' pipeline.toml
tarn reset --input 'landing/2026-01-05*' --yes pipeline.toml
tarn run -q pipeline.toml
tarn query "SELECT count(*) FROM 'lake/sales'"
tarn status --files pipeline.toml | sed 's/20..-..-.. ..:..:../TIME/'
tarn graph pipeline.toml
tarn run -p leest=1 pipeline.toml
tarn run --watch pipeline.toml
tarn run no_such.toml
