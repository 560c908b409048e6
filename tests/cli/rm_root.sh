# What nobody means to remove: refused before anything is listed.
mkdir -p d/e && touch d/f
for path in / // /. . ./ .. d/.. d/. d/e/../ file:///; do
    echo "$ tarn rm -r $path"
    timeout 10 tarn rm -r --dry-run "$path" 2>&1 | head -n 3
done
tarn rm -r d/ && ls
