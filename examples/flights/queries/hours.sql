SELECT month, hour, count(*) AS airports, sum(flights) AS flights, CAST(sum(mean * flights) AS DECIMAL(18,3)) AS delay,
       CAST(sum(p95) AS DECIMAL(18,3)) AS p95, CAST(sum(share_late * flights) AS DECIMAL(18,3)) AS late
FROM 'lake/delays'
GROUP BY month, hour
ORDER BY month, hour
