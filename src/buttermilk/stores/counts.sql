-- How many jobs of a run stand where, by the status of their last attempt.
SELECT c.step, c.agent, r.status, count(*) FROM run_jobs m JOIN jobs j ON j.job_id = m.job_id
  JOIN cells c ON c.cell = j.cell
  JOIN results r ON r.job_id = m.job_id AND r.attempt = (SELECT max(attempt) FROM results WHERE job_id = m.job_id)
WHERE m.run_id = :run GROUP BY c.step, c.agent, r.status ORDER BY c.step, c.agent, r.status
