-- What one step of a run gave for some records: of each job the attempt that counts: its answer, else the last.
SELECT j.record_id, j.job_id, c.step, c.agent, c.perspective, c.variant, j.repeat, r.status, r.answers, r.simulated
FROM jobs j JOIN run_jobs m ON m.job_id = j.job_id AND m.run_id = :run JOIN cells c ON c.cell = j.cell
  JOIN results r ON r.job_id = j.job_id AND r.attempt = (
    SELECT attempt FROM results WHERE job_id = j.job_id ORDER BY status = 'answered' DESC, attempt DESC LIMIT 1)
WHERE c.step = :step AND c.arm NOT IN ('priors', 'precedents') AND j.record_id IN :records
ORDER BY j.job_id
