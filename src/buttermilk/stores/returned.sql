-- Which models replied for whom in some runs, by their own account: a row per wave, agent and model.
SELECT c.wave, c.agent, c.agent_hash, r.model_returned, count(*), min(r.ended_at), max(r.ended_at)
FROM (SELECT DISTINCT job_id FROM run_jobs WHERE run_id IN :runs) m
  JOIN jobs j ON j.job_id = m.job_id JOIN cells c ON c.cell = j.cell JOIN results r ON r.job_id = m.job_id
WHERE r.model_returned <> ''
GROUP BY c.wave, c.agent, c.agent_hash, r.model_returned
ORDER BY min(r.ended_at), r.model_returned
