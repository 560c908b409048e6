# What matches a pattern and is no file is an error that names it: its rows would be missed by nobody.
mkdir in
printf 'a\n1\n' >in/1.csv
ln -s 1.csv in/2.csv
tarn -c "SELECT count(*) AS links_are_followed FROM 'in/*.csv'"
ln -s ../gone.csv in/3.csv
tarn -c "FROM 'in/*.csv'"
echo "= $?"
tarn -c "FROM 'in/'" 2>&1 | head -1
tarn -c "FROM 'in/[12].csv'"
cat >p.toml <<'END'
[pipeline]
name = "p"
[[source]]
id = "raw"
uri = "in/*.csv"
[[sink]]
from = "raw"
to = "lake/p"
END
tarn run p.toml
echo "= $?"
rm in/3.csv
mkfifo in/4.csv in/_5.csv
tarn -c "FROM 'in/*.csv'"
echo "= $?"
tarn run p.toml
echo "= $?"
mkdir more && ln -s ../more in/folder && ln -s ../in in/above
rm in/4.csv
tarn -c "SELECT count(*) AS n FROM 'in/*'" 2>&1
tarn ls in | cut -d , -f 1
