SELECT airport, city, count(*) AS hours, sum(flights) AS flights, CAST(max(mean) AS DECIMAL(18,3)) AS worst_mean,
       CAST(max(p95) AS DECIMAL(18,3)) AS worst_p95, CAST(sum(share_late) AS DECIMAL(18,3)) AS late
FROM 'lake/delays'
GROUP BY airport, city
ORDER BY airport
