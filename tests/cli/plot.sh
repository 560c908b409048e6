tarn plot --max-width 60 "SELECT * FROM (VALUES ('SEA', 5.5), ('JFK', 11), ('ünï', -2), (NULL, 0)) AS t(origin, delay)"
tarn plot --max-width 60 --height 6 "SELECT range AS x, range * range AS y FROM range(30)"
tarn plot "SELECT 'a', 'b'"
tarn plot --y nope "SELECT 'a' AS note, 1 AS n"
tarn plot "FROM (VALUES ('up', 3), ('down', -5), ('little', 1)) t(what, n)" --max-width 60
