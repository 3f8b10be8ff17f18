-- How many jobs of a run stand where, by the attempt that counts: the answer, else the last.
SELECT c.step, c.agent, r.status, count(*) FROM run_jobs m JOIN jobs j ON j.job_id = m.job_id
  JOIN cells c ON c.cell = j.cell
  JOIN results r ON r.job_id = m.job_id AND r.attempt = (
    SELECT attempt FROM results WHERE job_id = m.job_id ORDER BY status = 'answered' DESC, attempt DESC LIMIT 1)
WHERE m.run_id = :run GROUP BY c.step, c.agent, r.status ORDER BY c.step, c.agent, r.status
