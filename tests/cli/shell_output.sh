# \o of a name that says no format is refused at once, and results go where they went.
printf '%s\n' 'SELECT 1 AS a;' '\o out.foo' 'SELECT 2 AS b;' '\o out.csv' 'SELECT 3 AS c;' '\o' 'SELECT 4 AS d;' | tarn shell
cat out.csv
ls
echo old >kept.csv
printf '%s\n' '\o plain' 'SELECT 1 AS a;' '\o kept.csv' '\o nowhere/x.csv' 'SELECT 2 AS b;' '\o kept.csv' 'SELEC;' | tarn shell
cat plain kept.csv
