tarn query "SELECT 1;
SELECT
	'ünïcode', dealy FROM range(3)"
