# Two files that would become one are refused before anything is copied; names stay as they are.
mkdir -p a/sub b/sub
echo a >a/sub/x.csv
echo b >b/sub/x.csv
echo c >'a/x%2541 y'
tarn cp a/sub/x.csv b/sub/x.csv to
echo "= $?"
tarn cp -r a b to
echo "= $?"
tarn cp '*/sub/*.csv' to
echo "= $?"
ls
tarn cp -r "file://$PWD/a" "file://$PWD/t%6f"
(cd to && find . -type f | sort)
tarn cp 'a/**/x.csv' a/sub/x.csv again
ls again
