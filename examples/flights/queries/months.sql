SELECT month, count(*) AS flights, sum(delay) AS delay, min(delay) AS least, max(delay) AS most,
       count(DISTINCT origin) AS origins, sum(distance) AS distance, min(date) AS first, max(date) AS last
FROM 'lake/flights'
GROUP BY month
ORDER BY month
