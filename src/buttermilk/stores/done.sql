-- Every attempt at these jobs (a JSON list of ids), first to last.
SELECT r.job_id, r.status, r.attempt, coalesce(u.flow, '')
FROM json_each(?) AS asked JOIN results r ON r.job_id = asked.value LEFT JOIN runs u ON u.run_id = r.run_id
ORDER BY r.job_id, r.attempt
