# Files without a byte: an error that says what to do, and what it says helps; nothing beside others.
printf 'a,b\n1,2\n' >2.csv
: >1.csv
: >3.csv
tarn query "SELECT * FROM '1.csv'"
tarn query "SELECT * FROM read_csv('1.csv', columns => {'a': 'BIGINT', 'b': 'DATE'})"
tarn query "SELECT * FROM read_csv('1.csv', names => ['x', 'y'], types => {'y': 'DATE'})"
tarn query "SELECT * FROM read_csv('1.csv', names => ['x', 'y'], types => {'z': 'DATE'})"
tarn query "SELECT * FROM '?.csv'"
tarn query "SELECT *, typeof(b) FROM read_csv('?.csv', columns => {'a': 'BIGINT', 'b': 'INTEGER'})"
tarn query "SELECT sum(a) FROM read_csv('?.csv', columns => {'a': 'BIGINT', 'b': 'INTEGER'}, union_by_name => true)"
gzip -c 1.csv >1.csv.gz
tarn query "SELECT * FROM read_csv('1.csv.gz', columns => {'a': 'BIGINT'})"
